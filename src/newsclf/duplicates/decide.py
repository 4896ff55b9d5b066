"""From signals to a decision: P(duplicate) of a candidate pair, and what kind of copy it is. NumPy alone.

The model is a forest of shallow gradient-boosted trees, each a complete binary tree, so that all trees are walked for all pairs
at once, a level at a time. Its logit is then scaled (Platt 1999) on pairs that the trees had not seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from newsclf.duplicates.signal_names import ABSENT, N_SIGNALS, SIGNALS, Floats

KINDS = ("exact", "retitled", "cut", "edited", "retranslated")
MIN_PROBABILITY = 0.4  # of a duplicate; measured: at .5 one twin of a hundred more is missed, at .3 more pairs are wrongly merged
BLOCK_PAIRS = 1024  # walking so many pairs through all trees stays in the cache

# Measured on the labelled pairs, the starter corpus and the twins: where the kinds part best.
MIN_SAME_TRIGRAMS = 0.97  # of both articles: nothing was changed but layout
MIN_SAME_TITLE = 0.99
WHOLE = np.float32(0.99999)  # a share that is 1, but for rounding
MAX_CUT_LENGTH_RATIO = 0.85
MIN_CUT_TRIGRAMS = 0.80  # of the shorter article
MAX_RETRANSLATED_TRIGRAMS = 0.55

_COLUMN = {name: column for column, name in enumerate(SIGNALS)}
_DTYPES = {"features": np.int16, "thresholds": np.float32, "leaves": np.float32, "calibration": np.float64}


@dataclass(frozen=True)
class DuplicateModel:
    """A forest over the signals.

    Attributes:
        features: int16, shape (n_trees, 2**depth - 1): the signal that each inner node asks for, level after level.
        thresholds: float32, the same shape: a pair goes left where its signal is at most this.
        leaves: float32, shape (n_trees, 2**depth): what each leaf adds to the logit.
        calibration: float64, shape (2,): slope and intercept that turn the sum of leaves into the logit of the probability.
    """

    features: NDArray[np.int16]
    thresholds: Floats
    leaves: Floats
    calibration: NDArray[np.float64]

    def probabilities(self, signals: Floats) -> Floats:
        """P(duplicate) of each pair.

        Args:
            signals: float32, shape (n_pairs, ``N_SIGNALS``), as from `pair_signals`.

        Returns:
            float32, shape (n_pairs,), in [0, 1]; 1 for two articles that are the same (see `are_same`). No pair gives none.
        """
        probabilities = (1 / (1 + np.exp(-np.clip(self.logits(signals), -50, 50)))).astype(np.float32)
        probabilities[are_same(signals)] = 1.0
        return probabilities

    def logits(self, signals: Floats) -> NDArray[np.float64]:
        """The logit of each probability, float64, shape (n_pairs,)."""
        blocks = [self._sums(signals[first : first + BLOCK_PAIRS]) for first in range(0, len(signals), BLOCK_PAIRS)]
        slope, intercept = self.calibration.tolist()
        return np.asarray(slope * np.concatenate([np.zeros(0), *blocks]) + intercept)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The model as named arrays, for a file."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @staticmethod
    def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> "DuplicateModel":
        """The model that `to_arrays` took apart.

        Raises:
            ValueError: if an array is missing, of another type or shape, not finite, or names a signal that there is not.
        """
        for name, dtype in _DTYPES.items():
            if name not in arrays or arrays[name].dtype != dtype:
                raise ValueError(f"array {name!r} is missing or not {np.dtype(dtype)}")
        model = DuplicateModel(**{name: arrays[name] for name in _DTYPES})
        _check(model)
        return model

    def _sums(self, signals: Floats) -> NDArray[np.float64]:
        """The sum of the leaves in which each pair ends."""
        n_trees, n_inner = self.features.shape
        trees = np.arange(n_trees) * n_inner
        pairs = np.arange(len(signals))[:, None] * N_SIGNALS
        nodes = np.zeros((len(signals), n_trees), np.int64)
        flat_features, flat_thresholds, flat_signals = self.features.ravel(), self.thresholds.ravel(), signals.ravel()
        for _ in range(n_inner.bit_length()):
            here = nodes + trees
            is_right = flat_signals.take(pairs + flat_features.take(here)) > flat_thresholds.take(here)
            nodes = 2 * nodes + 1 + is_right
        ends = nodes - n_inner + np.arange(n_trees) * (n_inner + 1)
        return np.asarray(self.leaves.ravel().take(ends).sum(axis=1, dtype=np.float64))


def are_same(signals: Floats) -> NDArray[np.bool_]:
    """Which pairs have the same words and numbers, as many of them, in the same order: duplicates by definition, not by likeness.

    Bool, shape (n_pairs,).
    """
    column = {name: signals[:, index] for name, index in _COLUMN.items()}
    has_same_words = (column["containment_min"] >= WHOLE) & (column["length_ratio"] >= WHOLE)
    has_same_order = (column["trigram_containment_min"] >= WHOLE) | (column["shorter_length"] < np.float32(np.log1p(2.5)))
    has_same_numbers = (column["number_containment_min"] >= WHOLE) | (column["number_containment_max"] == ABSENT)
    return np.asarray(has_same_words & has_same_order & has_same_numbers)


def kinds(signals: Floats) -> list[str]:
    """What kind of copy each pair would be, if it is one: one of ``KINDS``. By rules of the reader's guide, the first that holds.

    exact: the same words, title included. retitled: the same but for the title. cut: the shorter one stands in the longer.
    retranslated: the same content in other words. edited: all others.
    """
    column = {name: signals[:, index] for name, index in _COLUMN.items()}
    has_same_text = column["trigram_containment_min"] >= MIN_SAME_TRIGRAMS
    is_cut = (column["length_ratio"] < MAX_CUT_LENGTH_RATIO) & (column["trigram_containment_max"] >= MIN_CUT_TRIGRAMS)
    has_other_title = (column["title_agreement"] >= 0) & (column["title_agreement"] < MIN_SAME_TITLE)
    is_retranslated = column["trigram_containment_max"] < MAX_RETRANSLATED_TRIGRAMS
    conditions = [has_same_text & ~has_other_title, has_same_text, is_cut, is_retranslated]
    codes = np.select(conditions, [0, 1, 2, 4], 3)
    return [KINDS[code] for code in codes.tolist()]


def _check(model: DuplicateModel) -> None:
    features, leaves = model.features, model.leaves
    if features.ndim != 2 or model.thresholds.shape != features.shape or (features.shape[1] + 1).bit_count() != 1:
        raise ValueError("features and thresholds are not complete trees of one depth")
    if leaves.shape != (features.shape[0], features.shape[1] + 1) or model.calibration.shape != (2,):
        raise ValueError("leaves or calibration do not fit the trees")
    if features.size and not (features.min() >= 0 and features.max() < N_SIGNALS):
        raise ValueError(f"a tree asks for a signal outside 0 to {N_SIGNALS - 1}")
    if np.isnan(model.thresholds).any() or not np.isfinite(leaves).all() or not np.isfinite(model.calibration).all():
        raise ValueError("a number of the trees is not finite")
