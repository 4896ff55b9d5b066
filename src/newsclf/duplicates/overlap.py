"""What two rows share, computed in full."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from newsclf.duplicates.prefix import row_slices
from newsclf.tfidf import Rows

PAIRS_AT_ONCE = 4096  # of one left row: with 400 columns each, some 50 MB of work arrays


@dataclass(frozen=True)
class Overlap:
    """Overlap of pairs of rows.

    Attributes:
        cosine: float64, shape (n_pairs,); dot product of the two rows.
        containment: float64, shape (n_pairs,); share of the right row's squared weight in columns that the left row has too.
    """

    cosine: NDArray[np.float64]
    containment: NDArray[np.float64]


def overlaps(rows: Rows, left: NDArray[np.int64], right: NDArray[np.int64]) -> Overlap:
    """Cosine and containment of pairs of rows of norm 1; ``left`` must be grouped, equal rows side by side."""
    cosine, containment = np.zeros(len(left)), np.zeros(len(left))
    table = np.zeros(rows.n_columns)  # one left row, spread out: a look-up there costs less than a merge of sorted columns
    for start, stop in _groups(left):
        own = slice(int(rows.offsets[left[start]]), int(rows.offsets[left[start] + 1]))
        table[rows.columns[own]] = rows.values[own]
        for part in range(start, stop, PAIRS_AT_ONCE):
            pairs = slice(part, min(part + PAIRS_AT_ONCE, stop))
            cosine[pairs], containment[pairs] = _against(table, rows, right[pairs])
        table[rows.columns[own]] = 0
    return Overlap(cosine, containment)


def _groups(left: NDArray[np.int64]) -> list[tuple[int, int]]:
    starts = np.flatnonzero(np.concatenate(([True], left[1:] != left[:-1]))) if len(left) else np.zeros(0, np.int64)
    return list(zip(starts.tolist(), [*starts[1:].tolist(), len(left)], strict=True)) if len(left) else []


def _against(
    table: NDArray[np.float64], rows: Rows, right: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    places, lengths = row_slices(rows, right, 0, len(right))  # no row is empty: an empty one meets no other
    values = rows.values[places].astype(np.float64)
    there = table[rows.columns[places]]
    starts = np.cumsum(lengths) - lengths
    return np.add.reduceat(there * values, starts), np.add.reduceat(values * values * (there > 0), starts)
