"""Making an index anew: for another model, or of a damaged one."""

import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from newsclf.errors import IndexFileError
from newsclf.index.database import REMEDY, Database
from newsclf.index.encoding import decoded_samples, encoded_samples
from newsclf.index.placing import Placer
from newsclf.index.posted import PostedArticles, postings_folder
from newsclf.index.rows import COLUMN, COLUMNS, Row, article_of, readable_pages
from newsclf.index.tables import Orphan
from newsclf.model import NewsModel


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """What became of an index that was made anew.

    Attributes:
        n_articles: number of articles in the new one.
        n_unreadable: number of articles that the old one has lost.
    """

    n_articles: int
    n_unreadable: int


def rebuild_index(
    path: str | Path,
    model: NewsModel,
    output: str | Path | None = None,
    progress: Callable[[int], None] = lambda n_articles: None,
) -> RebuildReport:
    """Makes an index anew for a model: the same articles and clusters, with rows and topics of that model and new postings.

    Args:
        path: of the old index, which may be another model's or damaged.
        model: for the new one.
        output: where the new one goes; None puts it in the place of the old one, which then must be read without loss.
        progress: called with the number of articles done.

    Raises:
        IndexFileError: if the old one cannot be opened, the new one cannot be written or is there already, or the old one keeps
            no texts and was made with another model.
    """
    old_path = Path(path)
    new_path = old_path.with_name(f"{old_path.name}.rebuilt") if output is None else Path(output)
    if not old_path.exists():
        raise IndexFileError(f"{old_path}: no such index")
    if new_path.exists():
        raise IndexFileError(f"{new_path} is there already; remove it first")
    try:
        with closing(Database(old_path, read_only=output is not None, sync="normal")) as old:
            report = _made_anew(old, new_path, model, progress, is_locked=output is None)
    except BaseException:
        _remove(new_path)
        raise
    if output is None:
        _replace(old_path, new_path)
    return report


def _made_anew(
    old: Database, new_path: Path, model: NewsModel, progress: Callable[[int], None], *, is_locked: bool
) -> RebuildReport:
    settings = old.settings()
    if settings.get("texts") != "yes" and settings.get("fingerprint") != model.fingerprint:
        raise IndexFileError(f"{old.path} keeps no texts, so it cannot be made anew for another model")
    lock = old.writing() if is_locked else nullcontext()
    new_settings = settings | {"fingerprint": model.fingerprint}
    with lock, closing(Database(new_path, read_only=False, sync="full", new_settings=new_settings)) as new, new.writing():
        report = _Copying(old, new, model, keeps_text=settings.get("texts") == "yes").run(progress)
        if is_locked and report.n_unreadable:
            n_lost = f"{report.n_unreadable:,} articles of {old.path} cannot be read"
            raise IndexFileError(f"{n_lost}. {REMEDY.format(path=old.path)}")
        return report


class _Copying:
    """One index becoming another."""

    def __init__(self, old: Database, new: Database, model: NewsModel, *, keeps_text: bool) -> None:
        self._old, self._new, self._keeps_text = old, new, keeps_text
        self._posted = PostedArticles(new)
        self._placer = Placer(new, self._posted, model, keeps_text=keeps_text)
        self._n_articles = self._n_unreadable = self._last_post = 0

    def run(self, progress: Callable[[int], None]) -> RebuildReport:
        for rows in readable_pages(self._old, self._count_unreadable):
            self._add([row for row in rows if self._is_readable(row)])
            progress(self._n_articles)
        self._copy_events()
        self._placer.place_orphans(self._lost(), {}, int(time.time() * 1000))
        self._posted.merge_all()
        self._posted.tidy()  # nobody reads them yet
        return RebuildReport(self._n_articles, self._n_unreadable)

    def _count_unreadable(self) -> None:
        self._n_unreadable += 1

    def _is_readable(self, row: Row) -> bool:
        try:
            decoded_samples([row[COLUMN["sample"]]])
            article_of(row)
        except ValueError:
            self._n_unreadable += 1
            return False
        return True

    def _add(self, rows: Sequence[Row]) -> None:
        """Adds rows with the model's topics and samples, in the places that they had."""
        if not rows:
            return
        samples = decoded_samples([row[COLUMN["sample"]] for row in rows])
        renewed = [list(row) for row in rows]
        if self._keeps_text:
            block = self._placer.prepared([article_of(row) for row in rows])
            samples = self._posted.sampled(block.terms)
            for row, blob, prediction in zip(renewed, encoded_samples(samples), block.predictions, strict=True):
                row[COLUMN["sample"]] = blob
                row[COLUMN["topic"]], row[COLUMN["topic_probability"]] = prediction.topic, prediction.probability
        canonicals = [index for index, row in enumerate(renewed) if row[COLUMN["cluster"]] is not None]
        for index in canonicals:
            self._last_post += 1
            renewed[index][COLUMN["post"]] = self._last_post
        self._new.run_many(f"INSERT INTO articles ({COLUMNS}) VALUES ({', '.join('?' * len(COLUMN))})", renewed)
        posts = [renewed[index][COLUMN["post"]] for index in canonicals]
        numbers = [renewed[index][COLUMN["number"]] for index in canonicals]
        self._new.run_many("INSERT INTO canonicals VALUES (?, ?)", list(zip(posts, numbers, strict=True)))
        self._posted.append(samples.take(np.array(canonicals, np.int64)), np.array(posts, np.int64))
        self._posted.seal()
        self._n_articles += len(rows)

    def _copy_events(self) -> None:
        try:
            events = self._old.rows("SELECT * FROM events ORDER BY event")
        except IndexFileError:
            return  # a damaged page of them is no reason to lose the articles
        self._new.run_many("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", events)

    def _lost(self) -> list[Orphan]:
        """Copies whose canonical could not be read; their cluster's id is lost with it, and a new one stands for it."""
        query = """
        SELECT a.number, a.canonical FROM articles a LEFT JOIN articles c ON c.number = a.canonical AND c.cluster IS NOT NULL
        WHERE c.number IS NULL ORDER BY a.number
        """
        return [Orphan(number, f"{canonical:016x}") for number, canonical in self._new.rows(query)]


def _replace(old: Path, new: Path) -> None:
    """Puts the new index in the place of the old one; both are closed. Were it killed half-way, postings would be made again."""
    log, shared = (old.with_name(old.name + suffix) for suffix in ("-wal", "-shm"))
    if log.exists() and log.stat().st_size:  # SQLite would replay it into the new file
        raise IndexFileError(
            f"{old} is open in another process, so {new} was not put in its place. Close it there and move it yourself"
        )
    shutil.rmtree(postings_folder(old), ignore_errors=True)
    log.unlink(missing_ok=True)
    shared.unlink(missing_ok=True)
    new.replace(old)
    if postings_folder(new).exists():
        postings_folder(new).rename(postings_folder(old))


def _remove(path: Path) -> None:
    for file in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        file.unlink(missing_ok=True)
    shutil.rmtree(postings_folder(path), ignore_errors=True)
