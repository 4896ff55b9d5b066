"""Candidate pairs: all pairs of rows that are similar enough to be looked at.

Exact, never sampled: a pair of distinct rows whose cosine reaches the threshold is always found. Two rows meet in the columns
where the product of their suffix norms (see ``prefix``) is at least ``t * GENERATION_SHARE``. Columns that lie further on add
less than that product to the cosine, so a pair whose meetings sum to under the remaining share of t cannot reach t. That
prunes 99 % and more of the pairs that meet; the rest are computed in full.

Cut copies, whose cosine may be low, are looked for by their rarest columns; that search can miss some (see
``candidate_blocks``).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import starmap

import numpy as np
from numpy.typing import NDArray

from newsclf.duplicates.columns import run_indices
from newsclf.duplicates.identical import first_of_identical
from newsclf.duplicates.join import LEVELS, MAX_ENTRIES, Join, block_stop, join, meet, meeting_ends, post
from newsclf.duplicates.overlap import containments, cosines
from newsclf.duplicates.prefix import (
    Entries,
    Rarity,
    by_coarse_rarity,
    by_rarity,
    chunks,
    column_frequencies,
    long_suffix_entries,
    rarest_entries,
)
from newsclf.tfidf import Rows

ROUNDING = 1e-6  # what float32 values may take from a cosine; a pair that misses the threshold by less is kept
GENERATION_SHARE = 0.9  # of the threshold; at 1 nothing is pruned, and .8 to .9 take the same time (147,000 texts)
LENGTH_RATIO = 1.5  # columns of the longer row to those of a cut copy; nearer in length, a copy's cosine is over .5
MIN_CONTAINMENT = 0.5  # share of the copy's squared weight that the longer row holds too
MIN_RARE_SHARE = 0.01  # of the copy's squared weight in rare columns that both rows list; a chance meeting has less
MAX_COLUMNS = 1 << 27
BYTES_PER_VALUE = 40  # of the rows searched at once: postings, runs and the work on them, as measured on full-length news


@dataclass(frozen=True)
class CandidatePairs:
    """Pairs of rows to look at.

    Attributes:
        left: int32, shape (n_pairs,); the row that comes first in the order of the search.
        right: int32, shape (n_pairs,).
        cosine: float32, shape (n_pairs,). Under the threshold where the pair was found as a cut copy.
    """

    left: NDArray[np.int32]
    right: NDArray[np.int32]
    cosine: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.left)


@dataclass(frozen=True)
class _Search:
    """The distinct, non-empty rows in the order of the search, and what every part of it needs.

    ``row_ids`` holds the number of each of them in ``rows``, ``ranks`` its place in the order of all rows.
    """

    rows: Rows
    row_ids: NDArray[np.int64]
    ranks: NDArray[np.int64]
    frequencies: NDArray[np.int64]
    threshold: float


@dataclass(frozen=True)
class _Ranked:
    """Pairs by place in the order of the search: left before right."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    cosine: NDArray[np.float64]


def candidate_pairs(
    rows: Rows, threshold: float = 0.5, *, min_prefix: int = 30, max_memory_bytes: int = 3 << 28
) -> CandidatePairs:
    """All candidate pairs at once, ``left < right``, by left, then right.

    What is found, the arguments and the errors are those of ``candidate_blocks`` without an order of its own. The number of
    pairs can grow with the square of the rows where a corpus has much boilerplate; ``candidate_blocks`` avoids that.

    >>> rows = Rows(np.array([0, 2, 4, 5]), np.array([0, 1, 0, 1, 1], np.int32), np.array([.6, .8, .8, .6, 1], np.float32), 2)
    >>> pairs = candidate_pairs(rows, threshold=.7, min_prefix=0)
    >>> pairs.left.tolist(), pairs.right.tolist(), [round(c, 2) for c in pairs.cosine.tolist()]
    ([0, 0], [1, 2], [0.96, 0.8])
    """
    blocks = list(candidate_blocks(rows, threshold, min_prefix=min_prefix, max_memory_bytes=max_memory_bytes))
    left, right, cosine = _NO_ROWS, _NO_ROWS, np.zeros(0, dtype=np.float32)
    if blocks:
        left, right = np.concatenate([b.left for b in blocks]), np.concatenate([b.right for b in blocks])
        cosine = np.concatenate([b.cosine for b in blocks])
    order = np.lexsort((right, left))
    return CandidatePairs(left[order], right[order], cosine[order])


def candidate_blocks(
    rows: Rows,
    threshold: float = 0.5,
    *,
    ranks: NDArray[np.int64] | None = None,
    is_member: NDArray[np.bool_] | None = None,
    min_prefix: int = 30,
    max_memory_bytes: int = 3 << 28,
    n_jobs: int = 1,
) -> Iterator[CandidatePairs]:
    """Candidate pairs, block by block; the left rows of a block come in the order of the search.

    Found are (1) *every* pair of distinct rows with cosine >= ``threshold``, save those whose left row is marked as a member
    when its block starts; (2) for every row that is equal to an earlier one, the pair of it with the earliest such row, which
    stands for it in (1) and (3); (3) most pairs of a text and a shorter one cut from it: the shorter has at least half of its
    squared weight in columns of the longer and at most two thirds as many columns, and it has some of the ``min_prefix``
    columns by which the longer is searched, a random sample of its rare ones. A copy that keeps a share c of a text has none
    of them with probability about ``(1 - c) ** min_prefix``.

    Clusters that are stars need no pair of two members. The caller decides on the pairs of a block, marks the right rows
    that became members, and asks for the next block: 10,000 near-identical rows then cost about 10,000 pairs and
    not fifty million, and every pair that a cluster can stand on is still found.

    Args:
        rows: TF-IDF rows of norm 1.
        threshold: in (0, 1].
        ranks: int, shape (n_rows,), a permutation; the place of each row in the order of the search, 0 for the first.
            None takes the rows as they stand.
        is_member: bool, shape (n_rows,); read before each block, never written. None marks no row.
        min_prefix: how many of the rarest columns of a row are searched for cut copies; 0 turns that off.
        max_memory_bytes: about what the search may take beside ``rows`` and its result. Less memory costs time: the rows are
            then searched in parts, and left rows come once for each part to the right of them.
        n_jobs: number of threads (joblib's meaning: -1 is one a core); NumPy lets them run at the same time. With more than
            one, blocks are made ahead, and so may have pairs whose left row has become a member meanwhile.

    Yields:
        Blocks of at least one pair; none for no rows.

    Raises:
        ValueError: an argument is out of its range.
    """
    _check(rows, threshold, ranks, is_member, min_prefix)
    order = np.arange(len(rows)) if ranks is None else np.argsort(ranks, kind="stable")
    members = np.zeros(len(rows), dtype=np.bool_) if is_member is None else is_member
    search, copies = _collapse(rows, order, float(threshold))
    parts = list(chunks(rows, search.row_ids, min(MAX_ENTRIES, max(1, max_memory_bytes // BYTES_PER_VALUE))))
    apart = _joined([copies, _cut_copies(search, min_prefix, parts)])
    rarity = by_rarity(search.frequencies)
    for number, part in enumerate(parts):
        for pairs in _part_blocks(search, rarity, part, parts[number:], members, apart, n_jobs):
            if len(pairs.left):
                yield CandidatePairs(
                    order[pairs.left].astype(np.int32), order[pairs.right].astype(np.int32), pairs.cosine.astype(np.float32)
                )


def _check(
    rows: Rows, threshold: float, ranks: NDArray[np.int64] | None, is_member: NDArray[np.bool_] | None, min_prefix: int
) -> None:
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold is {threshold}; it must be over 0 and at most 1")
    if min_prefix < 0:
        raise ValueError(f"min_prefix is {min_prefix}; it must be 0 or more")
    if ranks is not None and not np.array_equal(np.sort(ranks), np.arange(len(rows))):
        raise ValueError(f"ranks must hold each of 0 to {len(rows) - 1} once, one for each row")
    if is_member is not None and is_member.shape != (len(rows),):
        raise ValueError(f"is_member has shape {is_member.shape}; it must have one value for each of the {len(rows)} rows")
    if rows.n_columns > MAX_COLUMNS:
        raise ValueError(f"rows have {rows.n_columns} columns; at most {MAX_COLUMNS} can be searched. Keep fewer terms")


def _collapse(rows: Rows, order: NDArray[np.int64], threshold: float) -> tuple[_Search, _Ranked]:
    earliest = first_of_identical(rows, order)
    places = np.arange(len(order))
    distinct = np.flatnonzero((earliest == places) & (rows.offsets[order] < rows.offsets[order + 1]))
    copies = np.flatnonzero(earliest != places)
    copies = copies[np.lexsort((copies, earliest[copies]))]
    cosine = cosines(rows, order[earliest[copies]], order[copies])
    row_ids = order[distinct]
    search = _Search(rows, row_ids, distinct, column_frequencies(rows, row_ids), threshold)
    return search, _Ranked(earliest[copies], copies, cosine)


def _part_blocks(
    search: _Search,
    rarity: Rarity,
    part: tuple[int, int],
    right_parts: list[tuple[int, int]],
    members: NDArray[np.bool_],
    apart: _Ranked,
    n_jobs: int,
) -> Iterator[_Ranked]:
    """Pairs of the left rows of one part with each part to the right, the pairs found apart joined to the first of them."""
    left_entries = _prefix(search, rarity, part)
    for right_part in right_parts:
        right_entries = left_entries if right_part == part else _prefix(search, rarity, right_part)
        joined = _cosine_join(search, left_entries, right_entries, right_part[0])
        row_ranges = _row_ranges(meeting_ends(joined))
        beside = apart if right_part == part else _NO_PAIRS
        yield from _in_order(((search, joined, part[0], rows, members, beside) for rows in row_ranges), n_jobs)


def _row_ranges(ends: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    start = 0
    while start < len(ends) - 1:
        stop = block_stop(ends, start)
        yield start, stop
        start = stop


def _in_order(
    blocks: Iterator[tuple[_Search, Join, int, tuple[int, int], NDArray[np.bool_], _Ranked]], n_jobs: int
) -> Iterator[_Ranked]:
    if n_jobs == 1:
        return starmap(_block_pairs, blocks)
    from joblib import Parallel, delayed  # imported where needed: a third of a second at start-up

    pairs: Iterator[_Ranked] = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")(
        delayed(_block_pairs)(*block) for block in blocks
    )
    return pairs


def _block_pairs(
    search: _Search, joined: Join, first_left: int, block: tuple[int, int], members: NDArray[np.bool_], apart: _Ranked
) -> _Ranked:
    """The pairs of a block of left rows, save those of members."""
    here = slice(first_left + block[0], first_left + block[1])
    skipped = members[search.row_ids[here]]
    return _joined([_cosine_block(search, joined, first_left, block, skipped), _of_rows(apart, search.ranks[here][~skipped])])


def _prefix(search: _Search, rarity: Rarity, part: tuple[int, int]) -> Entries:
    least_suffix = GENERATION_SHARE * search.threshold - ROUNDING
    return long_suffix_entries(search.rows, search.row_ids[slice(*part)], rarity, least_suffix)


def _cosine_join(search: _Search, left: Entries, right: Entries, first_right: int) -> Join:
    least_product = GENERATION_SHARE * search.threshold - ROUNDING
    postings = post(right, _suffix_level(right.suffixes), right.values, first_right)
    partner_suffix = np.float32(least_product) / left.suffixes
    limits = np.where(partner_suffix <= 1 + ROUNDING, _suffix_level(partner_suffix), np.int16(-1))
    return join(left, limits, left.values, postings)


def _suffix_level(suffixes: NDArray[np.float32]) -> NDArray[np.int16]:
    # Every step is monotone: a suffix that is large enough never has a level beyond the limit, whatever the rounding.
    return np.clip((1 - suffixes) * LEVELS, 0, LEVELS).astype(np.int16)


def _cosine_block(search: _Search, joined: Join, first_left: int, block: tuple[int, int], skipped: NDArray[np.bool_]) -> _Ranked:
    least_weight = (1 - GENERATION_SHARE) * search.threshold - ROUNDING
    met = meet(joined, *block, skipped=skipped, only_after=first_left, least_weight=least_weight)
    left, right = met.left + first_left, met.right
    cosine = cosines(search.rows, search.row_ids[left], search.row_ids[right])
    kept = cosine >= search.threshold - ROUNDING
    return _Ranked(search.ranks[left[kept]], search.ranks[right[kept]], cosine[kept])


def _cut_copies(search: _Search, n_rarest: int, parts: Sequence[tuple[int, int]]) -> _Ranked:
    """Pairs of a text and one cut from it whose cosine is under the threshold, by left, then right."""
    rarity, found = by_coarse_rarity(search.frequencies), [_NO_PAIRS]
    for longer_part in parts:
        longer = rarest_entries(search.rows, search.row_ids[slice(*longer_part)], rarity, n_rarest)
        for shorter_part in parts:
            shorter = longer
            if shorter_part != longer_part:
                shorter = rarest_entries(search.rows, search.row_ids[slice(*shorter_part)], rarity, n_rarest)
            joined = _containment_join(search, longer, longer_part[0], shorter, shorter_part[0])
            for start, stop in _row_ranges(meeting_ends(joined)):
                met = meet(joined, start, stop, skipped=None, only_after=None, least_weight=MIN_RARE_SHARE)
                found.append(_contained(search, met.left + longer_part[0], met.right))
    return _joined(found)


def _contained(search: _Search, longer: NDArray[np.int64], shorter: NDArray[np.int64]) -> _Ranked:
    containment = containments(search.rows, search.row_ids[longer], search.row_ids[shorter])
    left, right = longer[containment >= MIN_CONTAINMENT], shorter[containment >= MIN_CONTAINMENT]
    cosine = cosines(search.rows, search.row_ids[left], search.row_ids[right])
    kept = cosine < search.threshold - ROUNDING  # the search by cosine finds the others
    ranks = search.ranks[left[kept]], search.ranks[right[kept]]
    return _Ranked(np.minimum(*ranks), np.maximum(*ranks), cosine[kept])


def _containment_join(search: _Search, longer: Entries, first_longer: int, shorter: Entries, first_shorter: int) -> Join:
    """Longer rows on the left, the rows that may be cut from them on the right."""
    left_row, right_row = (np.repeat(np.arange(len(e.offsets) - 1), np.diff(e.offsets)) for e in (longer, shorter))
    # A row with half of its squared weight elsewhere has a column there before the rest weighs less than half.
    short, short_row = _select(shorter, right_row, shorter.suffixes.astype(np.float64) ** 2 >= MIN_CONTAINMENT - ROUNDING)
    n_columns = np.diff(search.rows.offsets)[search.row_ids]
    postings = post(short, _length_level(n_columns[short_row + first_shorter]), short.values**2, first_shorter)
    limits = _length_level(n_columns[left_row + first_longer] / LENGTH_RATIO)
    return join(longer, limits, np.ones(len(left_row), dtype=np.float32), postings)


def _length_level(lengths: NDArray[np.float64] | NDArray[np.int64]) -> NDArray[np.int16]:
    return (np.log2(np.maximum(lengths, 1)) * (LEVELS // 32)).astype(np.int16)


def _select(entries: Entries, row: NDArray[np.int64], kept: NDArray[np.bool_]) -> tuple[Entries, NDArray[np.int64]]:
    before = np.concatenate((np.zeros(1, np.int64), np.cumsum(kept, dtype=np.int64)))
    selected = Entries(before[entries.offsets], entries.columns[kept], entries.values[kept], entries.suffixes[kept])
    return selected, row[kept]


def _of_rows(pairs: _Ranked, left: NDArray[np.int64]) -> _Ranked:
    first, last = np.searchsorted(pairs.left, left), np.searchsorted(pairs.left, left, side="right")
    chosen = run_indices(first, last - first)
    return _Ranked(pairs.left[chosen], pairs.right[chosen], pairs.cosine[chosen])


def _joined(pairs: list[_Ranked]) -> _Ranked:
    left, right = np.concatenate([p.left for p in pairs]), np.concatenate([p.right for p in pairs])
    order = np.lexsort((right, left))
    return _Ranked(left[order], right[order], np.concatenate([p.cosine for p in pairs])[order])


_NO_ROWS = np.zeros(0, dtype=np.int32)
_NO_PAIRS = _Ranked(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
