"""The makers of copies and look-alikes."""

import re
from random import Random

import pytest

import newsclf.duplicates.copies as copies
from newsclf.article import Article

HARBOUR = Article(
    title="Harbour takes 3,000 containers",
    text="The port of Aldersund took 3,000 containers in March, said Maria Lind. It had taken 2,410 in February. "
    "Ships of Norvik and Straum waited for 14 hours. The harbour office in Aldersund expects 35000 containers this year. "
    "Dockers were hired from Tolvik. They start on Monday.",
)
COURT = Article(
    title="Court frees driver",
    text="A judge in Westmoor freed Peter Hale on Tuesday. The driver had paid 750 dollars. His lawyer, Ann Brook, was glad.",
)


@pytest.mark.parametrize("name", sorted(copies.MAKERS))
def test_the_same_seed_makes_the_same_copy(name: str) -> None:
    first, second = (copies.MAKERS[name](HARBOUR, COURT, Random(7)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("name", sorted(copies.MAKERS))
def test_makers_take_empty_articles(name: str) -> None:
    assert isinstance(copies.MAKERS[name](Article(""), Article(""), Random(1)), Article)


@pytest.mark.parametrize(("name", "share"), [("cut_60", 0.6), ("cut_40", 0.4), ("cut_20", 0.2)])
def test_a_cut_keeps_its_share_in_one_piece(name: str, share: float) -> None:
    made = copies.MAKERS[name](HARBOUR, COURT, Random(3))
    assert made.text in HARBOUR.text
    assert len(made.text.split()) == int(len(HARBOUR.text.split()) * share)


def test_edits_change_about_their_share_of_the_words_and_no_number() -> None:
    long = Article(" ".join([HARBOUR.text] * 20))
    made = copies.edited(0.15)(long, COURT, Random(5))
    digits = re.compile(r"\S*\d\S*")
    assert digits.findall(made.text) == digits.findall(long.text)
    kept = sum(word in made.text.split() for word in set(long.text.split()))
    assert kept > 0.9 * len(set(long.text.split()))
    assert made.text != long.text


def test_a_merged_copy_holds_both_texts() -> None:
    made = copies.merged(HARBOUR, COURT, Random(2))
    assert HARBOUR.text in made.text
    assert COURT.text in made.text


def test_moved_sentences_are_all_there() -> None:
    made = copies.moved(HARBOUR, COURT, Random(4))
    assert sorted(made.text.split()) == sorted(HARBOUR.text.split())


def test_renumbering_keeps_the_values() -> None:
    texts = {copies.renumbered(HARBOUR, COURT, Random(seed)).text for seed in range(6)}
    assert all("3000 " in text or "3 thousand" in text for text in texts)


DONOR = Article(
    "The talks between Ivan Petrov, Aiko Tanaka and Omar Haddad in Lisbon ended, said Ines Duarte of the Atlantic Trade Forum, "
    "and were to go on in Porto with Karl Brandt, Lena Vogt and the envoys of Ghana, Peru and Nepal."
)


def test_a_refilled_template_keeps_no_number_and_no_name() -> None:
    made = copies.refilled(HARBOUR, DONOR, Random(6))
    assert made is not None
    assert not set(re.findall(r"\d[\d,]*", made.text)) & set(re.findall(r"\d[\d,]*", HARBOUR.text))
    assert "Maria" not in made.text
    assert "Monday" in made.text  # the days of the week are no names


def test_a_text_without_facts_makes_no_template() -> None:
    assert copies.refilled(Article("it rained all day and nobody went out."), COURT, Random(1)) is None


def test_a_follow_up_has_another_lead_and_the_end_of_the_article() -> None:
    made = copies.followed_up(HARBOUR, COURT, Random(1))
    assert made.text.startswith(COURT.text[:40])
    assert HARBOUR.text.endswith(made.text[-40:])


def test_a_releaded_template_keeps_all_behind_its_lead() -> None:
    long = Article(HARBOUR.text + " The rest of the text says what the fund is for." * 10, title=HARBOUR.title)
    made = copies.releaded(long, DONOR, Random(6))
    assert made is not None
    assert made.text[:40] != long.text[:40]
    assert made.text.endswith(long.text[-300:])


def test_a_template_needs_a_donor_of_as_many_names() -> None:
    assert copies.refilled(HARBOUR, Article("a text without a name"), Random(6)) is None
