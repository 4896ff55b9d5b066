"""Rows that are equal to the last bit, so that ten thousand copies of one article do not cost fifty million pairs."""

import numpy as np
from numpy.typing import NDArray

from newsclf.duplicates.prefix import chunks, row_slices
from newsclf.tfidf import Rows

ENTRIES_AT_ONCE = 1 << 20
ODD_1, ODD_2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)  # mixers of splitmix64 and of rrmxmx


def first_of_identical(rows: Rows, row_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each position in ``row_ids`` the earliest position with the same columns and values; empty rows stand alone."""
    positions = np.arange(len(row_ids))
    _, firsts, group = np.unique(_hash_rows(rows, row_ids), return_index=True, return_inverse=True)
    earliest = firsts[group]
    earliest = np.where(rows.offsets[row_ids] == rows.offsets[row_ids + 1], positions, earliest)
    later = np.flatnonzero(earliest != positions)
    unequal = later[~_are_equal(rows, row_ids[earliest[later]], row_ids[later])]
    earliest[unequal] = unequal  # a collision of hashes: the row goes uncollapsed, no pair is lost
    return earliest


def _hash_rows(rows: Rows, row_ids: NDArray[np.int64]) -> NDArray[np.uint64]:
    hashes = np.zeros(len(row_ids), dtype=np.uint64)
    for start, stop in chunks(rows, row_ids, ENTRIES_AT_ONCE):
        places, lengths = row_slices(rows, row_ids, start, stop)
        bits = rows.values[places].view(np.uint32).astype(np.uint64)
        mixed = ((rows.columns[places].astype(np.uint64) << np.uint64(32)) | bits) * ODD_1
        mixed = (mixed ^ (mixed >> np.uint64(29))) * ODD_2
        sums = np.concatenate((np.zeros(1, np.uint64), np.cumsum(mixed ^ (mixed >> np.uint64(32)))))
        ends = np.cumsum(lengths)
        hashes[start:stop] = sums[ends] - sums[ends - lengths]
    return hashes


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
