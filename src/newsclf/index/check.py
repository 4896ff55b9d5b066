"""Whether an index is sound."""

from contextlib import closing
from pathlib import Path

import numpy as np

from newsclf.errors import IndexFileError
from newsclf.index.database import Database
from newsclf.index.encoding import decoded_samples, digest_of
from newsclf.index.posted import DamagedPostingsError, PostedArticles
from newsclf.index.rows import COLUMN, Row, article_of, readable_pages
from newsclf.model import NewsModel

MAX_PROBLEMS = 20  # of each kind: a damaged file has thousands


def check_index(path: str | Path, model: NewsModel) -> list[str]:
    """The problems of an index, in words; none if it is sound. Everything is read, nothing is written.

    Args:
        path: of the SQLite file.
        model: that the index was made with.

    Raises:
        IndexFileError: if it cannot be opened.
    """
    database = Database(Path(path).resolve(), read_only=True, sync="normal")
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
    for rows in readable_pages(database, lambda: unreadable.append(None)):
        problems += filter(None, map(_problem_of, rows))
    if unreadable:
        problems.append(f"{len(unreadable):,} articles cannot be read")
    return problems[:MAX_PROBLEMS]


def _problem_of(row: Row) -> str | None:
    try:
        decoded_samples([row[COLUMN["sample"]]])
        article = article_of(row)
    except ValueError as error:
        return f"{row[COLUMN['id']]}: {error}"
    if row[COLUMN["text"]] is not None and digest_of(article) != row[COLUMN["digest"]]:
        return f"{row[COLUMN['id']]}: its text is not the one that was added"
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
