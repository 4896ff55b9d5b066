"""Making an index anew: for another model, or of a damaged one."""

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from newsclf.duplicates.samples import Samples
from newsclf.errors import IndexFileError
from newsclf.index.database import REMEDY, Database
from newsclf.index.encoding import decoded_samples, encoded_samples
from newsclf.index.placing import Placer
from newsclf.index.posted import PostedArticles, postings_folder
from newsclf.index.rows import COLUMN, COLUMNS, Row, article_of, readable_pages
from newsclf.index.tables import Orphan, next_numbers
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
        path: of the index, which may be another model's or damaged.
        model: for the new one.
        output: where the new one goes; None changes the index itself, all at once, if every article in it can be read.
        progress: called with the number of articles done.

    Raises:
        IndexFileError: if the index cannot be opened or read whole, the output cannot be written or is there already, or the
            index keeps no texts and was made with another model.
    """
    with closing(Database(Path(path).resolve(), read_only=output is not None, sync="full")) as old:
        settings = old.settings()
        if settings.get("texts") != "yes" and settings.get("fingerprint") != model.fingerprint:
            raise IndexFileError(f"{old.path} keeps no texts, so it cannot be made anew for another model")
        settings["fingerprint"] = model.fingerprint
        if output is None:
            return _renewed(old, model, settings, progress)
        return _copied(old, Path(output).resolve(), model, settings, progress)


def _renewed(database: Database, model: NewsModel, settings: Mapping[str, str], progress: Callable[[int], None]) -> RebuildReport:
    """Renews an index in one transaction: others see it as it was, and then as it is."""
    with database.writing():
        database.run("DELETE FROM canonicals")
        database.run("DELETE FROM segments")
        database.run("UPDATE settings SET value = ? WHERE name = 'fingerprint'", (settings["fingerprint"],))
        renewal = _Renewal(database, database, model, keeps_text=settings["texts"] == "yes")
        report = renewal.run(progress)
        if report.n_unreadable:
            n_lost = f"{report.n_unreadable:,} articles of {database.path} cannot be read"
            raise IndexFileError(f"{n_lost}. {REMEDY.format(path=database.path)}")
    with database.writing():
        renewal.tidy()
    return report


def _copied(
    old: Database, path: Path, model: NewsModel, settings: Mapping[str, str], progress: Callable[[int], None]
) -> RebuildReport:
    if path.exists():
        raise IndexFileError(f"{path} is there already; remove it first")
    try:
        with closing(Database(path, read_only=False, sync="full", new_settings=settings)) as new, new.writing():
            renewal = _Renewal(old, new, model, keeps_text=settings["texts"] == "yes")
            report = renewal.run(progress)
            renewal.tidy()  # nobody reads it yet
            return report
    except BaseException:
        for file in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
            file.unlink(missing_ok=True)
        shutil.rmtree(postings_folder(path), ignore_errors=True)
        raise


class _Renewal:
    """One index becoming another, or itself becoming new."""

    def __init__(self, old: Database, new: Database, model: NewsModel, *, keeps_text: bool) -> None:
        self._old, self._new, self._keeps_text = old, new, keeps_text
        self._posted = PostedArticles(new)
        self._placer = Placer(new, self._posted, model, keeps_text=keeps_text)
        self._n_articles = self._n_unreadable = 0
        _, self._next_post = next_numbers(new)

    def run(self, progress: Callable[[int], None]) -> RebuildReport:
        for rows in readable_pages(self._old, self._count_unreadable):
            self._add([row for row in rows if self._is_readable(row)])
            progress(self._n_articles)
        if self._new is not self._old:
            self._copy_events()
        self._placer.place_orphans(self._lost(), {}, int(time.time() * 1000))
        self._posted.merge_all()
        return RebuildReport(self._n_articles, self._n_unreadable)

    def tidy(self) -> None:
        self._posted.tidy()

    def _count_unreadable(self) -> None:
        self._n_unreadable += 1

    def _is_readable(self, row: Row) -> bool:
        try:
            article_of(row)
            if not self._keeps_text:
                decoded_samples([row[COLUMN["sample"]]])
        except ValueError:
            self._n_unreadable += 1
            return False
        return True

    def _add(self, rows: Sequence[Row]) -> None:
        """Adds rows with the model's topics and samples, in the places that they had."""
        if not rows:
            return
        renewed, samples = self._with_model(rows)
        canonicals = [index for index, row in enumerate(renewed) if row[COLUMN["cluster"]] is not None]
        posts = range(self._next_post, self._next_post + len(canonicals))
        self._next_post += len(canonicals)
        for index, number in zip(canonicals, posts, strict=True):
            renewed[index][COLUMN["post"]] = number
        self._write(renewed)
        numbers = [renewed[index][COLUMN["number"]] for index in canonicals]
        self._new.run_many("INSERT INTO canonicals VALUES (?, ?)", list(zip(posts, numbers, strict=True)))
        self._posted.append(samples.take(np.array(canonicals, np.int64)), np.array(posts, np.int64))
        self._posted.seal()
        self._n_articles += len(rows)

    def _with_model(self, rows: Sequence[Row]) -> tuple[list[list[Any]], Samples]:
        """The rows and their samples, both made anew where there are texts to make them of."""
        renewed = [list(row) for row in rows]
        if not self._keeps_text:
            return renewed, decoded_samples([row[COLUMN["sample"]] for row in rows])
        block = self._placer.prepared([article_of(row) for row in rows])
        samples = self._posted.sampled(block.terms)
        for row, blob, prediction in zip(renewed, encoded_samples(samples), block.predictions, strict=True):
            row[COLUMN["sample"]] = blob
            row[COLUMN["topic"]], row[COLUMN["topic_probability"]] = prediction.topic, prediction.probability
        return renewed, samples

    def _write(self, rows: Sequence[list[Any]]) -> None:
        if self._new is not self._old:
            self._new.run_many(f"INSERT INTO articles ({COLUMNS}) VALUES ({', '.join('?' * len(COLUMN))})", rows)
            return
        names = ("sample", "topic", "topic_probability", "post", "number")
        changes = [[row[COLUMN[name]] for name in names] for row in rows]
        statement = "UPDATE articles SET sample = ?, topic = ?, topic_probability = ?, post = ? WHERE number = ?"
        self._new.run_many(statement, changes)

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
