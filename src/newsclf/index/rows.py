"""The rows of the table of articles as they are stored, for what looks after an index and must do with what can be read."""

from collections.abc import Callable, Iterator
from typing import Any

from newsclf.article import Article
from newsclf.errors import IndexFileError
from newsclf.index.database import Database
from newsclf.index.encoding import unpacked_text

ROWS_AT_ONCE = 256
COLUMNS = (
    "number, id, seen, canonical, cluster, post, kind, probability, topic, topic_probability, published, source, url, digest, "
    "sample, title, text"
)
COLUMN = {name: index for index, name in enumerate(COLUMNS.split(", "))}

Row = tuple[Any, ...]


def article_of(row: Row) -> Article:
    """The article of a row, without title and text where none is kept.

    Raises:
        ValueError: if its text is damaged.
    """
    text = row[COLUMN["text"]]
    title = row[COLUMN["title"]] or ""
    return Article("" if text is None else unpacked_text(text), title, id=row[COLUMN["id"]], source=row[COLUMN["source"]])


def readable_pages(database: Database, on_unreadable: Callable[[], None]) -> Iterator[list[Row]]:
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
