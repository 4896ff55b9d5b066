"""Folds that keep together what belongs together: near-duplicates always, a source's articles where asked for."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

N_FOLDS = 5
MIN_SOURCES = 5  # with fewer, a model that has not seen one of them has lost too much of the corpus to be compared


def article_folds(topics: NDArray[np.int64], groups: NDArray[np.int64], n_folds: int = N_FOLDS) -> NDArray[np.int64]:
    """A fold for each article: a group's articles share one, and each topic is spread over all of them.

    Args:
        topics: int64, shape (n_articles,).
        groups: int64, shape (n_articles,); a group's number is the least index of its articles.
        n_folds: 2 or more.

    Returns:
        int64, shape (n_articles,), in [0, n_folds).

    >>> article_folds(np.array([0, 0, 0, 1, 1]), np.array([0, 1, 0, 3, 4]), n_folds=2).tolist()
    [0, 1, 0, 0, 1]
    """
    leaders = np.flatnonzero(groups == np.arange(len(groups)))
    order = leaders[np.argsort(topics[leaders], kind="stable")]
    ranks = np.arange(len(order)) - np.searchsorted(topics[order], topics[order])
    fold_of_group = np.zeros(len(groups), np.int64)
    fold_of_group[order] = ranks % n_folds
    return fold_of_group[groups]


def source_folds(sources: Sequence[str], groups: NDArray[np.int64], n_folds: int = N_FOLDS) -> NDArray[np.int64] | None:
    """A fold for each article so that no source stands in two folds; None if there are too few sources for that.

    The largest source goes first, each to the fold with the fewest articles so far. An article without a source is a source of
    its own. Near-duplicates from two sources make those folds leak a little; a group goes with its first article.
    """
    if len(set(sources) - {""}) < MIN_SOURCES:
        return None
    names, indices, counts = np.unique(_named(sources), return_inverse=True, return_counts=True)
    sizes = np.zeros(n_folds, np.int64)
    fold_of_source = np.zeros(len(names), np.int64)
    for source in np.argsort(-counts, kind="stable"):
        fold_of_source[source] = sizes.argmin()
        sizes[fold_of_source[source]] += counts[source]
    return fold_of_source[indices][groups]


def _named(sources: Sequence[str]) -> list[str]:
    return [source or f"\x00{index}" for index, source in enumerate(sources)]
