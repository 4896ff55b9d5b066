"""Clusters that are stars: every member is a duplicate of its canonical, nothing is joined through a chain."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def star_clusters(
    n_articles: int, left: ArrayLike, right: ArrayLike, probability: ArrayLike, ranks: ArrayLike, *, threshold: float = 0.5
) -> NDArray[np.int64]:
    """The canonical of every article; a canonical, and an article without duplicates, is its own.

    Articles are taken in order of rank. One that is a duplicate of canonicals found so far becomes a member of the one with
    the highest probability, of the earlier of several such; one that is not becomes a canonical. So every member makes a
    duplicate pair with its canonical and comes after it, and no two canonicals make one. The result depends on the ranks and
    not on the order of the pairs or which of a pair is left.

    Args:
        n_articles: number of articles; pairs name them 0 to n_articles - 1.
        left: int, shape (n_pairs,).
        right: int, shape (n_pairs,). A pair of an article with itself says nothing and is passed over.
        probability: shape (n_pairs,), in [0, 1]; of a pair that is given twice the higher counts.
        ranks: int, shape (n_articles,), a permutation; 0 for the article that is to be canonical before all others.
        threshold: least probability of a duplicate pair.

    Returns:
        int64, shape (n_articles,).

    Raises:
        ValueError: the arrays do not fit together.

    >>> star_clusters(4, [0, 1, 2], [1, 2, 3], [.9, .9, .9], ranks=[0, 1, 2, 3]).tolist()
    [0, 0, 2, 2]
    """
    places = np.asarray(ranks, dtype=np.int64)
    ends = np.asarray(left, dtype=np.int64), np.asarray(right, dtype=np.int64)
    chances = np.asarray(probability, dtype=np.float64)
    _check(n_articles, ends, chances, places)
    decided = (chances >= threshold) & (ends[0] != ends[1])
    first, second = np.sort(places[np.stack(ends)[:, decided]], axis=0)
    canonical_places = _assign(n_articles, first, second, chances[decided])
    order = np.argsort(places)
    return order[canonical_places[places]]


def _check(
    n_articles: int, ends: tuple[NDArray[np.int64], NDArray[np.int64]], chances: NDArray[np.float64], places: NDArray[np.int64]
) -> None:
    if not (ends[0].shape == ends[1].shape == chances.shape) or chances.ndim != 1:
        raise ValueError(f"left, right and probability have shapes {ends[0].shape}, {ends[1].shape}, {chances.shape}; need one")
    if not np.array_equal(np.sort(places), np.arange(n_articles)):
        raise ValueError(f"ranks must hold each of 0 to {n_articles - 1} once, one for each of the {n_articles} articles")
    named = np.concatenate(ends)
    if len(named) and (named.min() < 0 or named.max() >= n_articles):
        raise ValueError(f"left and right must name articles 0 to {n_articles - 1}")


def _assign(
    n_articles: int, first: NDArray[np.int64], second: NDArray[np.int64], chances: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Canonical by place; the pairs of a later article in order of preference: probability, then the earlier canonical."""
    canonical = np.arange(n_articles)
    order = np.lexsort((first, -chances, second))
    # Each step depends on the ones before it, so this is a loop; it takes only pairs that are duplicates, a few per article.
    for earlier, later in zip(first[order].tolist(), second[order].tolist(), strict=True):
        if canonical[later] == later and canonical[earlier] == earlier:
            canonical[later] = earlier
    return canonical
