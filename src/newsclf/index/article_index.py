"""The index that a pipeline asks: what is this article about, and has it been seen before?"""

import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

from newsclf.article import Article
from newsclf.errors import IndexFileError
from newsclf.index.database import Database
from newsclf.index.encoding import digest_of
from newsclf.index.placing import Placer
from newsclf.index.posted import DamagedPostingsError, PostedArticles
from newsclf.index.records import IndexStats, Sighting, StoredArticle, StoredCluster
from newsclf.index.tables import all_articles, events_of, merged_from, merged_into, seen_times, stored_articles, time_of
from newsclf.model import NewsModel, as_article
from newsclf.reading.fields import without_lone_surrogates
from newsclf.text.blocks import article_blocks

BLOCK_ARTICLES = 128  # added in one transaction where many come at once
MAX_SEGMENT_SHARE = 0.25  # of an index with a window: what is too old goes a segment at a time
EXPIRED_AT_ONCE = 512
EXPIRED_FOR_ONE = 4  # at most, of a window, for each article that is added: it catches up, and no add waits long
RETRY_SECONDS = 0.05  # of a reader that finds a segment gone, which a writer has merged meanwhile


class ArticleIndex:
    """Everything seen so far; made by ``newsclf.open_index``. One writes at a time, many may read, in threads and in processes.

    Whatever a call has returned is on disk: a killed process loses nothing of it.
    """

    def __init__(
        self,
        path: Path,
        model: NewsModel,
        *,
        read_only: bool,
        sync: str,
        keeps_text: bool | None,
        window: timedelta | None,
        clock: Callable[[], float],
    ) -> None:
        settings = {"fingerprint": model.fingerprint, "texts": "no" if keeps_text is False else "yes"}
        self._database = Database(path, read_only=read_only, sync=sync, new_settings=settings)
        self._lock = threading.RLock()
        self._read_only, self._window, self._clock = read_only, window, clock
        try:
            self._checked(settings, keeps_text)
            self._posted = PostedArticles(
                self._database, fingerprint=model.fingerprint, max_segment_share=1.0 if window is None else MAX_SEGMENT_SHARE
            )
            self._placer = Placer(self._database, self._posted, model, keeps_text=self._database.settings()["texts"] == "yes")
            with self._reading():
                pass
        except BaseException:
            self._database.close()
            raise

    def _checked(self, settings: Mapping[str, str], keeps_text: bool | None) -> None:
        path, found = self._database.path, self._database.settings()
        if found.get("fingerprint") != settings["fingerprint"]:
            raise IndexFileError(
                f"{path} was made with another model or newsclf: its rows would not fit. Open it with that model, or "
                f"make it anew with `newsclf index rebuild {path} --model MODEL`"
            )
        if keeps_text is not None and found["texts"] != settings["texts"]:
            raise IndexFileError(f"{path} was made {'without' if keeps_text else 'with'} texts, and stays so")

    def __enter__(self) -> "ArticleIndex":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Closes the files; twice is once."""
        with self._lock:
            try:
                self._finish_merge()
            finally:
                self._database.close()

    def _finish_merge(self) -> None:
        """Takes what is being merged: a process that adds one article and ends would else leave ever more segments."""
        self._posted.wait()
        if self._posted.is_merging:
            with self._database.writing():
                self._refresh()
                self._posted.take_merged()
        if self._posted.has_leftovers:
            with self._database.writing():
                self._refresh()
                self._posted.tidy()

    def check(self, article: Article | str) -> Sighting:
        """What ``add`` would say, without adding anything.

        Raises:
            IndexFileError: if the index cannot be read.
        """
        block = self._placer.prepared([_storable(article)])
        with self._reading():
            return self._placer.check(block)

    def add(self, article: Article | str) -> Sighting:
        """Adds an article and says what it is about and what it copies.

        An id that is in the index already is an update: the article takes the old one's place. An article without an id goes by
        its URL; without one too it is a new article every time.

        Raises:
            IndexFileError: if it cannot be added; the index is then as it was before.
        """
        return self.add_many([article])[0]

    def add_many(self, articles: Iterable[Article | str]) -> list[Sighting]:
        """The same for several, in their order, in blocks that are each added whole or not at all.

        Raises:
            TypeError: if it is given one article or one str.
            IndexFileError: if a block cannot be added; those before it are.
        """
        if isinstance(articles, str | Article):
            raise TypeError("articles must be several, in a list or stream; for one there is add")
        sightings: list[Sighting] = []
        for block in article_blocks(map(_storable, articles), BLOCK_ARTICLES):
            for distinct in _without_repeats(block):
                sightings += self._add_block(distinct)
        return sightings

    def _add_block(self, articles: Sequence[Article]) -> list[Sighting]:
        with self._writing():
            sightings = self._placer.add(articles, self._now_ms())
            if self._window is not None:
                self._expire_some(self._clock() - self._window.total_seconds(), max_articles=EXPIRED_FOR_ONE * len(articles))
            return sightings

    def remove(self, id: str) -> bool:
        """Removes an article; what copied it finds another canonical. False if there is none of that id.

        Raises:
            IndexFileError: if the index cannot be written.
        """
        with self._writing():
            numbers = [number for (number,) in self._database.rows("SELECT number FROM articles WHERE id = ?", (_plain(id),))]
            self._placer.remove(numbers, self._now_ms())
        return bool(numbers)

    def expire(self, older_than: timedelta | datetime) -> int:
        """Removes the articles that were added before a time, or longer ago than a time span; gives back their disk space.

        Returns:
            How many there were.

        Raises:
            ValueError: if a time has no time zone.
            IndexFileError: if the index cannot be written.
        """
        if isinstance(older_than, datetime) and older_than.tzinfo is None:
            raise ValueError(f"older_than must have a time zone, for {older_than} is another time elsewhere")
        now = self._clock()
        before = now - older_than.total_seconds() if isinstance(older_than, timedelta) else older_than.timestamp()
        n_expired, n_last = 0, EXPIRED_AT_ONCE
        while n_last == EXPIRED_AT_ONCE:
            with self._writing():
                n_last = self._expire_some(before, EXPIRED_AT_ONCE)
            n_expired += n_last
        with self._lock:
            self._database.rows("PRAGMA incremental_vacuum")
        return n_expired

    def _expire_some(self, before: float, max_articles: int) -> int:
        query = "SELECT number FROM articles WHERE seen < ? ORDER BY number LIMIT ?"
        numbers = [number for (number,) in self._database.rows(query, (int(before * 1000), max_articles))]
        self._placer.remove(numbers, self._now_ms())
        return len(numbers)

    def article(self, id: str) -> StoredArticle | None:
        """The article of this id; None if there is none."""
        with self._reading():
            return next(iter(stored_articles(self._database, "a.id = ?", (_plain(id),))), None)

    def seen(self, articles: Sequence[Article]) -> list[tuple[datetime, bool] | None]:
        """For each article when the one of its id was added, UTC, and whether with this title and text; None where none was."""
        storable = list(map(_storable, articles))
        with self._reading():
            known = seen_times(self._database, [article.id or "" for article in storable])
        found = ((known.get(article.id or ""), article) for article in storable)
        return [None if entry is None else (entry[0], entry[1] == digest_of(article)) for entry, article in found]

    def cluster(self, id: str) -> StoredCluster | None:
        """The cluster of this id, or the one that it was merged into; None if there is none."""
        with self._reading():
            live = merged_into(self._database, _plain(id))
            articles = stored_articles(self._database, "c.cluster = ?", (live,))
            if not articles:
                return None
            canonical = next(article for article in articles if not article.duplicate)
            members = tuple(article for article in articles if article.duplicate)
            events = events_of(self._database, merged_from(self._database, live))
            return StoredCluster(live, canonical, members, events)

    def export(self) -> Iterator[StoredArticle]:
        """All articles in order of arrival, as they are when the first is asked for, whatever is added and removed meanwhile."""
        with closing(Database(self._database.path, read_only=True, sync="normal")) as database, database.reading():
            yield from all_articles(database)

    def stats(self) -> IndexStats:
        """How large the index is, and since when."""
        with self._reading():
            n_articles, oldest, newest = self._database.rows("SELECT count(*), min(seen), max(seen) FROM articles")[0]
            (n_canonicals,) = self._database.rows("SELECT count(*) FROM canonicals")[0]
            (n_events,) = self._database.rows("SELECT count(*) FROM events")[0]
            settings = self._database.settings()
            return IndexStats(
                n_articles=n_articles,
                n_duplicates=n_articles - n_canonicals,
                n_events=n_events,
                oldest=None if oldest is None else time_of(oldest),
                newest=None if newest is None else time_of(newest),
                database_bytes=self._database.size_bytes,
                postings_bytes=self._posted.size_bytes,
                n_segments=self._posted.n_segments,
                has_texts=settings["texts"] == "yes",
                fingerprint=settings["fingerprint"],
            )

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """A write transaction with the postings up to date, before and after."""
        with self._lock:
            try:
                with self._database.writing():
                    self._refresh()
                    self._posted.tidy()
                    yield
                    self._seal()
            except BaseException:
                self._posted.forget()
                raise

    def _seal(self) -> None:
        try:
            self._posted.seal()
        except OSError as error:
            raise IndexFileError(f"{self._database.path}: its postings cannot be written: {error}") from error

    def _refresh(self) -> None:
        try:
            self._posted.refresh()
        except DamagedPostingsError:
            self._posted.rebuild()  # they are made of the database, which is whole

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """A read transaction with the postings up to date."""
        with self._lock, self._begun_reading():
            yield

    def _begun_reading(self) -> ExitStack:
        """Begins a read transaction; opens segments that others have written, and makes a writer's anew that are damaged."""
        for is_last in (False, False, True):
            with ExitStack() as stack:
                stack.enter_context(self._database.reading())
                try:
                    self._posted.refresh()
                    return stack.pop_all()
                except DamagedPostingsError:
                    if self._read_only and is_last:
                        raise
            if self._read_only:
                time.sleep(RETRY_SECONDS)
            else:
                with self._writing():
                    pass
        raise AssertionError("the loop returns or raises")


def _plain(text: str) -> str:
    return without_lone_surrogates(text).replace("\0", "\ufffd")


def _storable(article: Article | str) -> Article:
    """The article with an id, and without halves of characters and NULs outside its text, where SQLite cannot hold them."""
    article = as_article(article)
    article = replace(article, id=article.id or article.url or uuid.uuid4().hex)
    changed: dict[str, Any] = {
        name: _plain(value)
        for name in ("id", "title", "published", "source", "url")
        if (value := getattr(article, name)) and (not value.isascii() or "\0" in value)
    }
    return replace(article, **changed) if changed else article


def _without_repeats(articles: Sequence[Article]) -> Iterator[list[Article]]:
    """The articles in runs in which no id stands twice."""
    run: list[Article] = []
    ids: set[str | None] = set()
    for article in articles:
        if article.id in ids:
            yield run
            run, ids = [], set()
        run.append(article)
        ids.add(article.id)
    yield run
