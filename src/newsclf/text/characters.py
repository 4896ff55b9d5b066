"""Repairs of single characters: broken encodings, entities, stray tags, invisible characters, Unicode forms.

Cheap guards come first, because most articles need none of this and the tokeniser behind it does 33 MB/s.
"""

import re
import unicodedata
from functools import cache
from html import unescape
from html.entities import html5
from itertools import chain

# Text escaped or wrapped more often than this was made to annoy; what is left of its markup is blanked.
_MAX_ROUNDS = 8

_PLAIN_ASCII = bytes(set(range(32, 127)) - set(b"&<")) + b"\n"
_HANGUL_PARTS = ("\u1100", "\u11ff")  # they compose with each other
_MAX_REPLACED = 8  # each kind of character costs a pass over the text; all kinds together cost a few dozen passes

# Controls, soft hyphen, zero-width characters, direction marks, byte order mark, lone surrogates.
_INVISIBLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\ud800-\udfff]")

# UTF-8 that was read as Latin-1 or Windows-1252: a lead byte's letter, then a continuation byte's. One pattern a letter,
# because a pattern that starts with a fixed letter is searched twenty times as fast as one that starts with a choice.
_CONTINUATIONS = "[\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"
_MOJIBAKE = {lead: re.compile(lead + _CONTINUATIONS) for lead in "ÂÃâÄÅÐÑï"}
_LEADS = frozenset(_MOJIBAKE)

# Every encoding has ASCII in common, so that what stands this far from any other character has no part in its repair.
_NEAR_CHARACTERS = 8  # ftfy looks six ahead
_ASCII_RUN = re.compile(rf"([ -~\n]{{{3 * _NEAR_CHARACTERS},}})")
_CUT = "\x01"

# Only with a semicolon: "AT&T" and "R&D" are words. `amp;` repeats where a text was escaped again and again.
_ENTITY = re.compile(r"&(?:(?:amp|#38|#[xX]26);)*(#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")

# One-letter names in lower case only: news wires write tickers as <A> and <P>.
_TAG = re.compile(
    r"</?(?:(?P<block>p|(?i:br|div|ul|ol|li|h[1-6]|table|tr|td|th|blockquote|figure|figcaption|section|article|hr"
    r"|header|footer|nav|aside|pre))|[abisu]|(?i:span|em|strong|font|img|small|sub|sup|code|iframe|script|style|time))"
    r"(?:[\s/][^<>]{0,1000})?>"
)
_MARKUP = frozenset("&<")
_BLANK_MARKUP = str.maketrans("&<", "  ")


def repair(text: str) -> str:
    """Text with broken characters mended, in Unicode form NFKC.

    Decodes HTML entities, drops stray HTML tags, control and zero-width characters, soft hyphens and lone surrogates,
    undoes UTF-8 that was decoded as Latin-1, and turns every kind of line end into a newline. Repairing twice
    changes nothing more.

    >>> repair("R&amp;D at the caf\\u00c3\\u00a9:<br/>5\\u00a0% up")
    'R&D at the café:\\n5 % up'
    """
    odd = _odd_characters(text)
    return _repair(text, odd) if odd else text


def _odd_characters(text: str) -> set[str]:
    """The characters that may need repair: none in most texts, or a few quotes and dashes."""
    rest = text.encode("utf-8", "surrogatepass").translate(None, _PLAIN_ASCII)
    return set(rest.decode("utf-8", "surrogatepass")) if rest else set()


def _repair(text: str, odd: set[str]) -> str:
    for _ in range(_MAX_ROUNDS):
        repaired = _repair_once(text, odd)
        if repaired == text:
            return text
        text = repaired
        odd = _odd_characters(text)
    text = text.translate(_BLANK_MARKUP)
    return _repair_once(text, _odd_characters(text))


def _repair_once(text: str, odd: set[str]) -> str:
    if not odd <= _MARKUP:
        text = _mend(text, odd)
    if "&" in text:
        text = _ENTITY.sub(_decode_entity, text)
    if "<" in text:
        text = _TAG.sub(_decode_tag, text)
    return text


def _mend(text: str, odd: set[str]) -> str:
    """The text without broken encodings and in NFKC: one odd character after the other where each stands for itself."""
    if any(_MOJIBAKE[lead].search(text) for lead in odd & _LEADS):
        return _mend_together(_fix_mojibake(text))
    result = text.replace("\r\n", "\n") if "\r" in odd else text
    n_replaced = 0
    for character in odd:
        mended = _mend_alone(character)
        if mended is None or n_replaced > _MAX_REPLACED:
            return _mend_together(text)
        if mended != character:
            result = result.replace(character, mended)
            n_replaced += 1
    return result


@cache
def _mend_alone(character: str) -> str | None:
    """What a character becomes whatever stands beside it; None if that depends: a mark that composes, a part of a syllable."""
    mended = _mend_together(character)
    parts = character + mended
    if any(unicodedata.category(part).startswith("M") or _HANGUL_PARTS[0] <= part <= _HANGUL_PARTS[1] for part in parts):
        return None
    return mended


def _mend_together(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x85", "\n")
    text = text.replace("\u2028", "\n").replace("\u2029", "\n").replace("\xa0", " ").replace("…", "...")
    text = text.replace("\t", " ").replace("\v", " ").replace("\f", " ")
    # Every invisible character is unprintable, and asking that is cheaper than searching for them.
    if not text.replace("\n", " ").isprintable():
        text = _INVISIBLE.sub("", text)
    return text if unicodedata.is_normalized("NFKC", text) else unicodedata.normalize("NFKC", text)


def _fix_mojibake(text: str) -> str:
    """ftfy's repair, which is slow, of the text without the middles of its long runs of ASCII."""
    from ftfy import fix_encoding  # takes a tenth of a second to import; one article in 150 needs it

    if _CUT in text:
        return fix_encoding(text)
    parts = _ASCII_RUN.split(text)  # the runs have the odd places
    middles = [run[_NEAR_CHARACTERS:-_NEAR_CHARACTERS] for run in parts[1::2]]
    parts[1::2] = [run[:_NEAR_CHARACTERS] + _CUT + run[-_NEAR_CHARACTERS:] for run in parts[1::2]]
    pieces = fix_encoding("".join(parts)).split(_CUT)
    return "".join(chain.from_iterable(zip(pieces, [*middles, ""], strict=True)))


def _decode_entity(entity: re.Match[str]) -> str:
    name = entity[1]
    if name.startswith("#"):
        return unescape(f"&{name};")
    return html5.get(f"{name};", entity[0])


def _decode_tag(tag: re.Match[str]) -> str:
    return "\n" if tag["block"] else ""
