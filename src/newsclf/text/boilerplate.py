"""Lines and line ends that belong to the page and not to the article.

Only whole short lines are dropped, and only lines of a known shape. In doubt a line stays: a lost sentence costs more
than a kept "Read more".
"""

import re
from collections.abc import Iterable

MAX_BOILERPLATE_CHARACTERS = 120

_NETWORKS = "facebook|twitter|whats ?app|e-?mail|print|linkedin|reddit|telegram|pinterest|wechat|weibo|qzone|imprimir|tumblr"
_DATE_WORDS = (
    r"(?:[:/+()|–-]*\d[\d:.,/+()|–-]*(?:st|nd|rd|th)?[,.]?|\||(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[,.]?"
    r"|(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*[,.]?|[ap]\.?m\.?|[a-z]{2,4}t|utc|gmt|ist|on|at|updated:?|and)"
)

# Each matches a whole line in lower case.
_LINE_SHAPES = (
    r"release time ?:.*\d.*",
    rf"(?:first |last )?(?:published|posted|updated)(?=.*\d)(?: on| at)? ?:? ?{_DATE_WORDS}(?: {_DATE_WORDS})*(?: \|.*)?",
    rf"(?:written|posted) by:? [^.]{{2,60}}\| ?(?:updated|published|{_DATE_WORDS}).*",
    r"(?:(?:photos?|image)(?: credit| courtesy| by)?|(?:picture|video)(?: credit| courtesy| by)) ?: ?\S+(?: \S+){0,5}(?<!\.)",
    r"(?:we use|th(?:is|e) (?:web)?site uses) cookies\b.*",
    r"(?:subscribe|sign up)\b.{0,30}\b(?:our|newsletters?|channel)\b.{0,60}",
    r"(?:subscribe|sign up|sign in|log in|register)(?: now| here| today| free)?!?",
    r"click (?:here|for the|to (?:read|view|watch|see|play|enlarge|share|print))\b.*",
    r"(?:continue reading|read the full (?:story|article|letter|text|release|report|statement))(?: here| below)*[.:]?",
    r"(?:also read|read also|read more|read next|see also|related|related (?:articles|stories|news|topics)|trending)"
    r" ?[:|].*",
    r"(?:also read|read also|read more|read next|see also|related (?:articles|stories|news|topics))",
    r"(?:follow|like|join|find) us(?: on| for)?(?: (?:our|and|updates|youtube|instagram|google news|x|"
    + _NETWORKS
    + r")[,.!]?)*",
    r"share(?: (?:this|on|to|via|by)\b(?: (?:article|story|page|post|news))?)?(?:[\s|:,]+(?:this|on|to|via|by|share|save|"
    r"tweet|copy link|comments?|\(\d+\)?|" + _NETWORKS + r"))*",
    rf"(?:comparte esta noticia|tweet|{_NETWORKS})(?:[\s|,/·]+(?:{_NETWORKS}|tweet|share|save|line|x|copy link))+",
    r"(?:copyright|©|c\)) ?(?:©|\(c\))? ?\d{4}\b.*",
    r"advertise?ment(?: ?[-–—:] ?(?:scroll|continue|story|article)\b.*)?",
    r"sponsored(?: content)?|(?:story|article) continues (?:below|after).*",
    r"(?:responsible |duty |executive )?editor(?: in charge)? ?: ?.{1,40}",
    r"(?:(?:media|press|news) )?contacts? ?:.*\d{3}.*",
    rf"for immediate release(?: ?[:-]? ?(?:contact.*|{_DATE_WORDS}(?: {_DATE_WORDS})*))?",
    r"home(?: ?[>»] ?[\w &'-]{2,30})+",
    r"listen to this (?:story|article)\b.*",
    r"(?:admin \| )?views ?: ?[\d,]+\b.*",
)
# The first three letters of all those shapes: a line that starts otherwise is not worth the search.
_OPENING_LETTERS = """
rel pub pos upd fir las wri pho ima pic vid thi the sub sig log reg cli con rea als see tre fol lik joi fin sha com twe
fac twi wha ema e-m pri lin red tel pin wec wei qzo imp tum cop adv spo sto art res dut exe edi med pre new for hom lis
adm vie tag key fil
"""
_OPENINGS = frozenset(_OPENING_LETTERS.split()) | {"we ", "c) ", "c)1", "c)2", "© 1", "© 2", "©19", "©20"}
_COOKIE_OPENINGS = ("the", "thi", "we ")  # of one shape only, and of every tenth line of news
_RIGHTS = ("all rights reserved", "all rights reserved.")
_RIGHTS_LINE = re.compile(r".{0,80}\ball rights reserved\.?")
_LINE = re.compile("|".join(f"(?:{shape})" for shape in _LINE_SHAPES))
_LINE_WRAPPING = " \t>*•[]()-–—»"

_BYLINE = re.compile(
    r"[Bb](?:y|Y):? (?:(?:[Oo]ur|OUR) )?[A-Z][\w.'’-]+(?: (?:and |& )?[A-Z][\w.'’-]+){1,4}"
    r"(?: ?[,/|] ?[A-Z][\w '’&]{2,40})*(?: ?\|.{0,40})?"
    r"|Staff [Rr]eport(?:er)?"
)
_TAG_LINE = re.compile(r"(?:tags|keywords|key words|filed under) ?: ?(.+)", re.IGNORECASE)

_AGENCY = (
    r"(?:Reuters|AP|AFP|UPI|DTN|CNN|Xinhua|TASS|Interfax|Bloomberg|PTI|IANS|ANI|Yonhap|Kyodo|dpa|EFE|SPACE\.com"
    r"|USATODAY\.com|Forbes\.com|The Associated Press|Business Wire|PRNewswire|Dow Jones)"
)
_DASH = r"(?:\s*--+\s*|\s+-\s+|\s*[–—](?:\s+|(?=[A-Z“\"])))"
_DAY = r"(?:(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.? \d{1,2}(?:, \d{4})?)"
# The second plus of `*+` and `++` says that a word is never cut: nothing that follows it could match one of its letters, and
# a headline in capitals would be cut in a hundred ways.
_CAPITALS = r"[A-Z]{2}[A-Z.'’]*+(?:[ -][A-Z][A-Z.'’]*+){0,3}"
_REGION = r"(?:,? D\.? ?C\.?+|, [A-Z][\w.'’]*+(?: [A-Z][\w.'’]*+){0,2})"
_DATELINE = re.compile(
    "|".join(
        (
            # KABUL, Afghanistan (Jan. 25, 2013) Two leaders / LONDON, March 3 (Xinhua) -- Two leaders
            rf"{_CAPITALS}{_REGION}?(?:, {_DAY})? ?\((?:{_DAY}|{_AGENCY})\)(?:{_DASH}|:? +)",
            # GREENSBORO, N.C. | Two leaders; not IBM | Two leaders
            rf"{_CAPITALS}{_REGION} \| ",
            # SANTA ANA, Calif. – Two leaders / PARIS (Some Paper) - Two leaders
            # but not NASA - the agency said
            rf"{_CAPITALS}{_REGION}?(?:, {_DAY})?(?: ?\([^()\n]{{2,40}}\))?{_DASH}(?=[^\W\d_a-z]|[\d“\"'‘(])",
            # Washington, D.C. – Two leaders: a state must follow, or every "Smith - the ..." would match
            rf"[A-Z][a-z]++(?: [A-Z][a-z]++){{0,2}},? (?:D\.? ?C\b\.?|[A-Z][a-z]{{1,5}}\.|[A-Z]\.?[A-Z]\b\.?){_DASH}",
            # NEW DELHI: Two leaders; not THE OVERVIEW: NEWS ANALYSIS
            r"[A-Z]{3,}+(?: [A-Z]{3,}+)?: (?=[A-Z](?:[a-z]|\s))",
            # (Dallas, Texas) – Two leaders
            rf"\([A-Z][a-z]++(?: [A-Z][a-z]++)?, [A-Z][a-z]++\){_DASH}",
            # Reuters - Two leaders / (Business Wire)-- Dec. 10, 2004 -- Two leaders
            rf"(?:\({_AGENCY}\)|{_AGENCY}|{_DAY}){_DASH}",
        )
    )
)
_TAIL_CHARACTERS = 400
_TAIL_ENDS = ("]", ")", "g", "G", "...")
_APPEARED_CHARACTERS = 80  # the longest tail from "appeared" on
# Every tail starts at a bracket, or behind the sign that ends a sentence: those signs are quickly found.
_TAIL = re.compile(
    r"[\[(.!?”\"’](?:(?<=[\[(])\s*(?:responsible |duty |executive )?editors?\b(?! ?['’]s)[^()\[\]]{0,60}[\])]"
    r"|(?<=[^\[(]) ?\[?continue reading(?: ?\.\.\.)?\]?"
    r"|(?<=[^\[(]) ?the post [^\n]{2,250} appeared first on [^\n.]{2,60}\.)$",
    re.IGNORECASE,
)


def suspects(lines: Iterable[str]) -> list[str]:
    """The lines that may be boilerplate or list tags: a test at a tenth of their cost, which most lines fail."""
    return [
        line
        for line in lines
        if line
        and len(line) <= MAX_BOILERPLATE_CHARACTERS
        and (line.lstrip(_LINE_WRAPPING)[:3].lower() in _OPENINGS or "eserved" in line or "ESERVED" in line)
    ]


def is_boilerplate(line: str) -> bool:
    """Whether a whole line is furniture of the page: a share bar, a photo credit, a cookie notice.

    >>> is_boilerplate("Share on Facebook"), is_boilerplate("Share prices on Facebook news fell.")
    (True, False)
    """
    if len(line) > MAX_BOILERPLATE_CHARACTERS:
        return False
    line = line.strip(_LINE_WRAPPING).lower()
    if line.endswith(_RIGHTS) and _RIGHTS_LINE.fullmatch(line):
        return True
    opening = line[:3]
    if opening not in _OPENINGS or (opening in _COOKIE_OPENINGS and "cookies" not in line):
        return False
    return _LINE.fullmatch(line) is not None


def is_byline(line: str) -> bool:
    """Whether a whole line names the writer.

    >>> is_byline("By Dana Pruitt, Staff Writer"), is_byline("By Monday the river had risen.")
    (True, False)
    """
    return len(line) <= MAX_BOILERPLATE_CHARACTERS and _BYLINE.fullmatch(line.strip()) is not None


def tags_of(line: str) -> tuple[str, ...]:
    """The tags of a line that lists tags and nothing else; () for any other line.

    >>> tags_of("Tags: Defence | UN missions")
    ('Defence', 'UN missions')
    """
    if len(line) > MAX_BOILERPLATE_CHARACTERS or ":" not in line:
        return ()
    listed = _TAG_LINE.fullmatch(line.strip())
    if listed is None:
        return ()
    return tuple(tag.strip() for tag in re.split(r"[|,;]", listed[1]) if tag.strip())


def without_dateline(line: str) -> str:
    """A first line without its dateline.

    >>> without_dateline("KABUL, Afghanistan (Jan. 25, 2013) – Two leaders were detained.")
    'Two leaders were detained.'
    """
    if not ("-" in line or ")" in line or ":" in line or "|" in line or "–" in line or "—" in line):
        return line  # nothing that could end a dateline; any() over a tuple of them would cost as much as the pattern
    start = 0
    while dateline := _DATELINE.match(line, start):
        start = dateline.end()
    return line[start:]


def without_tail(line: str) -> str:
    """A last line without what a content system hung on its end: an editor in brackets, "Continue reading...".

    >>> without_tail("The work goes on. (Editor: Hu Min)")
    'The work goes on.'
    """
    end = len(line)
    while _may_have_tail(last := line[max(0, end - _TAIL_CHARACTERS) : end]) and (tail := _TAIL.search(last)):
        kept = last[: tail.start()] if tail[0][0] in "[(" else last[: tail.start() + 1]
        end -= len(last) - len(kept.rstrip())
    return line[:end]


def _may_have_tail(line: str) -> bool:
    """Whether it holds a sign of a tail: cheap to look for, where the pattern is not; lower case costs most of it."""
    if not line.endswith(_TAIL_ENDS) and "appeared" not in line[-_APPEARED_CHARACTERS:].lower():
        return False
    line = line.lower()
    return "editor" in line or "continue reading" in line or "appeared first on" in line
