"""The rarest columns of every row: where two similar rows must meet.

Two rows of norm 1 whose dot product is at least t share a column. Walk through both from the rarest column on: at the first one
they share, at column c, all of the dot product still lies ahead, so by Cauchy and Schwarz
``suffix_x(c) * suffix_y(c) >= t``, where ``suffix(c)`` is the norm of a row from c on. Only columns with a large suffix can
start a match (Bayardo, Ma & Srikant 2007; the norm as bound: Anastasiu & Karypis 2014). Rows are searched in an order of the
caller's; the place of a row in it is its position.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from newsclf.duplicates.columns import run_indices
from newsclf.tfidf import Rows

ENTRIES_AT_ONCE = 1 << 16  # sorted together; small enough for the processor's second-level cache
COUNTED_AT_ONCE = 1 << 22
GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # odd and near 2**64 divided by the golden ratio: spreads neighbours


@dataclass(frozen=True)
class Entries:
    """Some columns of some rows, rows in order, the rarest column of a row first.

    Attributes:
        offsets: int64, shape (n_rows + 1,); where the entries of each row start.
        columns: int32, shape (n_entries,); rank of the column, 0 for the rarest.
        values: float32, shape (n_entries,).
        suffixes: float32, shape (n_entries,); norm of the row from this column on, commoner columns included.
    """

    offsets: NDArray[np.int64]
    columns: NDArray[np.int32]
    values: NDArray[np.float32]
    suffixes: NDArray[np.float32]


@dataclass(frozen=True)
class Rarity:
    """An order of the columns, rare ones first.

    Attributes:
        ranks: int32, shape (n_columns,); 0 for the first column.
        n_lonely: so many of the first columns stand in fewer than two rows, where no pair can meet.
    """

    ranks: NDArray[np.int32]
    n_lonely: int


def row_slices(rows: Rows, row_ids: NDArray[np.int64], start: int, stop: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the entries of ``row_ids[start:stop]`` stand in ``rows``, one after another, and their number in each row."""
    chosen = row_ids[start:stop]
    lengths = rows.offsets[chosen + 1] - rows.offsets[chosen]
    return run_indices(rows.offsets[chosen], lengths), lengths


def chunks(rows: Rows, row_ids: NDArray[np.int64], n_entries: int = ENTRIES_AT_ONCE) -> Iterator[tuple[int, int]]:
    """Ranges of positions that hold about ``n_entries`` entries each, at least one row."""
    ends = np.cumsum(rows.offsets[row_ids + 1] - rows.offsets[row_ids])
    start = 0
    while start < len(row_ids):
        before = int(ends[start - 1]) if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + n_entries, side="right")))
        yield start, stop
        start = stop


def column_frequencies(rows: Rows, row_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Document frequency of each column among ``row_ids``, int64, shape (n_columns,)."""
    frequencies = np.zeros(rows.n_columns, dtype=np.int64)
    for start, stop in chunks(rows, row_ids, COUNTED_AT_ONCE):
        places, _ = row_slices(rows, row_ids, start, stop)
        frequencies += np.bincount(rows.columns[places], minlength=rows.n_columns)
    return frequencies


def by_rarity(frequencies: NDArray[np.int64]) -> Rarity:
    """Columns by document frequency, ties by column."""
    return _rarity(np.argsort(frequencies, kind="stable"), frequencies)


def by_coarse_rarity(frequencies: NDArray[np.int64]) -> Rarity:
    """Columns by document frequency in steps of four (2 to 8, to 32, to 128), within a step by a hash.

    The first few columns of a row are then a random sample of its rare ones. By exact frequency they would not be: where an
    article has a full copy and a cut one, its rarest columns are just those that the cut copy lacks.
    """
    steps = np.ceil(np.log2(np.maximum(frequencies, 8) / 8) / 2) + (frequencies >= 2)
    hashes = np.arange(len(frequencies), dtype=np.uint64) * GOLDEN
    hashes ^= hashes >> np.uint64(32)
    return _rarity(np.lexsort((hashes * GOLDEN, steps)), frequencies)


def _rarity(order: NDArray[np.int64], frequencies: NDArray[np.int64]) -> Rarity:
    ranks = np.empty(len(order), dtype=np.int32)
    ranks[order] = np.arange(len(order), dtype=np.int32)
    return Rarity(ranks, int(np.count_nonzero(frequencies < 2)))


def long_suffix_entries(rows: Rows, row_ids: NDArray[np.int64], rarity: Rarity, least_suffix: float) -> Entries:
    """The entries whose suffix is at least ``least_suffix``: the prefix of every row."""
    return _entries(rows, row_ids, rarity, least_suffix=least_suffix, n_rarest=None)


def rarest_entries(rows: Rows, row_ids: NDArray[np.int64], rarity: Rarity, n_rarest: int) -> Entries:
    """The first ``n_rarest`` entries of every row that stand in another row too."""
    return _entries(rows, row_ids, rarity, least_suffix=0.0, n_rarest=n_rarest)


def _entries(rows: Rows, row_ids: NDArray[np.int64], rarity: Rarity, *, least_suffix: float, n_rarest: int | None) -> Entries:
    counts, columns, values, suffixes = [np.zeros(1, np.int64)], [_NO_COLUMNS], [_NO_VALUES], [_NO_VALUES]
    for start, stop in chunks(rows, row_ids):
        row, column, value, suffix = _rarest_first(rows, row_ids, rarity, start, stop)
        kept = (column >= rarity.n_lonely) & (suffix >= least_suffix)
        if n_rarest is not None:
            kept &= _ordinals(row, kept) < n_rarest
        counts.append(np.bincount(row[kept], minlength=stop - start))
        columns.append(column[kept])
        values.append(value[kept])
        suffixes.append(suffix[kept])
    offsets = np.cumsum(np.concatenate(counts))
    return Entries(offsets, np.concatenate(columns), np.concatenate(values), np.concatenate(suffixes))


_NO_COLUMNS = np.zeros(0, dtype=np.int32)
_NO_VALUES = np.zeros(0, dtype=np.float32)


def _rarest_first(
    rows: Rows, row_ids: NDArray[np.int64], rarity: Rarity, start: int, stop: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]]:
    places, lengths = row_slices(rows, row_ids, start, stop)
    row = np.repeat(np.arange(stop - start), lengths)
    rank = rarity.ranks[rows.columns[places]]
    order = _order_by_row_and_rank(row, rank, rows.n_columns)
    value = rows.values[places][order]
    squares = np.concatenate(([0.0], np.cumsum(value.astype(np.float64) ** 2)))
    ahead = squares[np.cumsum(lengths)][row] - squares[:-1]
    return row, rank[order], value, np.sqrt(np.maximum(ahead, 0)).astype(np.float32)


def _order_by_row_and_rank(row: NDArray[np.int64], rank: NDArray[np.int32], n_columns: int) -> NDArray[np.int64]:
    # NumPy sorts plain integers several times faster than it computes an order, so the place travels in the low bits.
    place_bits = len(row).bit_length()
    if (int(row[-1]) + 1 if len(row) else 1) * n_columns >= 1 << (63 - place_bits):
        return np.lexsort((rank, row))
    keys = ((row * n_columns + rank) << place_bits) | np.arange(len(row))
    keys.sort()
    return keys & ((1 << place_bits) - 1)


def _ordinals(row: NDArray[np.int64], kept: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The how-many-th kept entry of its row each entry is, from 0; rows in order."""
    before: NDArray[np.int64] = np.cumsum(kept) - kept
    first = np.flatnonzero(np.concatenate(([True], row[1:] != row[:-1]))) if len(row) else np.zeros(0, np.int64)
    return before - np.repeat(before[first], np.diff(np.append(first, len(row))))
