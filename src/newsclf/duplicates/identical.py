"""Rows that are equal to the last bit, so that ten thousand copies of one article do not cost fifty million pairs."""

import numpy as np
from numpy.typing import NDArray

from newsclf.duplicates.prefix import chunks, row_slices
from newsclf.tfidf import Rows

ENTRIES_AT_ONCE = 1 << 20
MAX_LOST_SQUARE = 1e-4  # of the squared norm, by rounding; a term that was left out of a text of 5,000 words weighs more
ODD_1, ODD_2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)  # mixers of splitmix64 and of rrmxmx


def first_of_identical(rows: Rows, row_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each position in ``row_ids`` the earliest position with the same columns and values.

    Empty rows stand alone, and so do those whose norm is under 1: they have terms that stand in no other row, and were left out.
    """
    positions = np.arange(len(row_ids))
    hashes, squares = _hash_rows(rows, row_ids)
    _, firsts, group = np.unique(hashes, return_index=True, return_inverse=True)
    earliest = np.where(squares < 1 - MAX_LOST_SQUARE, positions, firsts[group])
    later = np.flatnonzero(earliest != positions)
    unequal = later[~_are_equal(rows, row_ids[earliest[later]], row_ids[later])]
    earliest[unequal] = unequal  # a collision of hashes: the row goes uncollapsed, no pair is lost
    return earliest


def _hash_rows(rows: Rows, row_ids: NDArray[np.int64]) -> tuple[NDArray[np.uint64], NDArray[np.float64]]:
    """A hash of each row, and its squared norm."""
    hashes, squares = np.zeros(len(row_ids), dtype=np.uint64), np.zeros(len(row_ids))
    for start, stop in chunks(rows, row_ids, ENTRIES_AT_ONCE):
        places, lengths = row_slices(rows, row_ids, start, stop)
        values = rows.values[places]
        bits = values.view(np.uint32).astype(np.uint64)
        mixed = ((rows.columns[places].astype(np.uint64) << np.uint64(32)) | bits) * ODD_1
        mixed = (mixed ^ (mixed >> np.uint64(29))) * ODD_2
        sums = np.concatenate((np.zeros(1, np.uint64), np.cumsum(mixed ^ (mixed >> np.uint64(32)))))
        ends = np.cumsum(lengths)
        hashes[start:stop] = sums[ends] - sums[ends - lengths]
        squares[start:stop] = np.bincount(np.repeat(np.arange(stop - start), lengths), values**2.0, stop - start)
    return hashes, squares


def _are_equal(rows: Rows, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.bool_]:
    equal: NDArray[np.bool_] = np.diff(rows.offsets)[left] == np.diff(rows.offsets)[right]
    same_length = np.flatnonzero(equal)
    for start, stop in chunks(rows, right[same_length], ENTRIES_AT_ONCE):
        pairs = same_length[start:stop]
        mine, lengths = row_slices(rows, left[pairs], 0, len(pairs))
        theirs, _ = row_slices(rows, right[pairs], 0, len(pairs))
        differ = (rows.columns[mine] != rows.columns[theirs]) | (rows.values[mine] != rows.values[theirs])
        equal[pairs] = np.add.reduceat(differ.astype(np.int64), np.cumsum(lengths) - lengths) == 0
    return equal
