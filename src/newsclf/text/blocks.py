"""A stream of articles in blocks that NumPy works on at once."""

from collections.abc import Iterable, Iterator

from newsclf.article import Article
from newsclf.text.tokens import BLOCK_CHARACTERS


def article_blocks(articles: Iterable[Article], max_articles: int) -> Iterator[list[Article]]:
    """The articles in lists of about ``BLOCK_CHARACTERS`` characters, at most so many in one; none is empty.

    >>> [len(block) for block in article_blocks([Article("a"), Article("b"), Article("c")], 2)]
    [2, 1]
    """
    block: list[Article] = []
    size = 0
    for article in articles:
        block.append(article)
        size += len(article.text)
        if size >= BLOCK_CHARACTERS or len(block) >= max_articles:
            yield block
            block, size = [], 0
    if block:
        yield block
