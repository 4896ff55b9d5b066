"""What two rows share, computed in full."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from newsclf.duplicates.columns import run_indices
from newsclf.duplicates.prefix import row_slices
from newsclf.duplicates.rows import ARTICLE_BITS, HashRows
from newsclf.tfidf import Rows

PAIRS_AT_ONCE = 512  # of one left row: with 400 columns each, some 6 MB of work arrays

# Given the left row's weight in each column of some right rows, those rows' own weights, and where each row starts.
Measure = Callable[[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]], NDArray[np.float64]]


def cosines(rows: Rows, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
    """The cosine of each pair of non-empty rows of norm 1; equal left rows must stand side by side, for speed."""
    return _measure(rows, left, right, _dot)


def containments(rows: Rows, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
    """The share of the right row's squared weight in columns of the left row; the arguments are those of ``cosines``."""
    return _measure(rows, left, right, _shared_squares)


def _dot(there: NDArray[np.float32], here: NDArray[np.float32], starts: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.add.reduceat(np.multiply(there, here, dtype=np.float64), starts)


def _shared_squares(there: NDArray[np.float32], here: NDArray[np.float32], starts: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.add.reduceat(np.where(there > 0, here, 0) ** 2, starts, dtype=np.float64)


def _measure(rows: Rows, left: NDArray[np.int64], right: NDArray[np.int64], measure: Measure) -> NDArray[np.float64]:
    result = np.zeros(len(left))
    table = np.zeros(rows.n_columns, dtype=np.float32)  # one left row, spread out: a look-up costs less than a merge
    for start, stop in _groups(left):
        own = slice(int(rows.offsets[left[start]]), int(rows.offsets[left[start] + 1]))
        table[rows.columns[own]] = rows.values[own]
        for part in range(start, stop, PAIRS_AT_ONCE):
            pairs = slice(part, min(part + PAIRS_AT_ONCE, stop))
            places, lengths = row_slices(rows, right[pairs], 0, pairs.stop - part)
            result[pairs] = measure(table[rows.columns[places]], rows.values[places], np.cumsum(lengths) - lengths)
        table[rows.columns[own]] = 0
    return result


def _groups(left: NDArray[np.int64]) -> list[tuple[int, int]]:
    if not len(left):
        return []
    starts = np.flatnonzero(np.concatenate(([True], left[1:] != left[:-1]))).tolist()
    return list(zip(starts, [*starts[1:], len(left)], strict=True))


def hash_overlaps(
    rows: HashRows, left: NDArray[np.int64], right: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Of each pair of at most 1,024 rows the cosine, and the shares of the left's and right's squared weight in shared terms."""
    ends = np.cumsum(rows.sizes)
    owners = np.repeat(np.arange(len(ends), dtype=np.uint64), rows.sizes)
    shift, owner_shift = np.uint64(ARTICLE_BITS), np.uint64(64 - ARTICLE_BITS)
    keys = np.append((owners << owner_shift) | (rows.hashes >> shift), np.uint64(2**64 - 1))
    sizes = rows.sizes.take(left)
    ours = run_indices((ends - rows.sizes).take(left), sizes)
    wanted = (np.repeat(right.astype(np.uint64), sizes) << owner_shift) | (rows.hashes.take(ours) >> shift)
    theirs = np.searchsorted(keys, wanted)
    shared = np.flatnonzero(keys.take(theirs) == wanted)
    pairs = np.repeat(np.arange(len(left)), sizes).take(shared)
    left_values, right_values = (rows.values.take(side.take(shared)).astype(np.float64) for side in (ours, theirs))
    products = (left_values * right_values, left_values**2, right_values**2)
    cosine, left_share, right_share = (np.bincount(pairs, weights=product, minlength=len(left)) for product in products)
    return np.asarray(cosine), np.asarray(left_share), np.asarray(right_share)
