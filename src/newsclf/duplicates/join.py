"""Which rows meet in which columns, in blocks of bounded memory.

Postings stand in one sorted array of 64-bit keys: column, then level, then entry. A level is a small integer that orders the
postings of a column, so that the ones an entry may meet are one run at the front of it, found by binary search.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from newsclf.duplicates.prefix import Entries

LEVELS = 1 << 10
LEVEL_BITS = LEVELS.bit_length()  # levels are 0 to LEVELS, both included
ENTRIES_AT_ONCE = 1 << 20
MAX_ENTRIES = 1 << 25  # in one set of postings: entry, level and up to 2**27 columns then fit into a key of 63 bits
MEETINGS_AT_ONCE = 1 << 18  # a few megabytes of work arrays, near the processor's cache
ROWS_AT_ONCE = 1 << 15
WEIGHT_BITS = 16  # of the 64 bits of a meeting: 16 of left row, 31 of right row, 16 of weight


@dataclass(frozen=True)
class Postings:
    """Entries in order of column and level.

    Attributes:
        keys: int64, shape (n_entries,), ascending.
        entry_bits: number of low bits of a key that hold the entry's number.
        rows: int32, shape (n_entries,); position of the row of each posting.
        weights: float32, shape (n_entries,), in [0, 1].
    """

    keys: NDArray[np.int64]
    entry_bits: int
    rows: NDArray[np.int32]
    weights: NDArray[np.float32]


@dataclass(frozen=True)
class Join:
    """Left rows and the run of postings that each of their entries meets.

    Attributes:
        offsets: int64, shape (n_left + 1,); where the entries of each left row start.
        weights: float32, shape (n_entries,), in [0, 1].
        starts: int32, shape (n_entries,); first posting met.
        counts: int32, shape (n_entries,); number of postings met.
        postings: the right rows.
    """

    offsets: NDArray[np.int64]
    weights: NDArray[np.float32]
    starts: NDArray[np.int32]
    counts: NDArray[np.int32]
    postings: Postings


@dataclass(frozen=True)
class Meetings:
    """Pairs of rows that share a column, each once, by left row, then right row.

    Attributes:
        left: int64; position of the left row.
        right: int64; position of the right row.
        weight: float64; sum over the shared columns of the product of both weights, rounded up, at most 2**-15 for each column.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    weight: NDArray[np.float64]


def post(entries: Entries, levels: NDArray[np.int16], weights: NDArray[np.float32], first_row: int = 0) -> Postings:
    """Order entries by column and level; ``first_row`` is the position of the first of their rows."""
    keys, entry_bits = _sorted_keys(entries.columns, levels)
    order = keys & ((1 << entry_bits) - 1)
    row_of_entry = np.repeat(np.arange(len(entries.offsets) - 1, dtype=np.int32), np.diff(entries.offsets))
    return Postings(keys, entry_bits, row_of_entry[order] + np.int32(first_row), weights[order])


def join(entries: Entries, limits: NDArray[np.int16], weights: NDArray[np.float32], postings: Postings) -> Join:
    """Let every entry meet the postings of its column whose level is at most its limit; a negative limit meets none."""
    keys, entry_bits = _sorted_keys(entries.columns, limits + 1)  # + 1: a key has no room for a sign
    starts, counts = np.empty(len(keys), np.int32), np.empty(len(keys), np.int32)
    for part in range(0, len(keys), ENTRIES_AT_ONCE):
        some = keys[part : part + ENTRIES_AT_ONCE]
        order = some & ((1 << entry_bits) - 1)
        starts[order], counts[order] = _runs(some >> entry_bits, postings)
    return Join(entries.offsets, weights, starts, counts, postings)


def _runs(wanted: NDArray[np.int64], postings: Postings) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Start and length of the run of postings for ascending keys of column and limit + 1."""
    column = wanted >> LEVEL_BITS
    first = np.flatnonzero(np.concatenate(([True], column[1:] != column[:-1])))
    start = np.searchsorted(postings.keys, column[first] << (LEVEL_BITS + postings.entry_bits))
    start = np.repeat(start, np.diff(np.append(first, len(column))))
    # The limit + 1 that the key holds is just the level at which the run has ended.
    return start, np.searchsorted(postings.keys, wanted << postings.entry_bits) - start


def _sorted_keys(columns: NDArray[np.int32], levels: NDArray[np.int16]) -> tuple[NDArray[np.int64], int]:
    entry_bits = len(columns).bit_length()
    keys = columns.astype(np.int64)
    keys <<= LEVEL_BITS
    keys |= levels
    keys <<= entry_bits
    keys |= np.arange(len(columns))
    keys.sort()
    return keys, entry_bits


def meeting_ends(joined: Join) -> NDArray[np.int64]:
    """int64, shape (n_left + 1,): number of meetings of the left rows before each row; meetings are counted per column."""
    per_entry = np.concatenate((np.zeros(1, np.int64), np.cumsum(joined.counts, dtype=np.int64)))
    return per_entry[joined.offsets]


def block_stop(ends: NDArray[np.int64], start: int) -> int:
    """Last left row, exclusive, of the block that starts at ``start``."""
    stop = int(np.searchsorted(ends, ends[start] + MEETINGS_AT_ONCE, side="right")) - 1
    return min(max(stop, start + 1), start + ROWS_AT_ONCE, len(ends) - 1)


def meet(
    joined: Join, start: int, stop: int, *, skipped: NDArray[np.bool_] | None, only_after: int | None, least_weight: float
) -> Meetings:
    """The pairs of left rows ``start`` to ``stop`` whose summed weight may be ``least_weight``: none that has it is lost.

    Args:
        joined: left and right rows.
        start: first left row.
        stop: last left row, exclusive.
        skipped: bool, shape (stop - start,); left rows to leave out.
        only_after: position of left row 0; only right rows at a later position than the left row are met. None meets all.
        least_weight: pairs under it are left out.
    """
    entries = slice(int(joined.offsets[start]), int(joined.offsets[stop]))
    row = np.repeat(np.arange(stop - start), np.diff(joined.offsets[start : stop + 1]))
    counts = joined.counts[entries] if skipped is None else np.where(skipped[row], 0, joined.counts[entries])
    ends = np.cumsum(counts, dtype=np.int64)
    posting = np.arange(int(ends[-1]) if len(ends) else 0)
    posting += np.repeat(joined.starts[entries] - (ends - counts), counts)
    right = joined.postings.rows[posting]
    entry = np.repeat(np.arange(len(row), dtype=np.int32), counts)
    if only_after is not None:
        later = np.flatnonzero(right > np.repeat((row + (start + only_after)).astype(np.int32), counts))
        posting, right, entry = posting[later], right[later], entry[later]
    weight = joined.weights[entries][entry] * joined.postings.weights[posting]
    return _unpack(_pack(row[entry], right, weight), start, least_weight)


def _pack(left: NDArray[np.int64], right: NDArray[np.int32], weight: NDArray[np.float32]) -> NDArray[np.int64]:
    # Rounding a weight up keeps the sum an upper bound; the + 1 must not be lost, or pairs at the threshold would be.
    units = (weight * np.float32(1 << (WEIGHT_BITS - 1))).astype(np.int64) + 1
    return (((left << 31) | right) << WEIGHT_BITS) | units


def _unpack(keys: NDArray[np.int64], first_left: int, least_weight: float) -> Meetings:
    if not len(keys):
        return Meetings(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    keys.sort()
    pair = keys >> WEIGHT_BITS
    first = np.flatnonzero(np.concatenate(([True], pair[1:] != pair[:-1])))
    weight = np.add.reduceat(keys & ((1 << WEIGHT_BITS) - 1), first) / (1 << (WEIGHT_BITS - 1))
    kept = weight >= least_weight
    pair, weight = pair[first[kept]], weight[kept]
    return Meetings((pair >> 31) + first_left, pair & ((1 << 31) - 1), weight)
