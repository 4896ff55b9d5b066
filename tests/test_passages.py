"""Shared passages against brute force, and the explanations."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from newsclf.duplicates.passages import MIN_WORDS, explain_signals, passages
from newsclf.text.clean import CleanArticle

texts = st.lists(st.sampled_from(["rain", "İzmir", "wheat", "4.2", "fell,", "ﬁsh", "雨量", "on", "The"]), max_size=40).map(
    " ".join
)


def longest_common_run(a: list[str], b: list[str]) -> int:
    """Brute force: the length of the longest run of words that stands in both."""
    best = 0
    for i in range(len(a)):
        for j in range(len(b)):
            n = 0
            while i + n < len(a) and j + n < len(b) and a[i + n] == b[j + n]:
                n += 1
            best = max(best, n)
    return best


@settings(max_examples=300)
@given(texts, texts)
def test_passages_quote_both_texts_in_order_and_do_not_overlap(a: str, b: str) -> None:
    found = passages(a, b)
    assert all(a[p.a_start : p.a_end] == p.text for p in found)
    assert all(b[p.b_start : p.b_end].lower().split() == p.text.lower().split() for p in found if "," not in p.text + b)
    assert all(first.a_end <= second.a_start for first, second in pairwise(found))
    by_b = sorted(found, key=lambda p: p.b_start)
    assert all(first.b_end <= second.b_start for first, second in pairwise(by_b))


@settings(max_examples=300)
@given(st.text("ab", max_size=40), st.text("ab", max_size=40))
def test_the_longest_passage_is_that_of_brute_force(a: str, b: str) -> None:
    found = [len(p.text.split()) for p in passages(" ".join(a), " ".join(b))]
    longest = longest_common_run(list(a), list(b))
    if len(b) < 14:  # no run can stand there more than MAX_PLACES times
        assert max(found, default=0) == (longest if longest >= MIN_WORDS else 0)


def test_offsets_hold_where_lower_case_is_longer() -> None:
    a, b = "İİİ Then the mayor of Izmir opened the bridge.", "Yesterday the mayor of Izmir opened the bridge"
    (found,) = passages(a, b)
    assert a[found.a_start : found.a_end] == found.text == "the mayor of Izmir opened the bridge"
    assert b[found.b_start : found.b_end] == found.text


def test_a_passage_ends_where_a_number_differs() -> None:
    found = passages("the crop of wheat was put at 4.2 mln", "the crop of wheat was put at 3.2 mln")
    assert [p.text for p in found] == ["the crop of wheat was put at"]


def test_texts_without_spaces_have_passages_of_characters() -> None:
    assert [p.text for p in passages("今天北京市下了大雨。", "昨天北京市下了大雨")] == ["天北京市下了大雨"]


def test_endless_repetition_costs_no_square() -> None:
    (found,) = passages("ha " * 30_000, "ha " * 30_000)
    assert found.a_end == 3 * 30_000 - 1


def test_nothing_shared_gives_nothing() -> None:
    assert passages("", "") == passages("a b c d e f g", "") == ()


def test_numbers_in_the_same_place_are_set_against_each_other() -> None:
    a = CleanArticle("Grain", "The crop fell to 4.2 mln tonnes, said Ivan Petrov in Kiev.")
    b = CleanArticle("Grain", "The crop fell to 3.9 mln tonnes, said Olga Sokol in Kiev.")
    lines = explain_signals(a, b)
    assert "same title" in lines
    assert "numbers disagree: 4.2 mln against 3.9 mln" in lines
    assert "names only in A: Ivan, Petrov" in lines
    assert "names only in B: Olga, Sokol" in lines


def test_two_spellings_of_a_number_agree() -> None:
    a, b = CleanArticle("", "It sold 3,000 cars."), CleanArticle("", "It sold 3 thousand cars.")
    assert explain_signals(a, b) == ["1 number in both"]


def test_articles_with_nothing_to_say_give_no_line() -> None:
    assert explain_signals(CleanArticle("", ""), CleanArticle("", "")) == []


def test_a_number_that_disagrees_is_named_once_though_it_stands_twice() -> None:
    a = CleanArticle("", "The growers lost 4.2 mln euros.")
    b = CleanArticle("Cherries worth 3.9 mln lost", "The growers lost 3.9 mln euros.")
    assert [line for line in explain_signals(a, b) if "number" in line] == ["numbers disagree: 4.2 mln against 3.9 mln"]
