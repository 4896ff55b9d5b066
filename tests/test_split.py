"""Where a text holds several articles, and where it only looks so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsclf.article import Article
from newsclf.text.split import split_articles

FLEET = "The fleet has arrived! Assembly | Navy | Fleet"
CORN = "Corn that was never planted received money | Corn | Fraud"
SHORT = "Rain is late again in the north | Crop"


def titles(text: str) -> list[str]:
    return [article.title for article in split_articles(text)]


def test_two_headlines_make_two_articles() -> None:
    first, second = split_articles(f"{FLEET}\n{FLEET}\n\nAt noon.\n\n{CORN}\n\nRelease time:May 4, 2023\n\nThe court met.\n")
    assert (first.title, second.title) == (FLEET, CORN)
    assert first.text == f"{FLEET}\n\nAt noon."
    assert second.text == "Release time:May 4, 2023\n\nThe court met."


def test_one_headline_makes_one_article_with_that_title() -> None:
    assert split_articles(f"{FLEET}\n\nAt noon.") == [Article("At noon.", title=FLEET)]


@pytest.mark.parametrize("text", ["", "Just a text.\n\nOf two paragraphs.", f"Before.\n\n{FLEET}\n\nAt noon."])
def test_other_texts_stay_whole(text: str) -> None:
    assert split_articles(text) == [Article(text)]


def test_text_before_the_first_headline_is_kept_as_an_article() -> None:
    assert titles(f"Loose words.\n\n{FLEET}\n\nAt noon.\n\n{CORN}\n\nThe court met.") == ["", FLEET, CORN]


def test_a_single_tag_counts_where_the_headline_is_repeated() -> None:
    assert titles(f"{SHORT}\n{SHORT}\n\nDry.\n\n{FLEET}\n\nAt noon.") == [SHORT, FLEET]
    assert titles(f"{SHORT}\n\nDry.\n\n{FLEET}\n\nAt noon.") == [""]


def test_windows_line_ends_and_byte_order_mark() -> None:
    assert titles(f"\ufeff{FLEET}\r\n\r\nAt noon.\r\n\r\n{CORN}\r\n\r\nThe court met.\r\n") == [FLEET, CORN]


def test_a_headline_inside_a_paragraph_does_not_split() -> None:
    assert len(split_articles(f"{FLEET}\n\nAt noon,\n{CORN}\nsaid a sign.")) == 1


@pytest.mark.parametrize(
    "block",
    [
        "| Country of the world | GDP | Year |\n|---|---|---|\n| Chad of the Sahel | low | late |",
        "Country of the world | GDP | Year\n---|---|---\nChad of the Sahel | low | late",
        "Minister of Foreign Affairs office | John Smith | Paris\n\nMinister of Farming Affairs office | Ann Lee | Rome",
        "cat the file of words | grep foo | sort",
        "Value of this = this thing | that | other",
        "Total of all the columns | 12 | 34",
        "18:42 | Armenian | Russian | English",
        "By Achieng Wamaitha of Nairobi | Tech | Living",
    ],
)
def test_tables_and_code_do_not_split(block: str) -> None:
    assert len(split_articles(f"{FLEET}\n\nAt noon.\n\n{block}\n\nMore text.\n\n{block}\n\nThe end.")) == 1


@given(st.lists(st.sampled_from([FLEET, CORN, SHORT, "Text.", "", " ", "a | b", "Release time: May 4"]), max_size=12))
def test_no_line_is_lost(lines: list[str]) -> None:
    articles = split_articles("\n".join(lines))
    kept = "\n".join(f"{article.title}\n{article.text}" for article in articles)
    assert kept.split() == "\n".join(lines).split()
