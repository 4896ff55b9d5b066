"""Folds: what belongs together stays together."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from newsclf.topics.splits import N_FOLDS, article_folds, source_folds


@st.composite
def topics_and_groups(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    n_articles = draw(st.integers(1, 60))
    topics = draw(st.lists(st.integers(0, 3), min_size=n_articles, max_size=n_articles))
    leaders = [draw(st.integers(0, index)) for index in range(n_articles)]
    groups = np.arange(n_articles)
    for index, leader in enumerate(leaders):
        groups[index] = groups[leader]
    return np.array(topics), groups


@given(topics_and_groups())
def test_a_group_stands_in_one_fold(example: tuple[np.ndarray, np.ndarray]) -> None:
    topics, groups = example
    folds = article_folds(topics, groups)
    assert all(len(set(folds[groups == group])) == 1 for group in set(groups))
    assert set(folds) <= set(range(N_FOLDS))


def test_topics_are_spread_over_the_folds() -> None:
    topics = np.array([0] * 50 + [1] * 10)
    folds = article_folds(topics, np.arange(60))
    assert np.bincount(folds[:50]).tolist() == [10] * 5 and np.bincount(folds[50:]).tolist() == [2] * 5


def test_a_source_stands_in_one_fold_and_folds_are_of_like_size() -> None:
    sources = ["a"] * 30 + ["b"] * 20 + ["c"] * 10 + ["d"] * 10 + ["e"] * 10 + ["f"] * 10 + ["g"] * 10
    folds = source_folds(sources, np.arange(100))
    assert folds is not None
    assert all(len({fold for fold, other in zip(folds, sources, strict=True) if other == source}) == 1 for source in set(sources))
    assert np.bincount(folds).max() <= 30


def test_too_few_named_sources_give_no_folds() -> None:
    assert source_folds(["a", "b", "", "c", "d"] * 4, np.arange(20)) is None
    assert source_folds([""] * 20, np.arange(20)) is None
