"""Headlines and the tags that portals hang on them: `Title | tag | tag`.

The portals' translators often lose the first separator, so that the first tag sticks to the headline:
`...suspect appeared in court today. Male | Last Friday | Murder case`. Tags name the topic outright, so a model must
never see them.
"""

import re
from functools import lru_cache

SEPARATOR = " | "

_MAX_HEADLINE_CHARACTERS = 600
_MIN_HEADLINE_WORDS = 3
_MIN_UNSPACED_CHARACTERS = 8  # a headline in a script without spaces
_MAX_TAG_WORDS = 4
_MAX_TAG_CHARACTERS = 40
_MAX_FUSED_WORDS = 4
_STEM_CHARACTERS = 5  # long enough to tell words apart, short enough for subsidy and subsidies

_PUBLISHER = re.compile(
    r"(?:Reuters|AP|AP News|Associated Press|AFP|BBC|CNN|CNBC|NPR|DW|UPI|TASS|Xinhua|Bloomberg|Al Jazeera(?: English)?"
    r"|Politico|HuffPost|The Hill|The Guardian|World|Region|Politics"
    r"|(?:[A-Z][\w.&’']* ){1,3}(?:News|Times|Post|Online|Today|Herald|Tribune|Gazette|Guardian|Journal|Chronicle"
    r"|Observer|Telegraph|Mirror|Mail|Daily|Weekly|Agency|Radio|TV))"
)
_DASH_TAIL = re.compile(r"^(?P<head>.+\S) [-–—] (?P<tail>[^|]{2,40})$")

_TAG_WORD = re.compile(r"[A-Z](?:[\w'’./-]*\w)?$")
_SENTENCE_END = re.compile(r"(?:[!?]|^[a-z0-9].{2,}\.)[\"”’')\]]*$")
_TAG_LINKS = frozenset(("of", "and", "&"))
# After these a capitalised word belongs to the headline's own sentence: "in Ohio", "northern Myanmar".
_LEADING_WORDS = """
a an the this that its his her their our my of in to from at by with and or for on as into over under near between after
before against during via per than is are was were be will not but how why when who what northern southern eastern
western central new former
"""
_LEADS_IN = frozenset(_LEADING_WORDS.split())


def split_tags(title: str, source: str | None = None) -> tuple[str, tuple[str, ...]]:
    """A headline without its tag tails, and the tags, in their order.

    Also takes off the publisher's name where it ends the headline (` - Reuters`, ` | BBC News`, or the given source).
    Splitting the headline that comes back changes nothing more. A headline of fewer than three words before its
    first separator is left whole (`Event | How denial evolves`).

    >>> split_tags("The fleet has arrived! Assembly | Navy | Chinese Fleet")
    ('The fleet has arrived!', ('Assembly', 'Navy', 'Chinese Fleet'))
    >>> split_tags("Massive bomb attack kills 44 | Jordan Times")
    ('Massive bomb attack kills 44', ('Jordan Times',))
    """
    tags: tuple[str, ...] = ()
    while _has_separator(title) and len(title) <= _MAX_HEADLINE_CHARACTERS:
        shorter, found = _split_once(title, source)
        if not found:
            break
        title, tags = shorter, found + tags
    return title, tags


def is_tagged(line: str) -> bool:
    """Whether a line of text is a headline with at least one ` | tag` tail.

    >>> is_tagged("Corn that was never planted received subsidies | Corn | Fraud")
    True
    >>> is_tagged("18:42 | Armenian | Russian | English")
    False
    """
    if SEPARATOR not in line or len(line) > _MAX_HEADLINE_CHARACTERS:
        return False
    head, *tails = line.strip().split(SEPARATOR)
    return _is_head(head) and all(_is_tag(tail) and _has_letter(tail) for tail in tails)


def _has_separator(title: str) -> bool:
    return SEPARATOR in title or " - " in title or " – " in title or " — " in title


def _split_once(title: str, source: str | None) -> tuple[str, tuple[str, ...]]:
    if SEPARATOR in title:
        return _split_piped(title, source)
    dashed = _DASH_TAIL.match(title)
    if dashed and _is_head(dashed["head"]) and _is_publisher(dashed["tail"], source):
        return dashed["head"], (dashed["tail"],)
    return title, ()


@lru_cache(maxsize=64)  # portals repeat their headlines, and each repeat is split to be known as one
def _split_piped(title: str, source: str | None) -> tuple[str, tuple[str, ...]]:
    parts = title.split(SEPARATOR)
    n_head = len(parts)
    while n_head > 1 and (_is_tag(parts[n_head - 1]) or _is_publisher(parts[n_head - 1], source)):
        n_head -= 1
    head = SEPARATOR.join(parts[:n_head]).rstrip()
    if n_head == len(parts) or not _is_head(head):
        return title, ()
    tags = tuple(part.strip() for part in parts[n_head:])
    headline, fused = _split_fused(head, len(tags))
    return headline, fused + tags


def _is_publisher(tail: str, source: str | None) -> bool:
    return tail == source or _PUBLISHER.fullmatch(tail) is not None


def _is_head(head: str) -> bool:
    if head.count(" ") + 1 >= _MIN_HEADLINE_WORDS:
        return True
    return not head.isascii() and len(head) >= _MIN_UNSPACED_CHARACTERS


def _is_tag(tail: str) -> bool:
    tail = tail.strip()
    if not tail or len(tail) > _MAX_TAG_CHARACTERS or tail[-1] in ".?!":
        return False
    return tail.count(" ") < _MAX_TAG_WORDS and "|" not in tail


def _has_letter(tail: str) -> bool:
    return any(character.isalpha() for character in tail)


def _split_fused(head: str, n_tags: int) -> tuple[str, tuple[str, ...]]:
    words = head.split()
    start = _fused_start(words, n_tags)
    if start == len(words):
        return head, ()
    return " ".join(words[:start]), (" ".join(words[start:]),)


def _fused_start(words: list[str], n_tags: int) -> int:
    """The index of the first word of a fused tag; len(words) where none is fused."""
    run = _capitalised_run(words)
    for start in range(run, len(words)):
        if _SENTENCE_END.search(words[start - 1]):
            return start
    for start in range(run, len(words)):
        if _leads_in(words[start - 1]) or words[start] in _TAG_LINKS:
            continue
        if _is_repeated(words, start) or (start == run and n_tags > 1 and _breaks_case(words, run)):
            return start
    return len(words)


def _capitalised_run(words: list[str]) -> int:
    start = len(words)
    earliest = max(_MIN_HEADLINE_WORDS, len(words) - _MAX_FUSED_WORDS)
    while start > earliest and (_TAG_WORD.match(words[start - 1]) or words[start - 1] in _TAG_LINKS):
        start -= 1
    while start < len(words) and words[start] in _TAG_LINKS:
        start += 1
    return start


def _leads_in(word: str) -> bool:
    return word.lower() in _LEADS_IN or word[-1] in ",:;-–—"


def _is_repeated(words: list[str], start: int) -> bool:
    """Whether every word of the last ones stands, in some form, earlier in the headline."""
    earlier = {_stem(word) for word in words[:start]}
    return all(_stem(word) in earlier for word in words[start:] if word not in _TAG_LINKS)


def _stem(word: str) -> str:
    return word.strip("\"“”‘’'(),.:;?!").lower()[:_STEM_CHARACTERS]


def _breaks_case(words: list[str], run: int) -> bool:
    """Whether a sentence in lower case ends in capitals for no reason of grammar."""
    n_capitalised = sum(word[0].isupper() for word in words[1:run])
    return not words[run - 1][0].isupper() and n_capitalised * 2 < run - 1
