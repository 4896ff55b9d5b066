"""Clusters are stars, whatever the order of the input."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsclf.duplicates.cluster import star_clusters

PROBABILITIES = [0.0, 0.3, 0.5, 0.8, 0.8, 1.0]  # few values, so that ties are common


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, list[tuple[int, int, float]], list[int]]:
    n_articles = draw(st.integers(1, 12))
    article = st.integers(0, n_articles - 1)
    pairs = draw(st.lists(st.tuples(article, article, st.sampled_from(PROBABILITIES)), max_size=40))
    return n_articles, pairs, draw(st.permutations(range(n_articles)))


def cluster(n_articles: int, pairs: list[tuple[int, int, float]], ranks: list[int]) -> list[int]:
    left, right, probability = ([p[i] for p in pairs] for i in range(3))
    canonical: list[int] = star_clusters(n_articles, left, right, probability, ranks).tolist()
    return canonical


def by_the_rule(n_articles: int, pairs: list[tuple[int, int, float]], ranks: list[int]) -> list[int]:
    """The docstring of star_clusters, word by word."""
    best: dict[frozenset[int], float] = {}
    for a, b, probability in pairs:
        best[frozenset((a, b))] = max(probability, best.get(frozenset((a, b)), 0))
    canonical: dict[int, int] = {}
    for article in sorted(range(n_articles), key=ranks.__getitem__):
        duplicates = [c for c in canonical if canonical[c] == c and best.get(frozenset((article, c)), 0) >= 0.5]
        chosen = min(duplicates, key=lambda c: (-best[frozenset((article, c))], ranks[c]), default=article)
        canonical[article] = chosen
    return [canonical[article] for article in range(n_articles)]


@given(graphs())
def test_clusters_follow_the_stated_rule(graph: tuple[int, list[tuple[int, int, float]], list[int]]) -> None:
    assert cluster(*graph) == by_the_rule(*graph)


@given(graphs())
def test_every_member_is_a_duplicate_of_its_canonical(graph: tuple[int, list[tuple[int, int, float]], list[int]]) -> None:
    n_articles, pairs, ranks = graph
    duplicates = {(a, b) for a, b, p in pairs if p >= 0.5} | {(b, a) for a, b, p in pairs if p >= 0.5}
    canonical = cluster(*graph)
    for article in range(n_articles):
        assert canonical[canonical[article]] == canonical[article]
        assert canonical[article] == article or (article, canonical[article]) in duplicates
        assert ranks[canonical[article]] <= ranks[article]


@given(graphs(), st.randoms())
def test_shuffling_pairs_and_articles_keeps_the_clusters(
    graph: tuple[int, list[tuple[int, int, float]], list[int]], random: Any
) -> None:
    n_articles, pairs, ranks = graph
    names = list(range(n_articles))
    random.shuffle(names)
    renamed = [(names[b], names[a], p) for a, b, p in pairs]
    random.shuffle(renamed)
    new_ranks = [0] * n_articles
    for article, name in enumerate(names):
        new_ranks[name] = ranks[article]
    canonical = cluster(n_articles, renamed, new_ranks)
    assert [canonical[names[article]] for article in range(n_articles)] == [names[c] for c in cluster(*graph)]


def test_a_chain_is_not_joined() -> None:
    assert cluster(3, [(0, 1, 0.9), (1, 2, 0.9)], [0, 1, 2]) == [0, 0, 2]


def test_the_likelier_canonical_wins_over_the_earlier() -> None:
    assert cluster(3, [(0, 2, 0.6), (1, 2, 0.9)], [0, 1, 2]) == [0, 1, 1]


def test_no_pairs_and_no_articles_give_as_many_clusters() -> None:
    assert cluster(2, [], [1, 0]) == [0, 1]
    assert cluster(0, [], []) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((2, [0], [1], [0.5, 0.5], [0, 1]), "shapes"),
        ((2, [0], [1], [0.5], [0, 0]), "ranks"),
        ((2, [0], [2], [0.5], [0, 1]), "articles 0 to 1"),
    ],
)
def test_arrays_that_do_not_fit_are_named(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        star_clusters(*arguments)
