"""Clusters are stars, whatever the order of the pairs."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsclf.duplicates.cluster import Stars

PROBABILITIES = [0.5, 0.8, 0.8, 1.0]  # few values, so that ties are common
Pair = tuple[int, int, float]
Graph = tuple[list[Pair], list[int]]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Duplicate pairs, the article of lower rank first, and the ranks."""
    n_articles = draw(st.integers(1, 12))
    article = st.integers(0, n_articles - 1)
    ranks = draw(st.permutations(range(n_articles)))
    pairs = draw(st.lists(st.tuples(article, article, st.sampled_from(PROBABILITIES)), max_size=40))
    ordered = [(a, b, p) if ranks[a] < ranks[b] else (b, a, p) for a, b, p in pairs if a != b]
    return ordered, ranks


def stars_of(graph: Graph, blocks: list[list[Pair]]) -> Stars:
    stars = Stars(np.array(graph[1]))
    for pairs in blocks:
        left, right = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
        stars.add(left, right, np.array([pair[2] for pair in pairs], np.float32), np.zeros(len(pairs), np.int8))
    return stars


def by_the_rule(pairs: list[Pair], ranks: list[int]) -> list[int]:
    """The docstring of Stars, word by word."""
    best: dict[frozenset[int], float] = {}
    for a, b, probability in pairs:
        best[frozenset((a, b))] = max(probability, best.get(frozenset((a, b)), 0))
    canonical: dict[int, int] = {}
    for article in sorted(range(len(ranks)), key=ranks.__getitem__):
        duplicates = [c for c in canonical if canonical[c] == c and frozenset((article, c)) in best]
        chosen = min(duplicates, key=lambda c: (-best[frozenset((article, c))], ranks[c]), default=article)
        canonical[article] = chosen
    return [canonical[article] for article in range(len(ranks))]


@given(graphs())
def test_clusters_follow_the_stated_rule(graph: Graph) -> None:
    assert stars_of(graph, [graph[0]]).canonical.tolist() == by_the_rule(*graph)


@given(graphs())
def test_every_member_is_a_duplicate_of_its_canonical(graph: Graph) -> None:
    pairs, _ = graph
    stars = stars_of(graph, [pairs])
    for article, canonical in enumerate(stars.canonical.tolist()):
        assert stars.canonical[canonical] == canonical
        assert stars.is_member[article] == (canonical != article)
        if canonical != article:
            chance = max(p for a, b, p in pairs if (a, b) == (canonical, article))
            assert stars.probability[article] == np.float32(chance)


@given(graphs(), st.randoms())
def test_pairs_may_come_in_any_order_and_left_article_by_left_article(graph: Graph, random: Random) -> None:
    pairs, ranks = graph
    shuffled = random.sample(pairs, len(pairs))
    one_by_one = [[pair for pair in shuffled if ranks[pair[0]] == rank] for rank in range(len(ranks))]
    expected = stars_of(graph, [pairs]).canonical.tolist()
    assert stars_of(graph, [shuffled]).canonical.tolist() == expected
    assert stars_of(graph, one_by_one).canonical.tolist() == expected


@given(graphs())
def test_pairs_of_a_left_article_that_is_a_member_need_not_be_given(graph: Graph) -> None:
    pairs, _ = graph
    stars = stars_of(graph, [pairs])
    needed = [pair for pair in pairs if not stars.is_member[pair[0]]]
    assert stars_of(graph, [needed]).canonical.tolist() == stars.canonical.tolist()


def test_a_chain_is_not_one_cluster() -> None:
    stars = stars_of(([], [0, 1, 2]), [[(0, 1, 0.9), (1, 2, 0.9)]])
    assert stars.canonical.tolist() == [0, 0, 2]


def test_the_more_probable_canonical_wins_and_of_two_the_earlier() -> None:
    assert stars_of(([], [0, 1, 2]), [[(0, 2, 0.6), (1, 2, 0.9)]]).canonical.tolist() == [0, 1, 1]
    assert stars_of(([], [0, 1, 2]), [[(1, 2, 0.9), (0, 2, 0.9)]]).canonical.tolist() == [0, 1, 0]


def test_ranks_and_pairs_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="ranks must hold each of 0 to 1 once"):
        Stars(np.array([0, 0]))
    with pytest.raises(ValueError, match="left must be the article of lower rank"):
        stars_of(([], [0, 1]), [[(1, 0, 0.9)]])
