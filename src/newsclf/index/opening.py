"""The way to an index."""

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from newsclf.index.article_index import ArticleIndex
from newsclf.model import NewsModel


def open_index(
    path: str | Path,
    model: NewsModel | None = None,
    *,
    read_only: bool = False,
    sync: str = "normal",
    keep_text: bool | None = None,
    window: timedelta | None = None,
    clock: Callable[[], float] = time.time,
) -> ArticleIndex:
    """Opens an index of everything seen so far; a new one is made where there is none.

    Args:
        path: of the SQLite file; postings are kept in a folder beside it.
        model: judges topics and duplicates; default: the model that ships. An index stays with the model that it was made with.
        read_only: for reading beside a process that writes. Such an index must exist.
        sync: "normal": what was added survives a kill of the process at any instant; "full": a power cut too.
        keep_text: False keeps no title and no text. Only copies to the word, case and punctuation aside, are then told: without
            texts nothing sets other near-duplicates apart from templates. Decided when the index is made; None takes it as it is.
        window: articles that were added longer ago are removed as others are added.
        clock: gives the time in seconds since 1970.

    Raises:
        IndexFileError: if it cannot be opened, is damaged, or was made with another model.
        ModelFileError: if the model knows nothing of duplicates.

    >>> import newsclf, tempfile
    >>> with tempfile.TemporaryDirectory() as folder, newsclf.open_index(folder + "/articles.db") as index:
    ...     first = index.add(newsclf.Article("The wheat harvest in the north was the best in ten years.", id="a"))
    ...     again = index.add(newsclf.Article("The wheat harvest in the north was the best in ten years.", id="b"))
    >>> first.prediction.topic, again.kind, again.canonical
    ('agriculture', 'exact', 'a')
    """
    if model is None:
        from newsclf.model_file import load

        model = load()
    return ArticleIndex(
        Path(path).resolve(),
        model,
        read_only=read_only,
        sync=sync,
        keeps_text=keep_text,
        window=window,
        clock=clock,
    )
