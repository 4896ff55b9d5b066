"""Repairs of single characters: broken encodings, entities, stray tags, invisible characters, Unicode forms.

Cheap guards come first, because most articles need none of this and the tokeniser behind it does 33 MB/s.
"""

import re
import unicodedata
from functools import cache
from html import unescape
from html.entities import html5

# Text escaped or wrapped more often than this was made to annoy; what is left of its markup is blanked.
_MAX_ROUNDS = 8

_SOUND_ASCII = bytes(set(range(32, 127)) - set(b"&<")) + b"\n"
_HANGUL_PARTS = ("\u1100", "\u11ff")  # they compose with each other

_ASCII_KEPT = bytes(range(256)).translate(bytes.maketrans(b"\t\v\f", b"   "))
_ASCII_DROPPED = bytes(set(range(32)) - set(b"\t\n\v\f")) + b"\x7f"

# Controls, soft hyphen, zero-width characters, direction marks, byte order mark, lone surrogates.
_INVISIBLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\ud800-\udfff]")

# UTF-8 that was read as Latin-1 or Windows-1252: a lead byte's letter, then a continuation byte's. One pattern a letter,
# because a pattern that starts with a fixed letter is searched twenty times as fast as one that starts with a choice.
_CONTINUATIONS = "[\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"
_MOJIBAKE = {lead: re.compile(lead + _CONTINUATIONS) for lead in "ÂÃâÄÅÐÑï"}

# Only with a semicolon: "AT&T" and "R&D" are words. `amp;` repeats where a text was escaped again and again.
_ENTITY = re.compile(r"&(?:(?:amp|#38|#[xX]26);)*(#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")

# One-letter names in lower case only: news wires write tickers as <A> and <P>.
_TAG = re.compile(
    r"</?(?:(?P<block>p|(?i:br|div|ul|ol|li|h[1-6]|table|tr|td|th|blockquote|figure|figcaption|section|article|hr"
    r"|header|footer|nav|aside|pre))|[abisu]|(?i:span|em|strong|font|img|small|sub|sup|code|iframe|script|style|time))"
    r"(?:[\s/][^<>]{0,1000})?>"
)
_BLANK_MARKUP = str.maketrans("&<", "  ")


def repair(text: str) -> str:
    """Text with broken characters mended, in Unicode form NFKC.

    Decodes HTML entities, drops stray HTML tags, control and zero-width characters, soft hyphens and lone surrogates,
    undoes UTF-8 that was decoded as Latin-1, and turns every kind of line end into a newline. Repairing twice
    changes nothing more.

    >>> repair("R&amp;D at the caf\\u00c3\\u00a9:<br/>5\\u00a0% up")
    'R&D at the café:\\n5 % up'
    """
    if _is_sound(text):
        return text
    for _ in range(_MAX_ROUNDS):
        repaired = _repair_once(text)
        if repaired == text:
            return text
        text = repaired
    return _repair_once(text.translate(_BLANK_MARKUP))


def _is_sound(text: str) -> bool:
    """Whether no character needs a look: what is left of most texts without their plain ASCII is a few quotes and dashes."""
    rest = text.encode("utf-8", "surrogatepass").translate(None, _SOUND_ASCII)
    return not rest or all(map(_is_sound_character, set(rest.decode("utf-8", "surrogatepass"))))


@cache
def _is_sound_character(character: str) -> bool:
    """Whether a character is never changed, whatever stands beside it: no mark that composes, no sign of a broken encoding."""
    if character in "&<" or character in _MOJIBAKE or unicodedata.category(character).startswith("M"):
        return False
    return not _HANGUL_PARTS[0] <= character <= _HANGUL_PARTS[1] and _repair_once(character) == character


def _repair_once(text: str) -> str:
    text = _mend_ascii(text) if text.isascii() else _mend_unicode(text)
    if "&" in text:
        text = _ENTITY.sub(_decode_entity, text)
    if "<" in text:
        text = _TAG.sub(lambda tag: "\n" if tag["block"] else "", text)
    return text


def _mend_ascii(text: str) -> str:
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    raw = text.encode("ascii")
    mended = raw.translate(_ASCII_KEPT, _ASCII_DROPPED)
    return text if mended == raw else mended.decode("ascii")


def _mend_unicode(text: str) -> str:
    if any(lead in text and pair.search(text) for lead, pair in _MOJIBAKE.items()):
        text = _fix_mojibake(text)
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x85", "\n")
    text = text.replace("\u2028", "\n").replace("\u2029", "\n").replace("\xa0", " ").replace("…", "...")
    text = text.replace("\t", " ").replace("\v", " ").replace("\f", " ")
    # Every invisible character is unprintable, and asking that is cheaper than searching for them.
    if not text.replace("\n", " ").isprintable():
        text = _INVISIBLE.sub("", text)
    return text if unicodedata.is_normalized("NFKC", text) else unicodedata.normalize("NFKC", text)


def _fix_mojibake(text: str) -> str:
    from ftfy import fix_encoding  # takes a tenth of a second to import; one article in 150 needs it

    return fix_encoding(text)


def _decode_entity(entity: re.Match[str]) -> str:
    name = entity[1]
    if name.startswith("#"):
        return unescape(f"&{name};")
    return html5.get(f"{name};", entity[0])
