"""Evidence for people: the passages that two texts share, and in words what speaks for a duplicate and what against."""

import heapq
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from newsclf.duplicates.facts import Number, numbers
from newsclf.duplicates.features import even_cased, name_marks
from newsclf.text.clean import CleanArticle, feature_text
from newsclf.text.tokens import BIGRAM_SCRIPTS, tokenize

MIN_WORDS = 6  # shorter runs are idioms and titles of office, not evidence
MAX_PLACES = 8  # of one run of words in a text: one that repeats itself without end must not cost the square of its length
MAX_OPEN_RUNS = 64
MAX_NAMED = 5  # facts that one line of explanation lists

_UNSPACED = "".join(f"{chr(first)}-{chr(last)}" for first, last in BIGRAM_SCRIPTS)
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")  # a character of a script without spaces stands for a word


@dataclass(frozen=True, slots=True)
class Passage:
    """Words that stand in both texts in the same order, whatever the punctuation and the case.

    Attributes:
        a_start: where it begins in the first text, in characters.
        a_end: one past its last character there.
        b_start: where it begins in the second text.
        b_end: one past its last character there.
        text: as it reads in the first text.
    """

    a_start: int
    a_end: int
    b_start: int
    b_end: int
    text: str


@dataclass(frozen=True, slots=True)
class _Words:
    words: list[str]
    starts: list[int]
    ends: list[int]


def _whole(text: str) -> tuple[Passage, ...]:
    """The one passage that a text shares with itself."""
    words = _words(text)
    if len(words.words) < MIN_WORDS:
        return ()
    start, end = words.starts[0], words.ends[-1]
    return (Passage(start, end, start, end, text[start:end]),)


def passages(a_text: str, b_text: str) -> tuple[Passage, ...]:
    """The passages of ``MIN_WORDS`` or more words that two texts share, in the order of the first; none overlap in either.

    The longest are taken first (Wise 1993, greedy string tiling; of equal ones the earliest in a, then in b), so each is as long
    as the longer ones leave it. Of a run of words that stands more than ``MAX_PLACES`` times in b, the
    first places are looked at.

    >>> [found.text for found in passages("Today rain fell on all of the island.", "Heavy rain fell on all of the island")]
    ['rain fell on all of the island']
    """
    if a_text == b_text:
        return _whole(a_text)
    a, b = _words(a_text), _words(b_text)
    tiles = sorted(_tiles(_common_runs(a.words, b.words), len(a.words), len(b.words)))
    return tuple(_passage(a_text, a, b, *tile) for tile in tiles)


def explain_signals(a: CleanArticle, b: CleanArticle) -> list[str]:
    """What the facts of two articles say, in words: agreement first, then what one of them lacks. Nothing to say gives [].

    >>> explain_signals(CleanArticle("", "Profit rose to 4.2 mln."), CleanArticle("", "Profit rose to 3.9 mln."))
    ['numbers disagree: 4.2 mln against 3.9 mln']
    """
    texts = (feature_text(a), feature_text(b))
    return [*_explain_titles(a.title, b.title), *_explain_numbers(*texts), *_explain_names(a, b), *_explain_lengths(*texts)]


def _words(text: str) -> _Words:
    found = list(_WORD.finditer(text))
    return _Words([word[0].lower() for word in found], [word.start() for word in found], [word.end() for word in found])


def _passage(text: str, a: _Words, b: _Words, a_first: int, b_first: int, n_words: int) -> Passage:
    start, end = a.starts[a_first], a.ends[a_first + n_words - 1]
    return Passage(start, end, b.starts[b_first], b.ends[b_first + n_words - 1], text[start:end])


def _common_runs(a: Sequence[str], b: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """Every maximal run of ``MIN_WORDS`` or more words in both: where it begins in a and in b, and its length."""
    places: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for b_first in range(len(b) - MIN_WORDS + 1):
        there = places[tuple(b[b_first : b_first + MIN_WORDS])]
        if len(there) < MAX_PLACES:
            there.append(b_first)
    starts: dict[int, int] = {}  # of the runs that are open, by diagonal b - a
    for a_first in range(len(a) - MIN_WORDS + 1):
        a_last = a_first + MIN_WORDS - 1
        for diagonal in [d for d in starts if a_last + d >= len(b) or a[a_last] != b[a_last + d]]:
            start = starts.pop(diagonal)
            yield start, start + diagonal, a_last - start
        for b_first in places.get(tuple(a[a_first : a_last + 1]), ()):
            if len(starts) < MAX_OPEN_RUNS:
                starts.setdefault(b_first - a_first, a_first)
    for diagonal, start in starts.items():
        yield start, start + diagonal, len(a) - start


def _tiles(runs: Iterator[tuple[int, int, int]], n_a: int, n_b: int) -> Iterator[tuple[int, int, int]]:
    """Runs that do not overlap, the longest first; of those in the way of a longer one, the parts that are left."""
    a_free, b_free = bytearray(b"\1" * n_a), bytearray(b"\1" * n_b)
    heap = [(-n_words, a_first, b_first) for a_first, b_first, n_words in runs]
    heapq.heapify(heap)
    while heap:
        negative, a_first, b_first = heapq.heappop(heap)
        parts = list(_free_parts(a_free, b_free, a_first, b_first, -negative))
        if parts == [(a_first, b_first, -negative)]:
            a_free[a_first : a_first - negative] = b_free[b_first : b_first - negative] = bytes(-negative)
            yield parts[0]
            continue
        for a_part, b_part, n_words in parts:
            heapq.heappush(heap, (-n_words, a_part, b_part))


def _free_parts(a_free: bytearray, b_free: bytearray, a_first: int, b_first: int, n_words: int) -> Iterator[tuple[int, int, int]]:
    pairs = zip(a_free[a_first : a_first + n_words], b_free[b_first : b_first + n_words], strict=True)
    is_free = bytes(a and b for a, b in pairs)
    for part in re.finditer(rb"\x01+", is_free):
        if len(part[0]) >= MIN_WORDS:
            yield a_first + part.start(), b_first + part.start(), len(part[0])


def _explain_titles(a: str, b: str) -> list[str]:
    if not a or not b:
        return []
    if _words(a).words == _words(b).words:
        return ["same title"]
    return [f"titles differ: {a!r} against {b!r}"]


def _explain_numbers(a_text: str, b_text: str) -> list[str]:
    a, b = list(numbers(a_text)), list(numbers(b_text))
    only_a, only_b = _lacking(a, b), _lacking(b, a)
    lines = []
    if shared := len({number.value for number in a} & {number.value for number in b}):
        lines.append(f"{shared} {'number' if shared == 1 else 'numbers'} in both")
    slots = {number.slot: number for number in reversed(only_b) if len(number.slot) > 1}
    for number in [number for number in only_a if number.slot in slots][:MAX_NAMED]:
        other = slots[number.slot]
        lines.append(f"numbers disagree: {_quote(a_text, number)} against {_quote(b_text, other)}")
        only_a = [left for left in only_a if left.rounded != number.rounded]  # in the title too, say
        only_b = [left for left in only_b if left.rounded != other.rounded]
    return [*lines, *_only("numbers", [_quote(a_text, n) for n in only_a], [_quote(b_text, n) for n in only_b])]


def _lacking(ours: Sequence[Number], theirs: Sequence[Number]) -> list[Number]:
    """Numbers that the other text does not have, not even rounded."""
    known = {number.rounded for number in theirs}
    return [number for number in ours if number.rounded not in known]


def _quote(text: str, number: Number) -> str:
    return " ".join(text[number.start : number.end].split())


def _explain_names(a: CleanArticle, b: CleanArticle) -> list[str]:
    a_words, b_words = (set(_words(feature_text(article)).words) for article in (a, b))
    only_a = [name for name in _names(a) if name.lower() not in b_words]
    only_b = [name for name in _names(b) if name.lower() not in a_words]
    return _only("names", only_a, only_b)


def _names(article: CleanArticle) -> list[str]:
    """Tokens capitalised inside a sentence, in reading order, each once."""
    text = even_cased(article.body)
    tokens = tokenize([text])
    is_name = name_marks([text], tokens, is_title=tokens.starts < 0)
    spans = zip(tokens.starts[is_name].tolist(), tokens.ends[is_name].tolist(), strict=True)
    return list(dict.fromkeys(text[start:end] for start, end in spans))


def _only(facts: str, only_a: Sequence[str], only_b: Sequence[str]) -> list[str]:
    sides = (("A", list(dict.fromkeys(only_a))), ("B", list(dict.fromkeys(only_b))))
    return [f"{facts} only in {side}: {_listed(found)}" for side, found in sides if found]


def _listed(found: Sequence[str]) -> str:
    more = f" and {len(found) - MAX_NAMED} more" if len(found) > MAX_NAMED else ""
    return ", ".join(found[:MAX_NAMED]) + more


def _explain_lengths(a_text: str, b_text: str) -> list[str]:
    n_a, n_b = len(_words(a_text).words), len(_words(b_text).words)
    if min(n_a, n_b) * 5 >= max(n_a, n_b) * 4:
        return []
    return [f"lengths differ: {n_a} words against {n_b}"]
