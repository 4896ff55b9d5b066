"""All postings of an index: the newest in memory, the others in segments on disk, which grow by being merged."""

import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from newsclf.duplicates.columns import stacked
from newsclf.duplicates.postings import Found, NewArray, Postings, find_posted, list_lengths, merged, post
from newsclf.duplicates.samples import RareTerms, Samples, sampled
from newsclf.errors import IndexFileError
from newsclf.index.database import Database
from newsclf.index.encoding import decoded_samples
from newsclf.index.segments import name_segment, open_segment, remove_segments, write_segment

TIERS = (64, 1024, 8192)  # articles: each is posted anew whenever it grows, and emptied into the next when it is full
ROWS_AT_ONCE = 8192


@dataclass(frozen=True, eq=False)
class _Segment:
    """A segment on disk, and the first and last post that it covers."""

    name: str
    first: int
    last: int
    postings: Postings


@dataclass(frozen=True)
class _Tier:
    """Postings in memory, and the samples that they were made of."""

    samples: Samples
    postings: Postings


def postings_folder(path: Path) -> Path:
    """The folder beside an index in which its segments are."""
    return path.with_name(f"{path.name}-postings")


class DamagedPostingsError(IndexFileError):
    """Files beside the database that have to be made again."""


class PostedArticles:
    """What finds candidates among the canonicals of an index. The database is the truth; this follows it.

    Every method is called inside a transaction of the database, so that several processes see one state.
    """

    def __init__(self, database: Database, *, fingerprint: str | None = None, max_segment_share: float = 1.0) -> None:
        """Knows nothing until ``refresh``.

        Args:
            database: of the index.
            fingerprint: of the model that the index must be of; None is content with any.
            max_segment_share: no two segments are merged into one that has more of all articles than this; an index with a window
                drops whole segments, so they must not be large.
        """
        self._database = database
        self._folder = postings_folder(database.path)
        self._fingerprint = fingerprint
        self._max_segment_share = max_segment_share
        self._segments: list[_Segment] = []
        self._tiers: list[_Tier | None] = [None] * len(TIERS)
        self._last = 0
        self._merging: _Merge | None = None
        self._version: int | None = None
        self._is_tidy = False  # a killed process may have left something
        self.has_leftovers = False  # files of segments that are listed no more; readers may still be opening them

    def find(self, terms: RareTerms) -> Found:
        """The posted articles that share enough rare terms with each article of a block."""
        return find_posted(self.parts, terms)

    def sampled(self, terms: RareTerms) -> Samples:
        """What is to be posted of articles, given what is posted by now."""
        return sampled(terms, list_lengths(self.parts, terms.hashes))

    @property
    def parts(self) -> list[Postings]:
        """All sets of postings, the oldest first."""
        in_memory = [tier.postings for tier in reversed(self._tiers) if tier is not None]
        return [segment.postings for segment in self._segments] + in_memory

    def refresh(self) -> None:
        """Takes in what other processes have written.

        Raises:
            IndexFileError: if a segment's files are missing or damaged: they have to be made again.
        """
        version = self._database.rows("PRAGMA data_version")[0][0]
        if version == self._version:  # what this connection writes it knows, and no other has written
            return
        self._check_fingerprint()
        listed = self._database.rows("SELECT name, first, last, checksums FROM segments ORDER BY first")
        if [row[0] for row in listed] != [segment.name for segment in self._segments]:
            known = {segment.name: segment for segment in self._segments}
            self._segments = [known.get(name) or self._opened(name, *rest) for name, *rest in listed]
            self._forget_memory()
        self._read_new()
        self._version = version

    def _check_fingerprint(self) -> None:
        found = self._database.settings().get("fingerprint")
        if self._fingerprint not in (None, found):
            raise IndexFileError(f"{self._database.path} was made anew for another model meanwhile; open it with that one")

    def _opened(self, name: str, first: int, last: int, checksums: str) -> _Segment:
        try:
            return _Segment(name, first, last, open_segment(self._folder, name, checksums))
        except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
            remedy = f"Open it for writing, or run `newsclf index rebuild {self._database.path}`: its postings are made anew"
            raise DamagedPostingsError(f"{self._folder / name} is missing or damaged: {error}. {remedy}") from error

    def _forget_memory(self) -> None:
        self._tiers = [None] * len(TIERS)
        self._last = max((segment.last for segment in self._segments), default=0)

    def forget(self) -> None:
        """Forgets all that is in memory, after a transaction that came to nothing."""
        self._segments = []
        self._version = None
        self._forget_memory()

    def _read_new(self, *, is_sealing: bool = False) -> None:
        """Posts what the database has beyond what is known here."""
        query = (
            "SELECT c.post, a.sample FROM canonicals c JOIN articles a USING (number) WHERE c.post > ? ORDER BY c.post LIMIT ?"
        )
        while rows := self._database.rows(query, (self._last, ROWS_AT_ONCE)):
            self.append(_samples_of(rows, self._database.path), np.array([number for number, _ in rows]))
            if is_sealing and len(rows) == ROWS_AT_ONCE:
                self._seal_tail()
                self.merge_all()

    def merge_all(self) -> None:
        """Merges as long as there is something to merge, and waits for it."""
        self._start_merge()
        while self._merging is not None:
            self.wait()
            self.take_merged()
            self._start_merge()

    def append(self, samples: Samples, posts: NDArray[np.int64]) -> None:
        """Posts articles that are in the database by now; ``posts`` ascend and go on from what was posted before."""
        if not len(posts):
            return
        for number, limit in enumerate(TIERS):
            tier = self._tiers[number]
            if tier is not None:
                samples = stacked([tier.samples, samples])
                posts = np.concatenate([tier.postings.posts, posts])
            self._tiers[number] = None
            if len(posts) <= limit or number == len(TIERS) - 1:
                self._tiers[number] = _Tier(samples, post(samples, posts))
                break
        self._last = int(posts[-1])

    def seal(self) -> None:
        """Writes what is in memory to a segment once it is much, drops segments whose articles are all gone, and merges.

        Called by a writer at the end of a transaction.

        Raises:
            OSError: if the disk is full or the folder read-only.
        """
        self._drop_dead()
        self.take_merged()
        tier = self._tiers[-1]
        if tier is not None and len(tier.postings) >= TIERS[-1] and self._merging is None:
            self._seal_tail()
        self._start_merge()

    def _seal_tail(self) -> None:
        tiers = [tier for tier in reversed(self._tiers) if tier is not None]
        samples, posts = stacked([tier.samples for tier in tiers]), np.concatenate([tier.postings.posts for tier in tiers])
        written = write_segment(self._folder, lambda new_array: _copied(post(samples, posts), new_array))
        self._add_segment(*written, int(posts[0]), int(posts[-1]))
        self._forget_memory()

    def _add_segment(self, unnamed: Path, checksums: str, first: int, last: int) -> None:
        """Names and lists a segment that was written."""
        name = f"{first:012d}-{last:012d}"
        name_segment(unnamed, name)
        self._database.run("INSERT INTO segments VALUES (?, ?, ?, ?)", (name, first, last, checksums))
        self._segments.append(self._opened(name, first, last, checksums))

    def _drop_dead(self) -> None:
        (least,) = self._database.rows("SELECT min(post) FROM canonicals")[0]
        dead = [segment for segment in self._segments if least is None or segment.last < least]
        self._remove(dead)

    def _remove(self, segments: Sequence[_Segment]) -> None:
        names = {segment.name for segment in segments}
        self._database.run_many("DELETE FROM segments WHERE name = ?", [(name,) for name in names])
        self._segments = [segment for segment in self._segments if segment.name not in names]
        self.has_leftovers = self.has_leftovers or bool(names)

    def _start_merge(self) -> None:
        """Merges the last segments in the background while each is not twice as long as the one after it."""
        if self._merging is not None or len(self._segments) < 2:
            return
        left, right = self._segments[-2:]
        n_all = sum(len(segment.postings) for segment in self._segments)
        is_due = len(left.postings) < 2 * len(right.postings)
        if is_due and len(left.postings) + len(right.postings) <= max(n_all * self._max_segment_share, 2 * TIERS[-1]):
            self._merging = _Merge(self._folder, left, right)

    def take_merged(self) -> None:
        """Puts a merged segment in the place of its two parts, if they are still there."""
        if self._merging is None or self._merging.is_alive():
            return
        merge, self._merging = self._merging, None
        if merge.error is not None:
            raise merge.error
        names = [segment.name for segment in self._segments]
        if merge.written is None or not all(part.name in names for part in merge.parts):
            if merge.written is not None:
                shutil.rmtree(merge.written[0], ignore_errors=True)
            return
        place = names.index(merge.parts[0].name)
        self._remove(merge.parts)
        self._add_segment(*merge.written, merge.parts[0].first, merge.parts[1].last)
        self._segments.insert(place, self._segments.pop())

    @property
    def is_merging(self) -> bool:
        """Whether two segments are being merged, or were and nobody has taken the result yet."""
        return self._merging is not None

    def wait(self) -> None:
        """Waits for the merging in the background."""
        if self._merging is not None:
            self._merging.join()

    def tidy(self) -> None:
        """Removes the files of segments that the index does not list; at the start of a write transaction."""
        if self._merging is None and (self.has_leftovers or not self._is_tidy):
            remove_segments(self._folder, {segment.name for segment in self._segments})
            self._is_tidy, self.has_leftovers = True, False

    def rebuild(self) -> None:
        """Makes all segments anew from the database.

        Raises:
            OSError: if they cannot be written.
            IndexFileError: if a sample in the database is damaged.
        """
        self.wait()
        self._merging = None
        self._database.run("DELETE FROM segments")
        self.forget()
        remove_segments(self._folder, ())
        self._read_new(is_sealing=True)

    @property
    def size_bytes(self) -> int:
        """Bytes of the segments on disk."""
        return sum(getattr(segment.postings, field.name).nbytes for segment in self._segments for field in fields(Postings))

    @property
    def n_segments(self) -> int:
        """Number of segments on disk."""
        return len(self._segments)


class _Merge(threading.Thread):
    """Two segments becoming one, in the background: their files do not change, so nobody has to wait."""

    def __init__(self, folder: Path, left: _Segment, right: _Segment) -> None:
        super().__init__(name="newsclf merge", daemon=True)
        self.parts = (left, right)
        self.written: tuple[Path, str] | None = None
        self.error: OSError | None = None
        self._folder = folder
        self.start()

    def run(self) -> None:
        parts = [segment.postings for segment in self.parts]
        try:
            self.written = write_segment(self._folder, lambda new_array: merged(parts, new_array))
        except OSError as error:
            self.error = error


def _samples_of(rows: Sequence[tuple[int, bytes]], path: Path) -> Samples:
    try:
        return decoded_samples([sample for _, sample in rows])
    except ValueError as error:
        raise IndexFileError(f"{path} is damaged: {error}. `newsclf index rebuild {path}` makes it anew of the texts") from error


def _copied(postings: Postings, new_array: NewArray) -> Postings:
    """The same postings in arrays of the caller's."""
    arrays = {}
    for field in fields(Postings):
        values = getattr(postings, field.name)
        arrays[field.name] = new_array(field.name, len(values), values.dtype)
        arrays[field.name][:] = values
    return Postings(**arrays)
