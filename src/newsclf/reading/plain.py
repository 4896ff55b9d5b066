"""Plain text: one article, or several under `Title | tag | tag` headlines."""

from collections.abc import Iterator

from newsclf.article import Article
from newsclf.errors import InputError
from newsclf.reading.fields import Placed
from newsclf.reading.source import Source, decoded_chunks
from newsclf.text.split import split_articles

MAX_TEXT_BYTES = 64 << 20  # a text is held whole; a long corpus belongs into .jsonl


def read_text(source: Source, *, split: bool) -> Iterator[Placed | InputError]:
    """The articles of a text; an empty text gives one empty article, which a model abstains from."""
    text = _whole_text(source)
    articles = split_articles(text) if split else [Article(text)]
    if len(articles) == 1:
        yield Placed(articles[0], source.name)
        return
    for number, article in enumerate(articles, start=1):
        yield Placed(article, f"{source.name}:{number}")


def _whole_text(source: Source) -> str:
    pieces: list[str] = []
    n_bytes = 0
    for chunk in decoded_chunks(source):
        n_bytes += len(chunk.encode())
        if n_bytes > MAX_TEXT_BYTES:
            limit = f"{MAX_TEXT_BYTES:,} bytes"
            raise InputError(source.path, f"a .txt holds at most {limit}; put each article on a line of a .jsonl file")
        pieces.append(chunk)
    return "".join(pieces)
