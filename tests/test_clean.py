"""What the cleaner takes out, and above all what it leaves in."""

import pytest
from ftfy import fix_encoding
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsclf.article import Article
from newsclf.text import boilerplate, characters
from newsclf.text.boilerplate import is_boilerplate, is_byline, suspects, tags_of, without_dateline, without_tail
from newsclf.text.characters import repair
from newsclf.text.clean import clean
from newsclf.text.headline import is_tagged, split_tags

# Pieces that trip one rule or another; strung together at random they look for rules that undo each other.
TRIGGERS = (
    "LONDON (Reuters) - ",
    "KABUL, Afghanistan (Jan. 25, 2013) ",
    "AP - ",
    "NEW DELHI: Rain",
    "Release time: May 4, 2024",
    "Share on Facebook",
    "Tags: a | b",
    "By Ann Lee",
    "Rain is late again",
    "Rain is late again Rain | Crop",
    "Rain is late again | Crop | Rain",
    "(Editor: Hu Min)",
    ". Continue reading...",
    " - Reuters",
    " | BBC News",
    " | Crop",
    "US",
    "&amp;",
    "&amp;lt;b&gt;",
    "&lt;p",
    "<br>",
    ">",
    "Ã©",
    "â€™",
    "\u200b",
    "\xad",
    "\xa0",
    "…",
    "\ud800",
    "\x00",
    "\r\n",
    "\n",
    "\n\n",
    " ",
    "e\u0301",
    "ﬁ",
    "水稻 | 丰收",
)
TEXTS = st.lists(st.sampled_from(TRIGGERS) | st.text(max_size=8), max_size=12).map("".join)


@settings(max_examples=400)
@given(text=TEXTS, title=TEXTS)
@example(text="&am<b></b>p;lt;", title="")
@example(text="A\u200d\u0301", title="")
@example(text="&" + "amp;" * 50 + "lt;b>", title="")
@example(text="<" * 30 + "b>" * 30, title="")
def test_cleaning_twice_changes_nothing_more(text: str, title: str) -> None:
    once = clean(Article(text, title=title))
    twice = clean(Article(once.body, title=once.title))
    assert (twice.title, twice.body) == (once.title, once.body)


@given(text=TEXTS, title=TEXTS)
def test_clean_text_can_be_written_as_utf8(text: str, title: str) -> None:
    cleaned = clean(Article(text, title=title))
    cleaned.title.encode("utf-8")
    cleaned.body.encode("utf-8")


@given(st.text(alphabet=st.characters(min_codepoint=97, max_codepoint=122) | st.sampled_from(" \n"), max_size=200))
def test_plain_words_survive(text: str) -> None:
    content = [line for line in text.split("\n") if not is_boilerplate(line)]
    assert clean(Article(text)).body.split() == "\n".join(content).split()


@pytest.mark.parametrize(
    ("raw", "mended"),
    [
        ("R&amp;D &amp;amp; AT&T, D&G; &#8220;x&#x201d;", "R&D & AT&T, D&G; “x”"),
        ("the cafÃ© didnâ€™t pay Â£5", "the café didn’t pay £5"),
        ("zero\u200bwidth, soft\xadhyphen, bell\x07, \ufeffmark", "zerowidth, softhyphen, bell, mark"),
        ("5\xa0% ﬁne ＡＢＣ", "5 % fine ABC"),
        ("one<br/>two <b class='x'>bold</b> word</p>", "one\ntwo bold word\n"),
        ("<stdio.h> <A> <GM.N> 3 < 4 > 2 <grin>", "<stdio.h> <A> <GM.N> 3 < 4 > 2 <grin>"),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("lone \ud83d surrogate", "lone  surrogate"),
        ("CÂMARA, Ñandú, Ålesund, GENÈVE", "CÂMARA, Ñandú, Ålesund, GENÈVE"),
    ],
)
def test_repair(raw: str, mended: str) -> None:
    assert repair(raw) == mended


# Each of these stands for itself, or changes with its neighbours, or looks like UTF-8 that was read as Latin-1.
ODD = "’“é…\xa0\u200b\xadﬁＡ＆²½‑\r\n\t\x00\x85\u2028\ud800e\u0301\u1100\u1161ﾊﾞ한ÂÃâ€™©Ð°\x80\x99&<"


@settings(max_examples=200)
@given(st.text(ODD + "a; #", max_size=12) | st.text(max_size=12))
@example("\r\n")
@example("\r\x00\n")
@example("ﾡￂ")
@example("e\u200b\u0301")
def test_characters_mended_one_by_one_are_those_mended_together(text: str) -> None:
    found = repair(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(characters, "_MAX_REPLACED", -1)
        assert repair(text) == found


MOJIBAKE = st.sampled_from(["Ã©", "â€™", "Â\xa0", "à ", "Ã quela", "ï»¿", "Ð°", "é", "“", "\x01", "\x1a", "\x00", "À\x80"])


@settings(max_examples=150, deadline=None)
@given(st.lists(MOJIBAKE | st.integers(0, 60).map("a b\n".__mul__) | st.text(max_size=4), max_size=10).map("".join))
def test_mojibake_is_mended_as_ftfy_mends_the_whole_text(text: str) -> None:
    assert characters._fix_mojibake(text) == fix_encoding(text)


@pytest.mark.parametrize(
    ("title", "headline", "tags"),
    [
        # a sentence ends before the tag
        ("He appeared in court today. Male | Last Friday", "He appeared in court today.", ("Male", "Last Friday")),
        ("Why did it fall? Stock Price | Order", "Why did it fall?", ("Stock Price", "Order")),
        # the tag repeats a word of the headline
        ("Lithium sector is falling fast Sector | Index", "Lithium sector is falling fast", ("Sector", "Index")),
        ("Two shot in Ohio: suspect at large Ohio | Shooting", "Two shot in Ohio: suspect at large", ("Ohio", "Shooting")),
        ("He stole subsidies and was sentenced Subsidy | Fraud", "He stole subsidies and was sentenced", ("Subsidy", "Fraud")),
        # capitals break a sentence in lower case
        ("Worry about the supply Copper | Chile | Strike", "Worry about the supply", ("Copper", "Chile", "Strike")),
        # nothing is fused: the name belongs to the sentence
        ("A visit to the potato base of Dingxi | Potato | Seed", "A visit to the potato base of Dingxi", ("Potato", "Seed")),
        ("It moves to the north of Henan Province. | Support", "It moves to the north of Henan Province.", ("Support",)),
        ("Bomb Attack Kills 44 In Kurdish City | Jordan Times", "Bomb Attack Kills 44 In Kurdish City", ("Jordan Times",)),
        # publishers
        ("Oil prices end lower - Reuters", "Oil prices end lower", ("Reuters",)),
        ("Bomb in Homs kills 45 - Region - World - Ahram Online", "Bomb in Homs kills 45", ("Region", "World", "Ahram Online")),
        # left alone
        ("India buys ten cargoes of sugar - traders", "India buys ten cargoes of sugar - traders", ()),
        ("Event | How climate denial is changing this year", "Event | How climate denial is changing this year", ()),
        ("District Attorney | Press Releases 2022", "District Attorney | Press Releases 2022", ()),
    ],
)  # fmt: skip
def test_headline_is_split_from_its_tags(title: str, headline: str, tags: tuple[str, ...]) -> None:
    assert split_tags(title) == (headline, tags)


def test_the_given_source_is_taken_off_the_headline() -> None:
    article = Article("x", title="Wheat prices fall again - Prairie Grain Desk", source="Prairie Grain Desk")
    assert clean(article).title == "Wheat prices fall again"


def test_tagged_headline_in_the_first_line_becomes_the_title() -> None:
    line = "Corn that was never planted received money | Corn | Fraud"
    cleaned = clean(Article(f"{line}\n{line}\n\nRelease time:Apr 13, 2024 22:21 PM\n\nThe court met."))
    assert cleaned.title == "Corn that was never planted received money"
    assert cleaned.body == "The court met."
    assert cleaned.tags == ("Corn", "Fraud")


@pytest.mark.parametrize("repeat", ["Rain is late again", "Rain is late again | Crop", "RAIN IS LATE AGAIN."])
def test_repeated_headline_is_dropped(repeat: str) -> None:
    assert clean(Article(f"{repeat}\n\nFields are dry.", title="Rain is late again")).body == "Fields are dry."


@pytest.mark.parametrize(
    "line",
    [
        "18:42 | Armenian | Russian | English",
        "PHOTO | FILE | NHP. Fighters attacked a military airstrip before dawn.",
        "HUNTSVILLE | One glass case in the new show holds nothing but thimbles.",
        "no pipes here",
        "| Country | GDP |",
    ],
)
def test_not_a_tagged_headline(line: str) -> None:
    assert not is_tagged(line)


@pytest.mark.parametrize(
    "line",
    [
        "Release time:Apr 13, 2024 22:21 PM",
        "Published 14 May 2024, 16:22 BST | Updated 17:05",
        "Posted on: 2013-06-12 16:40 | Views: 2,117 | Font: Large Medium Small",
        "Photo: Getty",
        "We use cookies to improve your experience. Accept all | Manage",
        "Subscribe to our newsletter",
        "Read more: Why bondholders are nervous",
        "[Read the full story]",
        "Click here to watch the full exchange.",
        "Follow us on Facebook",
        "Share this article | Comments (47)",
        "Share on Facebook Share via email",
        "WhatsApp Facebook Email Print",
        "© 2026. Dallas County. All rights reserved.",
        "(c) 1993 L. Smith",
        "ADVERTISEMENT - SCROLL TO CONTINUE",
        "(Editor in charge: Hu Min)",
        "Media contact: press office, +371 0000 0000",
        "For Immediate Release: December 22, 2005",
        "Home > News > Farming",
    ],
)
def test_page_furniture_is_dropped(line: str) -> None:
    assert is_boilerplate(line)
    assert clean(Article(f"Rain fell.\n{line}\nCrops grew.")).body == "Rain fell.\nCrops grew."


@pytest.mark.parametrize(
    "line",
    [
        "Share prices rose on Monday.",
        "Photo: a freight train in the station of Nagad, near the port",
        "Advertisement revenue fell at ITV",
        "Published in 1990, the book won prizes.",
        "published.",
        "Contact with the probe was lost.",
        "Related parties denied it.",
        "Copyright law is changing.",
        "For Immediate Release: Man Sentenced to 169 Years for Abuse",
        "Editors at the paper resigned.",
        "Sign up for alerts from law enforcement agencies to stay updated on changes in your area",
        "Follow the money, the prosecutor said.",
        "Facebook",
        "Home",
        "",
    ],
)
def test_content_is_kept(line: str) -> None:
    assert not is_boilerplate(line)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("WASHINGTON (Reuters) - Oil fell", "Oil fell"),
        ("KABUL, Afghanistan (Jan. 25, 2013) Two died", "Two died"),
        ("LONDON, March 3 (Xinhua) -- The fleet", "The fleet"),
        ("SANTA ANA, Calif. – A man", "A man"),
        ("Washington, D.C. –Today", "Today"),
        ("WASHINGTON, DC (September 28, 2018)–U.S. trade", "U.S. trade"),
        ("(Dallas, Texas) – Dallas County", "Dallas County"),
        ("STOCKHOLM, Sweden --(Business Wire)-- Dec. 10, 2004 -- Ericsson", "Ericsson"),
        ("NEW DELHI: Insurers will pay", "Insurers will pay"),
        ("GREENSBORO, N.C. | Dillard filed", "Dillard filed"),
        ("NASA - the agency said", "NASA - the agency said"),
        ("IBM | Shares rose", "IBM | Shares rose"),
        ("THREATS AND RESPONSES: THE ALLIES; Chirac", "THREATS AND RESPONSES: THE ALLIES; Chirac"),
        ("SEN. HATCH: THIS IS TIME", "SEN. HATCH: THIS IS TIME"),
        ("ISIL–controlled towns", "ISIL–controlled towns"),
        ("Smith - the man of the match", "Smith - the man of the match"),
        ("The U.S.-China talks", "The U.S.-China talks"),
    ],
)
def test_dateline(line: str, expected: str) -> None:
    assert without_dateline(line) == expected


PARTS_OF_DATELINES = ["LONDON", "Oslo", "Jan. 3", ", 2004", "(Reuters)", "Reuters", " - ", "--", "–", ": ", " | ", ", D.C."]


@settings(max_examples=200)
@given(st.lists(st.sampled_from(PARTS_OF_DATELINES) | st.text("AB.c ", max_size=4), max_size=6).map("".join))
def test_no_dateline_is_missed_by_the_look_for_the_signs_that_end_one(line: str) -> None:
    assert (without_dateline(line) != line) == (boilerplate._DATELINE.match(line) is not None)


def test_byline_is_dropped_at_the_top_only() -> None:
    assert is_byline("By Toni Arceneaux, Business Writer")
    assert clean(Article("By Toni Arceneaux\nRain fell.\nBy Toni Arceneaux")).body == "Rain fell.\nBy Toni Arceneaux"


def test_listed_tags_become_tags() -> None:
    assert clean(Article("Rain fell.\nTags: Crops, Rain")).tags == ("Crops", "Rain")


def test_editor_at_the_end_is_dropped_but_an_editors_note_is_kept() -> None:
    assert clean(Article("Rain fell. (Editor: Hu Min) (Responsible editor: UN015)")).body == "Rain fell."
    assert clean(Article("Rain fell. (Editor's note: it did not)")).body == "Rain fell. (Editor's note: it did not)"


@pytest.mark.parametrize("tail", [" Continue reading...", " The post Rain fell appeared first on Farm News."])
def test_tails_of_feeds_are_dropped(tail: str) -> None:
    assert clean(Article("Rain fell." + tail)).body == "Rain fell."
    assert clean(Article("She likes to continue reading")).body == "She likes to continue reading"


PARTS_OF_TAILS = [
    "(Editor: ",
    "[duty editors ",
    ")",
    "]",
    ".",
    "! ",
    "”",
    "Continue Reading",
    "...",
    " The post ",
    " appeared FIRST on ",
]


@settings(max_examples=200)
@given(st.lists(st.sampled_from(PARTS_OF_TAILS) | st.text("ab ", max_size=8), max_size=8).map("".join))
def test_no_tail_is_missed_by_the_look_for_its_signs(line: str) -> None:
    line = line.rstrip()
    assert (without_tail(line) != line) == (boilerplate._TAIL.search(line) is not None)
    assert boilerplate._TAIL.search(without_tail(line)) is None


@given(
    st.sampled_from(["Share", "Tags: a", "Photo: B", "We use cookies", "(c) 1999", "© 2020", "all rights reserved", "x"]), TEXTS
)
def test_boilerplate_and_tag_lines_are_among_the_suspects(start: str, rest: str) -> None:
    line = f"{start}{rest}".split("\n")[0]
    assert suspects([line]) or not (is_boilerplate(line) or tags_of(line))


@pytest.mark.parametrize("line", ["Rain is late", "Rain is late again today", "Rain is late against", "Rain is"])
def test_a_line_that_only_starts_like_the_headline_is_kept(line: str) -> None:
    assert clean(Article(f"{line}\nFields are dry.", title="Rain is late again")).body == f"{line}\nFields are dry."


def test_empty_article_is_empty() -> None:
    cleaned = clean(Article(""))
    assert (cleaned.title, cleaned.body, cleaned.tags) == ("", "", ())


def test_article_refuses_what_is_not_text() -> None:
    with pytest.raises(TypeError, match="text must be a str, not bytes"):
        Article(b"x")  # type: ignore[arg-type]
