"""Copies made from real articles, and look-alikes that are none: what the duplicate decision is trained on and measured with.

Every maker takes an article, another article to borrow from, and a seeded generator, and gives a new article. The same seed gives
the same copy: only `Random.random` is used, whose sequence Python promises to keep.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import TypeVar

from newsclf.article import Article

Maker = Callable[[Article, Article, Random], Article]
LookAlikeMaker = Callable[[Article, Article, Random], Article | None]
T = TypeVar("T")

_WORD = re.compile(r"\S+")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_GROUPED = re.compile(r"\b\d{1,3}(?:,\d{3})+\b(?!\.\d)")
_PLAIN = re.compile(r"(?<![\d.,])[1-9]\d{4,}(?![\d,]|\.\d)")
_THOUSANDS = re.compile(r"\b([1-9]\d{0,2}),000\b(?![,.]\d)")
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][\w'-]+")  # capitalised inside a sentence
_DATE_NAMES = frozenset(
    (  # noqa: SIM905 (legible)
        "January February March April May June July August September October November December Jan Feb Mar Apr Jun Jul Aug "
        "Sept Oct Nov Dec Monday Tuesday Wednesday Thursday Friday Saturday Sunday"
    ).split()
)
_CAPITALISED = re.compile(r"[A-Z][\w'-]+")
_N_LEAD_WORDS = 60
_MIN_FACTS, _MIN_FACT_SHARE = 4, 0.05  # of the words: with fewer, the text filled with other facts would still be the same text

_PAGE_HEADS = (
    "Home > News > Latest",
    "Share this story on Facebook, Twitter or by e-mail.",
    "You are reading the free edition. Subscribe for full access to all reports.",
    "This story was first published by our partner newsroom and has been edited for style.",
)
_PAGE_TAILS = (
    "For more stories like this one, sign up for our daily newsletter.",
    "The opinions expressed here do not represent those of this website. The content is for reference only.",
    "Editor in charge: Li Wei. Reporting by the news desk. Contact the editors with corrections or tips.",
    "All rights reserved. No part of this material may be reproduced without written permission of the publisher.",
)
_OCR = {"l": "1", "e": "c", "o": "0", "n": "u", "h": "b", "i": "l", "s": "5", "m": "rn", "a": "o", "t": "f"}


def exact(article: Article, other: Article, random: Random) -> Article:
    """The article itself."""
    return article


def tagged(article: Article, other: Article, random: Random) -> Article:
    """` | tag` tails on the title, or on the first words where there is no title."""
    words = [word.strip(".,\"'") for word in other.text.split() if word[:1].isupper()] or ["News"]
    tags = " | ".join(pick(words, random) for _ in range(2 + int(random.random() * 3)))
    return replace(article, title=f"{_title_of(article)} | {tags}")


def title_repeated(article: Article, other: Article, random: Random) -> Article:
    """The title once or twice again as the first lines of the text."""
    lines = [_title_of(article)] * (1 + int(random.random() * 2))
    return replace(article, text="\n".join([*lines, article.text]))


def retitled(article: Article, other: Article, random: Random) -> Article:
    """Another title: words from the middle of the text, as an editor would take them."""
    words = article.text.split()
    start = int(random.random() * max(len(words) - 10, 1))
    return replace(article, title=" ".join(words[start : start + 6 + int(random.random() * 4)]).capitalize())


def cut(share: float) -> Maker:
    """A maker that keeps this share of the words: the beginning, the end or the middle, in one piece."""

    def make(article: Article, other: Article, random: Random) -> Article:
        spans = [found.span() for found in _WORD.finditer(article.text)]
        n_kept = max(int(len(spans) * share), 1)
        if len(spans) <= n_kept:
            return article
        first = (0, len(spans) - n_kept, (len(spans) - n_kept) // 2)[int(random.random() * 3)]
        text = article.text[spans[first][0] : spans[first + n_kept - 1][1]]
        return replace(article, text=text, title=article.title if random.random() < 0.5 else "")

    return make


def merged(article: Article, other: Article, random: Random) -> Article:
    """The article with all of another one behind or before it."""
    texts = [article.text, other.text]
    return replace(article, text="\n".join(texts if random.random() < 0.5 else texts[::-1]))


def moved(article: Article, other: Article, random: Random) -> Article:
    """Its sentences in two or three blocks, in another order."""
    sentences = _SENTENCE_END.split(article.text)
    cuts = sorted(int(random.random() * len(sentences)) for _ in range(2))
    blocks = [sentences[: cuts[0]], sentences[cuts[0] : cuts[1]], sentences[cuts[1] :]]
    return replace(article, text=" ".join(sentence for block in (blocks[1], blocks[2], blocks[0]) for sentence in block))


def edited(share: float) -> Maker:
    """A maker that replaces, drops, doubles up or swaps this share of the words; numbers stay, for an editor keeps the facts."""

    def make(article: Article, other: Article, random: Random) -> Article:
        donors = [word for word in other.text.split() if word.isalpha()] or ["news"]
        words: list[str] = []
        for piece in re.split(r"(\s+)", article.text):
            is_kept = not piece.strip() or any(map(str.isdigit, piece)) or random.random() >= share
            words.extend([piece] if is_kept else _edit(piece, donors, random))
        return replace(article, text="".join(words))

    return make


def framed(article: Article, other: Article, random: Random) -> Article:
    """A web page's lines around it."""
    return replace(article, text="\n".join([pick(_PAGE_HEADS, random), article.text, pick(_PAGE_TAILS, random)]))


def renumbered(article: Article, other: Article, random: Random) -> Article:
    """Numbers written another way: 3,000 as 3 thousand or 3000, 30000 as 30,000."""
    text = article.text
    if random.random() < 0.5:
        text = _THOUSANDS.sub(r"\1 thousand", text)
    if _GROUPED.search(text):
        return replace(article, text=_GROUPED.sub(lambda found: found[0].replace(",", ""), text))
    return replace(article, text=_PLAIN.sub(lambda found: f"{int(found[0]):,}", text))


def scanned(article: Article, other: Article, random: Random) -> Article:
    """As a scanner would read it: one to four letters of a hundred mistaken; digits are spared."""
    rate = 0.01 + 0.03 * random.random()
    characters = [_OCR.get(c, c) if c in _OCR and random.random() < rate else c for c in article.text]
    return replace(article, text="".join(characters))


def compound(article: Article, other: Article, random: Random) -> Article:
    """Two makers, one after the other."""
    for _ in range(2):
        article = pick(_SIMPLE_MAKERS, random)(article, other, random)
    return article


_SIMPLE_MAKERS: tuple[Maker, ...] = (
    tagged, title_repeated, retitled, cut(0.75), cut(0.6), moved, edited(0.05), edited(0.1), framed, renumbered, scanned,
)  # fmt: skip

MAKERS: dict[str, Maker] = {
    "exact": exact,
    "tagged": tagged,
    "title_repeated": title_repeated,
    "retitled": retitled,
    "cut_60": cut(0.6),
    "cut_40": cut(0.4),
    "cut_20": cut(0.2),
    "merged": merged,
    "moved": moved,
    "edited_5": edited(0.05),
    "edited_15": edited(0.15),
    "edited_30": edited(0.30),
    "framed": framed,
    "renumbered": renumbered,
    "scanned": scanned,
    "compound": compound,
}


def refilled(article: Article, other: Article, random: Random) -> Article | None:
    """The article as a template, filled with other facts: a duplicate of nothing. None if it has too few facts to change.

    Each number becomes another number, each name another article's name, the same one wherever it stands.
    """
    return _filled(article, f"{article.title}\n{article.text}", other, random)


def releaded(article: Article, other: Article, random: Random) -> Article | None:
    """A template in which the facts of the lead are others, there and wherever else they stand. None as above.

    So a ministry announces one grant after another: what the programme is for stays, place and sum are new.
    """
    return _filled(article, f"{article.title}\n{article.text[: _end_of_lead(article.text)]}", other, random)


def followed_up(article: Article, other: Article, random: Random) -> Article:
    """A look-alike: another lead, then the last 20 to 45 % of the article as background; a duplicate of nothing."""
    ours, theirs = article.text.split(" "), other.text.split(" ")
    n_kept = int(len(ours) * (0.2 + 0.25 * random.random()))
    lead = theirs[: max(n_kept, int(len(theirs) * (0.5 + 0.5 * random.random())))]
    return replace(article, text=" ".join([*lead, *ours[len(ours) - n_kept :]]), title=other.title)


def pick(choices: Sequence[T], random: Random) -> T:
    """One of the choices, each as likely as the others."""
    return choices[int(random.random() * len(choices))]


def _filled(article: Article, part: str, other: Article, random: Random) -> Article | None:
    """The article with the facts of one part of it changed throughout; None where they are too few to make it another article."""
    numbers, names = _NUMBER.findall(part), [name for name in _NAME.findall(part) if name not in _DATE_NAMES]
    if len(numbers) + len(names) < max(_MIN_FACTS, _MIN_FACT_SHARE * len(part.split())):
        return None
    donors = sorted(set(_NAME.findall(other.text)) - set(_CAPITALISED.findall(f"{article.title}\n{article.text}")) - _DATE_NAMES)
    if len(donors) < len(set(names)):
        return None
    first = int(random.random() * len(donors))
    renamed = {name: donors[(first + place) % len(donors)] for place, name in enumerate(sorted(set(names)))}
    renumbered = {number: _other_number(number, random) for number in dict.fromkeys(numbers)}

    def fill(text: str) -> str:
        text = _NUMBER.sub(lambda found: renumbered.get(found[0], found[0]), text)
        return _CAPITALISED.sub(lambda found: renamed.get(found[0], found[0]), text)

    return replace(article, text=fill(article.text), title=fill(article.title))


def _end_of_lead(text: str) -> int:
    """Where the first ``_N_LEAD_WORDS`` words end."""
    words = [found.end() for found in _WORD.finditer(text)][:_N_LEAD_WORDS]
    return words[-1] if words else 0


def _edit(word: str, donors: Sequence[str], random: Random) -> list[str]:
    donor = pick(donors, random)
    return pick(([donor], [donor], [], [word, " ", donor]), random)


def _other_number(number: str, random: Random) -> str:
    """A number of the same shape: years stay near, of other numbers every digit changes."""
    if len(number) == 4 and number[:2] in ("19", "20"):
        return f"{number[:3]}{int(random.random() * 10)}"
    digits = [str((int(c) + 1 + int(random.random() * 9)) % 10) if c.isdecimal() else c for c in number]
    return "".join(digits) if digits[0] != "0" else f"1{''.join(digits[1:])}"


def _title_of(article: Article) -> str:
    return article.title or " ".join(article.text.split()[:8])
