"""Probabilities from scores: one temperature for all topics and a shift for each."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SHIFT_PENALTY = 1e-3  # a ridge on the shifts, per unit of weight: a topic that was never seen keeps a finite one

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """``log-odds = scale * score + shifts``, before the softmax."""

    scale: float
    shifts: Floats

    def log_odds(self, scores: Floats) -> Floats:
        """Calibrated log-odds, float64, of the scores' shape (n_articles, n_topics)."""
        return self.scale * scores + self.shifts


def fit_calibration(scores: Floats, topics: NDArray[np.int64], weights: Floats) -> Calibration:
    """The scale and shifts with the least weighted log loss on articles that the scores' model has not seen.

    Temperature scaling (Guo et al. 2017) with a shift for each topic; linear, and so folded into a linear model's weights.

    Args:
        scores: float64, shape (n_articles, n_topics).
        topics: int64, shape (n_articles,).
        weights: float64, shape (n_articles,), of positive sum.
    """
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits

    shares = weights / weights.sum()
    one_hot = np.eye(scores.shape[1])[topics]

    def loss_and_gradient(parameters: Floats) -> tuple[float, Floats]:
        scale, shifts = np.exp(parameters[0]), parameters[1:]
        log_odds = scale * scores + shifts
        log_odds -= log_odds.max(axis=1, keepdims=True)
        log_sums = np.log(np.exp(log_odds).sum(axis=1, keepdims=True))
        loss = shares @ (log_sums[:, 0] - (log_odds * one_hot).sum(axis=1))
        errors = (np.exp(log_odds - log_sums) - one_hot) * shares[:, None]
        gradient = np.concatenate([[scale * (errors * scores).sum()], errors.sum(axis=0) + 2 * SHIFT_PENALTY * shifts])
        return float(loss + SHIFT_PENALTY * shifts @ shifts), gradient

    with threadpool_limits(1):  # sums over more threads have other last bits
        start = np.zeros(1 + scores.shape[1])
        best = minimize(loss_and_gradient, start, jac=True, method="L-BFGS-B").x
    return Calibration(float(np.exp(best[0])), best[1:])
