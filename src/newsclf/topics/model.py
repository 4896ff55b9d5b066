"""A linear topic model over TF-IDF rows: one weight for each topic and term, then a softmax."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from newsclf.tfidf import Rows


@dataclass(frozen=True)
class TopicModel:
    """Weights that turn TF-IDF rows into calibrated log-odds.

    Attributes:
        labels: the topics in ascending order.
        weights: int8, shape (n_topics, n_terms); times ``scale``, the log-odds that one unit of a term's value adds.
        scale: what one step of a weight is worth.
        intercepts: float32, shape (n_topics,).
        shares: float32, shape (n_topics,); each topic's share of the training corpus: the answer where nothing is known.
    """

    labels: tuple[str, ...]
    weights: NDArray[np.int8]
    scale: float
    intercepts: NDArray[np.float32]
    shares: NDArray[np.float32]

    def log_odds(self, rows: Rows) -> NDArray[np.float32]:
        """The topics' log-odds, float32, shape (n_rows, n_topics); the intercepts alone for an empty row.

        A row's sum does not depend on the rows beside it, so batches of any size give the same bits.
        """
        filled = np.flatnonzero(np.diff(rows.offsets))
        starts = rows.offsets[:-1].take(filled)
        log_odds = np.repeat(self.intercepts[None, :], len(rows), axis=0)
        if len(filled):
            for topic, weights in enumerate(self.weights):
                terms = weights.take(rows.columns) * rows.values
                log_odds[filled, topic] += np.add.reduceat(terms, starts) * np.float32(self.scale)
        return log_odds

    def probabilities(self, rows: Rows) -> NDArray[np.float32]:
        """Softmax of the log-odds, float32, shape (n_rows, n_topics); each row sums to 1."""
        return softmax(self.log_odds(rows))


def softmax(log_odds: NDArray[Any]) -> NDArray[Any]:
    """``exp(x) / sum(exp(x))`` of each row, shifted by the row's maximum so that nothing overflows.

    >>> softmax(np.array([[1000.0, 1000.0]], np.float32)).tolist()
    [[0.5, 0.5]]
    """
    odds: NDArray[Any] = np.exp(log_odds - log_odds.max(axis=1, keepdims=True))
    odds /= odds.sum(axis=1, keepdims=True)
    return odds


def quantize(weights: NDArray[np.float64]) -> tuple[NDArray[np.int8], float]:
    """Weights as int8 steps of one common scale; the largest weight becomes 127 or -127.

    One common scale keeps the topics' weights comparable, and a quarter of float32's size costs under a thousandth of accuracy.
    """
    scale = float(np.abs(weights).max(initial=0.0)) / 127 or 1.0
    return np.rint(weights / scale).astype(np.int8), scale
