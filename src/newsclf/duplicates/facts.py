"""The numbers and dates of a text, in a form in which two spellings of one fact are equal.

`3,000`, `3000` and `3 thousand` are one number; `March 6` and `6 Mar.` are one date. A number also has a slot, the two words
around it: where two texts have the same slot filled with other numbers, a template was filled with other facts.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from newsclf.duplicates.characters import character_marks, number_starts

_NUMBER = re.compile(r"(\d+(?:[.,:/-]\d+)*)([A-Za-z]*)(?:\W{0,4}(\w{1,24}))?")  # digits, scale, next word
_SEPARATORS = re.compile(r"[.,:/-]")
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_NEXT_WORD = re.compile(r"\W{0,4}(\w{1,24})")
_CONTEXT_CHARACTERS = 24  # enough for the longest word that makes a slot

_SCALES = {
    **dict.fromkeys(("thousand", "k"), 3),
    **dict.fromkeys(("million", "millions", "mln", "mn", "m"), 6),
    **dict.fromkeys(("billion", "billions", "bln", "bn", "b"), 9),
    **dict.fromkeys(("trillion", "trln", "tn"), 12),
}
_MONTH_NAMES = tuple(
    "january february march april may june july august september october november december".split()  # noqa: SIM905 (legible)
)
MONTHS = {name[:length]: name[:3] for name in _MONTH_NAMES for length in (3, len(name))} | {"sept": "sep"}
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SPELLED_NUMBERS = dict(
    zip(
        (  # noqa: SIM905 (legible)
            "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
            "nineteen twenty thirty forty fifty sixty seventy eighty ninety"
        ).split(),
        [*range(2, 20), *range(20, 100, 10)],
        strict=True,
    )
)
# Words for how far a story has got: bills, nominations, trials, the trading day, the year, deals. Where the heads of two like
# articles name different stages, one follows up the other.
_STAGE_WORDS = (
    "introduce introduces introduced introducing introduction reintroduce reintroduces reintroduced offer offers offered "
    "propose proposes proposed proposal",
    "pass passes passed passing passage",
    "approve approves approved approving approval adopt adopts adopted adoption clear clears cleared",
    "sign signs signed signing signature",
    "veto vetoes vetoed",
    "confirm confirms confirmed confirmation",
    "nominate nominates nominated nomination nominee nominees",
    "urge urges urged call calls called ask asks asked seek seeks sought",
    "reject rejects rejected rejection",
    "committee subcommittee panel",
    "final finally finalize finalized conference conferees",
    "charge charges charged charging indict indicts indicted indictment accuse accuses accused",
    "arrest arrests arrested arresting",
    "plead pleads pleaded pleading plea pled",
    "convict convicts convicted conviction guilty",
    "sentence sentences sentenced sentencing",
    "open opens opened opening morning early midday midmorning",
    "midsession",
    "close closes closed closing afternoon evening ends ended late",
    "rise rises rose risen rising gain gains gained climb climbs climbed jump jumps jumped up higher "
    "increase increases increased",
    "fall falls fell fallen falling drop drops dropped lose loses lost slip slips slipped down lower decline declines declined "
    "decrease decreased",
    "1st first",
    "2nd second",
    "3rd third",
    "4th fourth",
    "today",
    "tomorrow",
    "yesterday",
    "plans planned plan will intends intend expected expects",
    "completes completed complete completion",
)
STAGES = {word: stage for stage, words in enumerate(_STAGE_WORDS) for word in words.split()}


class Number(NamedTuple):  # made by the hundred thousand: a frozen dataclass takes four times as long
    """One number of a text.

    Attributes:
        value: its digits in one spelling: `4200000` for `4.2 mln`, `3_5` for `3.50`, `2_1_4` for `2-1/4`.
        start: where it begins in the text, in characters.
        end: one past the last character of its digits and scale.
        slot: the lower-cased words before and after it, joined by `_`.
        date: `mar6` where it is the day of a month; "" elsewhere.
        rounded: the value to two significant digits, in which 8.8 mln and 8,791,000 are equal.
    """

    value: str
    start: int
    end: int
    slot: str
    date: str
    rounded: str


def numbers(text: str) -> Iterator[Number]:
    """The numbers written in digits, in reading order.

    >>> [(number.value, number.slot, number.date) for number in numbers("Net rose to $4.20 mln on March 6.")]
    [('4200000', 'to_on', ''), ('6', 'march_', 'mar6')]
    """
    marks, begins = character_marks([text])
    for start in (number_starts(marks) - begins).tolist():
        yield number_at(text, start)


def number_at(text: str, start: int) -> Number:
    """The number that begins there, as ``number_starts`` knows.

    Raises:
        ValueError: if no digit stands there.
    """
    found = _NUMBER.match(text, start)
    if not found:
        raise ValueError(f"a number begins with a digit, not with {text[start : start + 1]!r}")
    digits, scale, next_word = found.groups("")
    end, next_word = found.end(2), next_word.lower()
    if next_word in _SCALES and not scale:
        scale, end = next_word, found.end()
        after = _NEXT_WORD.match(text, end)
        next_word = after[1].lower() if after else ""
    before = _last_word(text[max(start - _CONTEXT_CHARACTERS, 0) : start])
    value, rounded = _value_and_rounded(digits, scale)
    return Number(value, start, end, f"{before}_{next_word}", _date(digits, before, next_word), rounded)


def number_weight(value: str) -> float:
    """How much it says that two texts share a number, in (0, 1]: little for small and round numbers and for years.

    >>> number_weight("6"), number_weight("1987"), number_weight("110552")
    (0.4, 0.5, 1.0)
    """
    if _is_year(value):
        return 0.5
    n_significant = len(value.partition("e")[0].replace("_", "").replace(".", "").strip("0"))
    return min(1.0, 0.1 + 0.3 * max(n_significant, 1))


@lru_cache(1 << 16)
def _value_and_rounded(digits: str, scale: str) -> tuple[str, str]:
    value = _value(digits, scale.lower())
    return value, _rounded(value)


def _value(digits: str, scale: str) -> str:
    if "," in digits and _GROUPED.fullmatch(digits):
        digits = digits.replace(",", "")
    whole, _, fraction = digits.partition(".")
    if not whole.isdecimal() or not (fraction.isdecimal() or not fraction):
        return "_".join(part.lstrip("0") or "0" for part in _SEPARATORS.split(digits))
    n_zeros = _SCALES.get(scale, 0)
    whole = (whole + fraction[:n_zeros].ljust(n_zeros, "0")).lstrip("0") or "0"
    fraction = fraction[n_zeros:].rstrip("0")
    return f"{whole}_{fraction}" if fraction else whole


def _rounded(value: str) -> str:
    if len(value) <= 2 or value.count("_") > 1 or _is_year(value):
        return value
    number = float(value.replace("_", "."))
    return f"{number:.1e}"


def _is_year(value: str) -> bool:
    return len(value) == 4 and value[:2] in ("19", "20")


def _date(digits: str, before: str, after: str) -> str:
    if len(digits) > 2 or not 1 <= int(digits) <= 31:
        return ""
    month = MONTHS.get(before) or MONTHS.get(after)
    return f"{month}{int(digits)}" if month else ""


def _last_word(text: str) -> str:
    words = text.rstrip(" \n\t$\"'([-<").rsplit(None, 1)
    return words[-1].strip("\"'()[],.;:-$<>").lower() if words else ""
