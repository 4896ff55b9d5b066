"""One text that holds several articles, cut at its `Title | tag | tag` headlines."""

import re
from itertools import pairwise

from newsclf.article import Article
from newsclf.text.headline import SEPARATOR, is_tagged

_MIN_PROSE_CHARACTERS = 80  # a line of an article; menus and captions are shorter
_RELEASE_TIME = re.compile(r"\s*release time ?:", re.IGNORECASE)
# Code, tables and addresses have pipes too; a headline has none of these.
_NOT_A_HEADLINE = re.compile(r"[={}<>\\`$]|::|://|^[^\w\"“'‘«(\[]|^[a-z]|^By ", re.MULTILINE)


def split_articles(text: str) -> list[Article]:
    r"""The articles in a text, in order: one, or several where the text holds two or more tagged headlines.

    A headline is a line of the form `Title | tag | tag`, at the start of the text or after a blank line. Often the next
    line repeats it or says `Release time:`; a headline with a single tag counts only then, or where a line of prose
    follows. Lines of a table do not
    count: they follow each other, and a headline has text below it. Text before the first headline is an article
    without a title. No headline or one gives one article, with that headline as its title if the text starts with it.
    Empty text gives one article with empty text.

    >>> text = "Fleet has arrived | Navy | Ships\n\nAt noon.\n\nRain is over now | Wheat | Rain\n\nDry."
    >>> [article.title for article in split_articles(text)]
    ['Fleet has arrived | Navy | Ships', 'Rain is over now | Wheat | Rain']
    """
    lines = text.removeprefix("\ufeff").splitlines()
    starts = _headlines(lines)
    if len(starts) < 2:
        return [_article(lines, 0, len(lines))] if starts == [0] else [Article(text)]
    bounds = [*starts, len(lines)]
    articles = [_article(lines, start, end) for start, end in pairwise(bounds)]
    before = "\n".join(lines[: starts[0]])
    return [Article(before), *articles] if before.strip() else articles


def _article(lines: list[str], start: int, end: int) -> Article:
    return Article("\n".join(lines[start + 1 : end]).strip("\n"), title=lines[start].strip())


def _headlines(lines: list[str]) -> list[int]:
    """Indices of the lines at which an article starts."""
    candidates = [index for index in range(len(lines)) if _is_candidate(lines, index)]
    # Of neighbours without text between them both are rows of a table.
    crowded = {index for pair in pairwise(candidates) if not _has_text(lines, *pair) for index in pair}
    return [index for index in candidates if index not in crowded]


def _is_candidate(lines: list[str], index: int) -> bool:
    line = lines[index]
    if not is_tagged(line) or (index and lines[index - 1].strip()):
        return False
    if _NOT_A_HEADLINE.search(line.strip()):
        return False
    return _is_confirmed(lines, index)


def _is_confirmed(lines: list[str], index: int) -> bool:
    """Whether what follows speaks for a headline: itself again, a release time, prose; or two tags, and no other row."""
    below = lines[index + 1] if index + 1 < len(lines) else ""
    if below.strip() == lines[index].strip():
        return True
    following = next((line for line in lines[index + 1 : index + 4] if line.strip()), "")
    if _RELEASE_TIME.match(following):
        return True
    if len(following) >= _MIN_PROSE_CHARACTERS and "|" not in following:
        return True
    return lines[index].count(SEPARATOR) > 1 and "|" not in below


def _has_text(lines: list[str], start: int, end: int) -> bool:
    """Whether anything but the headline itself stands between two lines."""
    return any(line.strip() and line.strip() != lines[start].strip() for line in lines[start + 1 : end])
