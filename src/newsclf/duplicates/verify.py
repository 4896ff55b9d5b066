"""Candidate pairs to duplicate pairs: the signals of each pair, its probability, its kind."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from newsclf.duplicates.decide import KINDS, MIN_PROBABILITY, DuplicateModel, kinds
from newsclf.duplicates.profiles import profile
from newsclf.duplicates.signals import pair_signals
from newsclf.text.clean import CleanArticle
from newsclf.tfidf import Vocabulary

PAIRS_AT_ONCE = 1000  # their articles' profiles take some 40 MB, and most of the work stays in the cache


class Texts(Protocol):
    """Cleaned articles by number."""

    def read(self, indices: Sequence[int]) -> list[CleanArticle]:
        """The articles of these numbers, in this order."""


@dataclass(frozen=True)
class DuplicatePairs:
    """Pairs that were decided to be duplicates.

    Attributes:
        left: int64, shape (n_pairs,).
        right: int64, shape (n_pairs,).
        probability: float32, shape (n_pairs,), ``MIN_PROBABILITY`` or more.
        kind: int8, shape (n_pairs,), index of ``KINDS``.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    probability: NDArray[np.float32]
    kind: NDArray[np.int8]


def duplicate_pairs(
    left: NDArray[np.int64], right: NDArray[np.int64], texts: Texts, vocabulary: Vocabulary, decision: DuplicateModel
) -> DuplicatePairs:
    """Those of the pairs that are duplicates, in their order.

    Args:
        left: int, shape (n_pairs,): numbers of articles.
        right: int, shape (n_pairs,).
        texts: where the articles are.
        vocabulary: gives each term its idf.
        decision: what decides.
    """
    parts = [_decided(left[p : p + PAIRS_AT_ONCE], right[p : p + PAIRS_AT_ONCE], texts, vocabulary, decision)
             for p in range(0, max(len(left), 1), PAIRS_AT_ONCE)]  # fmt: skip
    return DuplicatePairs(
        np.concatenate([part.left for part in parts]),
        np.concatenate([part.right for part in parts]),
        np.concatenate([part.probability for part in parts]),
        np.concatenate([part.kind for part in parts]),
    )


def _decided(
    left: NDArray[np.int64], right: NDArray[np.int64], texts: Texts, vocabulary: Vocabulary, decision: DuplicateModel
) -> DuplicatePairs:
    articles, places = np.unique(np.concatenate([left, right]), return_inverse=True)
    profiles = profile(texts.read(articles.tolist()), vocabulary)
    signals = pair_signals(profiles, places[: len(left)], places[len(left) :])
    probability = decision.probabilities(signals)
    kept = np.flatnonzero(probability >= np.float32(MIN_PROBABILITY))
    kind = np.array([KINDS.index(name) for name in kinds(signals[kept])], np.int8)
    return DuplicatePairs(left.take(kept), right.take(kept), probability.take(kept), kind)
