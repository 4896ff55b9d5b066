"""Raw articles to clean ones: what a model may read, and the tags that it must not."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, starmap, zip_longest
from operator import eq

from newsclf.article import Article
from newsclf.text.boilerplate import (
    MAX_BOILERPLATE_CHARACTERS,
    is_boilerplate,
    is_byline,
    suspects,
    tags_of,
    without_dateline,
    without_tail,
)
from newsclf.text.characters import repair
from newsclf.text.headline import SEPARATOR, is_tagged, split_tags

_KEY_CHARACTERS = 6  # enough to tell nearly every line from the headline before the costly comparison
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class CleanArticle:
    """An article ready for the tokeniser.

    Attributes:
        title: the headline on one line, without tags and publisher.
        body: the text without headline, dateline and the page's furniture.
        tags: what hung on the headline, in order, each once. They name the topic outright: never a feature.
    """

    title: str
    body: str
    tags: tuple[str, ...] = ()


def clean(article: Article) -> CleanArticle:
    """The part of an article that its writer wrote.

    Mends characters (see `repair`), splits the headline from its tags, takes a tagged headline out of the first line of
    the body where there is no title, and drops from the body: repeated headlines, release times, datelines, bylines,
    tag lines, and short lines that are wholly furniture of the page. Never raises; empty text gives an empty body.
    Cleaning the result again changes neither title nor body.

    >>> clean(Article("The fleet is here! Navy | Fleet\\n\\nRelease time: May 4\\nLONDON (Reuters) - Two ships came."))
    CleanArticle(title='The fleet is here!', body='Two ships came.', tags=('Navy', 'Fleet'))
    """
    title, tags = _clean_title(article.title, article.source)
    text = repair(article.text).strip()
    lines, found = _without_furniture(text.split("\n") if "\n" in text else [text])
    is_settled = False
    while not is_settled:  # where a tail was cut, what it leaves may be the headline once more
        title, start, repeated = _skip_head(lines, title, article.source)
        tags += repeated
        content = lines[start:]
        lines = _skip_tail(content)
        is_settled = lines == content
    return CleanArticle(title, "\n".join(lines).strip(), tuple(dict.fromkeys(tags + found)) if tags or found else ())


def feature_text(article: CleanArticle) -> str:
    """The text that the features are counted in: title and body, never the tags, which would leak labels."""
    return f"{article.title}\n{article.body}"


def _clean_title(title: str, source: str | None) -> tuple[str, tuple[str, ...]]:
    return split_tags(" ".join(repair(title).split()), source)


def _without_furniture(lines: list[str]) -> tuple[list[str], tuple[str, ...]]:
    """The lines that are not boilerplate, and the tags of those that list tags."""
    suspected = dict.fromkeys(suspects(lines))
    if not suspected:
        return lines, ()
    dropped = [line for line in suspected if is_boilerplate(line) or tags_of(line)]
    if not dropped:
        return lines, ()
    found = tuple(chain.from_iterable(map(tags_of, dropped)))
    unwanted = set(dropped)
    return [line for line in lines if len(line) > MAX_BOILERPLATE_CHARACTERS or line not in unwanted], found


def _skip_head(lines: list[str], title: str, source: str | None) -> tuple[str, int, tuple[str, ...]]:
    """The title, the index of the first line of content, and tags found on the way.

    Shortens the first line of content in place where it starts with a dateline. Each line is judged again after that,
    for cleaning twice must find nothing that cleaning once has left.
    """
    tags: tuple[str, ...] = ()
    start = 0
    while start < len(lines):
        line = lines[start] = lines[start].strip()
        if not title and is_tagged(line):
            title, found = _clean_title(line, source)
            tags += found
        elif title and _repeats(line, title):
            tags += split_tags(line, source)[1]
        elif listed := tags_of(line):
            tags += listed
        elif line and not is_byline(line) and not is_boilerplate(line):
            lines[start] = without_dateline(line)
            if lines[start] == line:
                break
            continue
        start += 1
    return title, start, tags


def _repeats(line: str, title: str) -> bool:
    """Whether a line is the headline again, with or without its tags."""
    if line[:_KEY_CHARACTERS].lower() != title[:_KEY_CHARACTERS].lower():
        return False
    headline = split_tags(line)[0] if SEPARATOR in line else line
    return headline == title or all(starmap(eq, zip_longest(_words(headline), _words(title))))


def _words(line: str) -> Iterator[str]:
    return map(re.Match.group, _WORD.finditer(line.lower()))  # found one by one: most lines part at the second or third


def _skip_tail(lines: list[str]) -> list[str]:
    """The lines up to the last one of content, that one without what is hung on its end."""
    for end in range(len(lines), 0, -1):
        last = _without_tails(lines[end - 1])
        if last and not is_boilerplate(last) and not tags_of(last):
            return lines if end == len(lines) and last == lines[-1] else [*lines[: end - 1], last]
    return []


def _without_tails(line: str) -> str:
    shorter = without_tail(line.rstrip())
    while shorter != line:
        line, shorter = shorter, without_tail(shorter.rstrip())
    return line
