"""Signals against sets counted by hand, and the laws that they keep."""

import re
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsclf.duplicates.characters import CAPITAL, character_marks, number_starts
from newsclf.duplicates.facts import numbers
from newsclf.duplicates.features import BIGRAM, NAME
from newsclf.duplicates.lookup import HASH_BITS, bucket, find
from newsclf.duplicates.profiles import _stably_sorted, joined, profile
from newsclf.duplicates.signal_names import N_SIGNALS, SIGNALS
from newsclf.duplicates.signals import pair_signals
from newsclf.reading import read_articles
from newsclf.text.clean import CleanArticle, clean, feature_text
from newsclf.tfidf import Vocabulary, count_terms

VOCABULARY = count_terms(["wheat rain fell", "wheat rain rose", "rain on the bridge", "the bridge fell"], 2)
EARNINGS = "Net profit of {} rose to {} mln dlrs from {} mln in the quarter that ended on March {}, said {} of the company."

words = st.sampled_from(["wheat", "rain", "İzmir", "Ankara", "fell", "4.2", "3,000", "the", ".", "雨量", "\ud800", "\n"])
articles = st.builds(CleanArticle, st.lists(words, max_size=4).map(" ".join), st.lists(words, max_size=30).map(" ".join))


def signals_of(a: CleanArticle, b: CleanArticle) -> dict[str, float]:
    row = pair_signals(profile([a, b], VOCABULARY), np.array([0]), np.array([1]))[0]
    return dict(zip(SIGNALS, row.tolist(), strict=True))


def filled(company: str, *facts: str) -> CleanArticle:
    return CleanArticle("", EARNINGS.format(company, *facts))


@settings(max_examples=200)
@given(st.lists(articles, min_size=2, max_size=5))
def test_signals_are_finite_and_symmetric(block: list[CleanArticle]) -> None:
    profiles = profile(block, VOCABULARY)
    left, right = np.triu_indices(len(block))
    forth, back = pair_signals(profiles, left, right), pair_signals(profiles, right, left)
    assert forth.shape == (len(left), N_SIGNALS)
    assert np.isfinite(forth).all()
    assert np.allclose(forth, back, atol=1e-5)


@settings(max_examples=100)
@given(articles, st.lists(articles, max_size=3))
def test_a_pair_has_the_same_signals_in_any_block(article: CleanArticle, others: list[CleanArticle]) -> None:
    alone = pair_signals(profile([article, article], VOCABULARY), np.array([0]), np.array([1]))
    block = profile([*others, article, article], VOCABULARY)
    assert np.array_equal(alone, pair_signals(block, np.array([len(others)]), np.array([len(others) + 1])))


@settings(max_examples=200)
@given(articles, articles)
def test_cosine_is_that_of_terms_counted_by_hand(a: CleanArticle, b: CleanArticle) -> None:
    weights = [tfidf_by_hand(article) for article in (a, b)]
    found = signals_of(a, b)
    norms = [sum(value**2 for value in side.values()) ** 0.5 for side in weights]
    product = sum(value * weights[1].get(term, 0) for term, value in weights[0].items())
    assert found["cosine"] == pytest.approx(product / (norms[0] * norms[1]) if all(norms) else 0, abs=1e-4)


def tfidf_by_hand(article: CleanArticle) -> dict[str, float]:
    tokens = re.findall(r"雨量|[^\W雨量]{2,}", f"{article.title}\n{article.body}".lower())
    terms = tokens + [f"{one} {other}" for one, other in pairwise(tokens)]
    return {term: (1 + np.log(terms.count(term))) * idf_by_hand(term) for term in set(terms)}


def idf_by_hand(term: str) -> float:
    texts = ["wheat rain fell", "wheat rain rose", "rain on the bridge", "the bridge fell"]
    frequency = sum(f" {term} " in f" {text} " for text in texts)
    known = frequency if frequency >= 2 else 0
    return float(np.log(5 / (1 + known)) + 1)


def test_an_article_and_itself_agree_in_all() -> None:
    article = filled("Norvik", "4.2", "3,900", "31", "Maria Lind")
    found = signals_of(article, article)
    ones = [name for name in found if "containment" in name or name in ("cosine", "length_ratio", "order_agreement")]
    assert all(found[name] == pytest.approx(1, abs=1e-5) for name in ones if found[name] != -1)
    assert all(found[name] == pytest.approx(0, abs=1e-5) for name in found if name.endswith("_missing"))


def test_a_template_with_other_facts_lacks_numbers_and_names_on_both_sides() -> None:
    found = signals_of(filled("Norvik", "4.2", "3.9", "31", "Maria Lind"), filled("Straum", "7.7", "8.1", "28", "Peter Hale"))
    assert found["number_missing"] > 1
    assert found["name_missing"] > 1
    assert found["date_missing"] > 0
    assert found["slot_disagreement"] > 1


def test_a_cut_copy_lacks_nothing_that_counts() -> None:
    whole = filled("Norvik", "4.2", "3.9", "31", "Maria Lind")
    found = signals_of(whole, CleanArticle("", whole.body[:60]))
    assert found["number_missing"] == found["date_missing"] == found["slot_disagreement"] == 0
    assert found["trigram_containment_max"] > 0.8


def test_a_follow_up_names_another_stage_in_its_head() -> None:
    introduced = CleanArticle("", "Maria Lind introduced a bill on harbour fees. The senate may pass it.")
    passed = CleanArticle("", "The senate passed a bill on harbour fees by Maria Lind.")
    again = CleanArticle("", "Maria Lind introduces a bill on harbour fees. The senate may pass it.")
    assert signals_of(introduced, passed)["stage_missing_max"] == 1
    assert signals_of(introduced, again)["stage_missing_max"] == 0
    assert signals_of(introduced, again)["stage_shared"] == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("3,000", "3000"),
        ("3 thousand", "3,000"),
        ("4.20 mln", "4,200,000"),
        ("$3m", "3 million"),
        ("12th", "12"),
        ("2-1/4", "2.1.4"),
    ],
)
def test_two_spellings_of_a_number_have_one_value(one: str, other: str) -> None:
    assert [number.value for number in numbers(one)] == [number.value for number in numbers(other)]


def test_spelled_out_numbers_equal_digits() -> None:
    found = signals_of(CleanArticle("", "They freed seven ships."), CleanArticle("", "They freed 7 ships."))
    assert found["number_containment_min"] == 1


def test_numbers_of_any_length_are_read() -> None:
    assert [len(number.value) for number in numbers("9" * 10_000)] == [10_000]
    assert [number.value for number in numbers("0" * 6_000 + ":1")] == ["0_1"]


@settings(max_examples=300)
@given(st.lists(st.text(st.sampled_from("0129٣३²½𝟘.,:/- kéB_雨\n\ud800"), max_size=20), max_size=4))
def test_numbers_begin_where_a_regular_expression_finds_them(texts: list[str]) -> None:
    marks, begins = character_marks(texts)
    expected = [
        begin + found.start()
        for begin, text in zip(begins.tolist(), texts, strict=True)
        for found in re.finditer(r"\d+(?:[.,:/-]\d+)*", text)
        if not text[: found.start()][-1:].isalnum()
    ]
    assert number_starts(marks).tolist() == expected


@pytest.mark.parametrize("last", ["\x7f", "\uffff", "\U0010ffff"])  # of one, two and four bytes
def test_capitals_are_the_characters_that_lower_case_changes(last: str) -> None:
    text = "".join(map(chr, range(min(ord(last), 0x3FFFF) + 1))).replace("\u0130", "") + last
    is_capital = character_marks([text])[0][1:-1] & CAPITAL > 0
    assert is_capital.tolist() == [character != character.lower() for character in text]


@given(st.lists(st.integers(0, 3) | st.integers(2**63, 2**63 + 9) | st.integers(0, 2**64 - 1), max_size=40))
def test_equal_keys_are_sorted_as_they_come(keys: list[int]) -> None:
    order, ascending = _stably_sorted(np.array(keys, np.uint64))
    assert order.tolist() == sorted(range(len(keys)), key=keys.__getitem__)
    assert ascending.tolist() == sorted(keys)


def test_names_are_capitalised_words_inside_sentences() -> None:
    article = CleanArticle("Big News Here", "Yesterday the mayor of Izmir met Anna in March. Then İlker came, said Ömer.")
    profiles = profile([article], VOCABULARY)
    is_name = (profiles.kinds < BIGRAM) & (profiles.kinds & NAME > 0)
    assert is_name.sum() == 3  # Izmir, Anna, Ömer


def test_a_text_in_capitals_has_no_names() -> None:
    profiles = profile([CleanArticle("", "THE PORT OF ALDERSUND TOOK MORE SHIPS")], VOCABULARY)
    assert not ((profiles.kinds < BIGRAM) & (profiles.kinds & NAME > 0)).any()


@settings(max_examples=200)
@given(st.lists(st.sets(st.integers(0, 2**48 - 1), max_size=20), min_size=1, max_size=4), st.integers(0, 3), st.data())
def test_look_up_finds_what_binary_search_finds(tables: list[set[int]], owner: int, data: st.DataObject) -> None:
    owner %= len(tables)
    keys = np.array([(i << HASH_BITS) | key for i, table in enumerate(tables) for key in sorted(table)], np.uint64)
    offsets = np.cumsum([0, *map(len, tables)])
    wanted = data.draw(st.lists(st.sampled_from(sorted(set().union(*tables, {0, 2**48 - 1}))), max_size=20))
    hashes = np.array(wanted, np.uint64)
    found = find(keys, bucket(keys, offsets), np.array([owner]), np.array([len(hashes)]), hashes)
    expected = [offsets[owner] + sorted(tables[owner]).index(key) if key in tables[owner] else -1 for key in wanted]
    assert found.tolist() == expected


@settings(max_examples=50)
@given(st.lists(articles, min_size=2, max_size=5), st.data())
def test_joined_profiles_are_those_of_one_block(block: list[CleanArticle], data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(block) - 1))
    parts = joined([profile(block[:cut], VOCABULARY), profile(block[cut:], VOCABULARY)])
    whole = profile(block, VOCABULARY)
    for name in ("offsets", "keys", "kinds", "weights", "values", "positions", "totals", "quarter_totals", "trigrams"):
        assert np.array_equal(getattr(parts, name), getattr(whole, name)), name


def test_no_pair_and_no_article_give_no_row() -> None:
    none = np.zeros(0, np.int64)
    assert pair_signals(profile([], VOCABULARY), none, none).shape == (0, N_SIGNALS)
    empty_vocabulary = Vocabulary(np.zeros(0, np.uint64), np.zeros(0, np.int32), 0)
    assert len(profile([CleanArticle("", "rain")], empty_vocabulary).keys) > 0


def test_one_pair_has_the_bits_that_it_has_among_others() -> None:
    corpus = Path(__file__).parents[1] / "data" / "articles.jsonl"
    cleaned = [clean(article) for article in islice(read_articles(corpus), 30)]
    profiles = profile(cleaned, count_terms([feature_text(article) for article in cleaned], 2))
    left, right = np.triu_indices(len(cleaned))
    together = pair_signals(profiles, left, right)
    alone = np.concatenate([pair_signals(profiles, left[i : i + 1], right[i : i + 1]) for i in range(len(left))])
    np.testing.assert_array_equal(alone, together)
