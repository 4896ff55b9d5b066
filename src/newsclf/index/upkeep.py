"""Looking after an index: whether it is sound, and making a new one of an old one, of another model's or of a damaged one."""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from newsclf.article import Article
from newsclf.errors import IndexFileError
from newsclf.index.database import REMEDY, Database
from newsclf.index.encoding import decoded_samples, digest_of, encoded_samples, unpacked_text
from newsclf.index.placing import Placer
from newsclf.index.posted import DamagedPostingsError, PostedArticles, postings_folder
from newsclf.index.tables import Orphan
from newsclf.model import NewsModel

ROWS_AT_ONCE = 256
MAX_PROBLEMS = 20  # of each kind: a damaged file has thousands
COLUMNS = (
    "number, id, seen, canonical, cluster, post, kind, probability, topic, topic_probability, published, source, url, digest, "
    "sample, title, text"
)
_COLUMN = {name: index for index, name in enumerate(COLUMNS.split(", "))}

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """What became of an index that was made anew.

    Attributes:
        n_articles: number of articles in the new one.
        n_unreadable: number of articles that the old one has lost.
    """

    n_articles: int
    n_unreadable: int


def check_index(path: str | Path, model: NewsModel) -> list[str]:
    """The problems of an index, in words; none if it is sound. Everything is read, nothing is written.

    Args:
        path: of the SQLite file.
        model: that the index was made with.

    Raises:
        IndexFileError: if it cannot be opened.
    """
    database = Database(Path(path), read_only=True, sync="normal")
    with closing(database):
        problems = _problems_of_file(database)
        if problems:
            return problems
        with database.reading():
            if database.settings().get("fingerprint") != model.fingerprint:
                problems.append("it was made with another model")
            return problems + _problems_of_clusters(database) + _problems_of_articles(database) + _problems_of_postings(database)


def _problems_of_file(database: Database) -> list[str]:
    try:
        found = [line for (line,) in database.rows(f"PRAGMA integrity_check({MAX_PROBLEMS})")]
    except IndexFileError as error:
        return [str(error)]
    return [] if found == ["ok"] else [f"SQLite: {line}" for line in found]


_RELATIONS = {
    "copies whose canonical is none": """
        SELECT a.id FROM articles a LEFT JOIN articles c ON c.number = a.canonical AND c.cluster IS NOT NULL
        WHERE c.number IS NULL""",
    "canonicals that are not listed as such": """
        SELECT a.id FROM articles a LEFT JOIN canonicals c ON c.post = a.post AND c.number = a.number
        WHERE a.cluster IS NOT NULL AND c.post IS NULL""",
    "listed canonicals that are no articles": """
        SELECT c.post FROM canonicals c LEFT JOIN articles a ON a.number = c.number AND a.post = c.post WHERE a.number IS NULL""",
}


def _problems_of_clusters(database: Database) -> list[str]:
    problems = []
    for what, query in _RELATIONS.items():
        found = [str(id_) for (id_,) in database.rows(f"{query} LIMIT {MAX_PROBLEMS}")]
        if found:
            problems.append(f"{what}: {', '.join(found)}")
    return problems


def _problems_of_articles(database: Database) -> list[str]:
    unreadable: list[None] = []
    problems: list[str] = []
    for rows in _pages(database, lambda: unreadable.append(None)):
        problems += filter(None, map(_problem_of, rows))
    if unreadable:
        problems.append(f"{len(unreadable):,} articles cannot be read")
    return problems[:MAX_PROBLEMS]


def _problem_of(row: Row) -> str | None:
    try:
        decoded_samples([row[_COLUMN["sample"]]])
        article = _article(row)
    except ValueError as error:
        return f"{row[_COLUMN['id']]}: {error}"
    if row[_COLUMN["text"]] is not None and digest_of(article) != row[_COLUMN["digest"]]:
        return f"{row[_COLUMN['id']]}: its text is not the one that was added"
    return None


def _problems_of_postings(database: Database) -> list[str]:
    posted = PostedArticles(database)
    try:
        posted.refresh()
    except DamagedPostingsError as error:
        return [str(error)]
    known = np.concatenate([np.zeros(0, np.int64), *(part.posts for part in posted.parts)])
    wanted = np.array([post for (post,) in database.rows("SELECT post FROM canonicals")], np.int64)
    n_missing = int(np.count_nonzero(~np.isin(wanted, known)))
    return [f"{n_missing:,} canonicals are not posted"] if n_missing else []


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
    with lock, closing(Database(new_path, read_only=False, sync="full")) as new, new.writing():
        new.save_settings(settings | {"fingerprint": model.fingerprint})
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
        for rows in _pages(self._old, self._count_unreadable):
            self._add([row for row in rows if self._is_readable(row)])
            progress(self._n_articles)
        self._copy_events()
        self._placer.place_orphans(self._lost(), {}, int(time.time() * 1000))
        self._posted.wait()
        self._posted.seal()
        return RebuildReport(self._n_articles, self._n_unreadable)

    def _count_unreadable(self) -> None:
        self._n_unreadable += 1

    def _is_readable(self, row: Row) -> bool:
        try:
            decoded_samples([row[_COLUMN["sample"]]])
            _article(row)
        except ValueError:
            self._n_unreadable += 1
            return False
        return True

    def _add(self, rows: Sequence[Row]) -> None:
        """Adds rows with the model's topics and samples, in the places that they had."""
        if not rows:
            return
        samples = decoded_samples([row[_COLUMN["sample"]] for row in rows])
        renewed = [list(row) for row in rows]
        if self._keeps_text:
            block = self._placer.prepared([_article(row) for row in rows])
            samples = self._posted.sampled(block.terms)
            for row, blob, prediction in zip(renewed, encoded_samples(samples), block.predictions, strict=True):
                row[_COLUMN["sample"]] = blob
                row[_COLUMN["topic"]], row[_COLUMN["topic_probability"]] = prediction.topic, prediction.probability
        canonicals = [index for index, row in enumerate(renewed) if row[_COLUMN["cluster"]] is not None]
        for index in canonicals:
            self._last_post += 1
            renewed[index][_COLUMN["post"]] = self._last_post
        self._new.run_many(f"INSERT INTO articles ({COLUMNS}) VALUES ({', '.join('?' * len(_COLUMN))})", renewed)
        posts = [renewed[index][_COLUMN["post"]] for index in canonicals]
        numbers = [renewed[index][_COLUMN["number"]] for index in canonicals]
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


def _article(row: Row) -> Article:
    """The article of a row, without title and text where none is kept.

    Raises:
        ValueError: if its text is damaged.
    """
    text = row[_COLUMN["text"]]
    title = row[_COLUMN["title"]] or ""
    return Article("" if text is None else unpacked_text(text), title, id=row[_COLUMN["id"]], source=row[_COLUMN["source"]])


def _pages(database: Database, on_unreadable: Callable[[], None]) -> Iterator[list[Row]]:
    """All rows of the table of articles that can be read, some at a time, in order of arrival."""
    ((last_number,),) = database.rows("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'articles'")
    last = 0
    while last < last_number:
        try:
            query = f"SELECT {COLUMNS} FROM articles WHERE number > ? ORDER BY number LIMIT ?"
            rows = database.rows(query, (last, ROWS_AT_ONCE))
            last = rows[-1][0] if rows else last_number
        except IndexFileError:
            rows = _one_by_one(database, range(last + 1, min(last + ROWS_AT_ONCE, last_number) + 1), on_unreadable)
            last = min(last + ROWS_AT_ONCE, last_number)
        yield rows


def _one_by_one(database: Database, numbers: range, on_unreadable: Callable[[], None]) -> list[Row]:
    """The rows of some numbers around a damaged page."""
    rows: list[Row] = []
    for number in numbers:
        try:
            rows += database.rows(f"SELECT {COLUMNS} FROM articles WHERE number = ?", (number,))
        except IndexFileError:
            on_unreadable()
    return rows


def _replace(old: Path, new: Path) -> None:
    """Puts the new index in the place of the old one; both are closed. Were it killed half-way, postings would be made again."""
    shutil.rmtree(postings_folder(old), ignore_errors=True)
    new.replace(old)
    if postings_folder(new).exists():
        postings_folder(new).rename(postings_folder(old))


def _remove(path: Path) -> None:
    for file in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        file.unlink(missing_ok=True)
    shutil.rmtree(postings_folder(path), ignore_errors=True)
