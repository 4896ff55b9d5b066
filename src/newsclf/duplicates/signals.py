"""Signals of a candidate pair: numbers that tell a copy from two articles that merely look alike.

Every signal is symmetric: what differs between the two sides comes as the smaller and the larger of both. What is missing
counts by the *smaller* side: a cut copy lacks facts on one side only, a template filled with other facts on both.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from newsclf.duplicates.columns import run_indices
from newsclf.duplicates.features import (
    BIGRAM,
    DATE,
    FILLED_SLOT,
    LEAD,
    LEAD_ROUNDED,
    N_KINDS,
    NAME,
    NUMBER,
    RARE,
    REPEATED,
    ROUNDED,
    SLOT,
    STAGE,
    TITLE,
    TRIGRAM,
)
from newsclf.duplicates.lookup import find, hash_bits
from newsclf.duplicates.profiles import N_QUARTERS, Profiles, quarters_of
from newsclf.duplicates.signal_names import ABSENT, Floats

Indices = NDArray[np.int64]

MIN_RUN = 4  # 3-grams that follow one another in both texts: a passage of six tokens

_TOKEN_KINDS = np.arange(BIGRAM)


@dataclass(frozen=True)
class _Shared:
    """What the articles of each pair have in common, by kind, and what each has.

    Attributes:
        weights: two arrays float64, shape (n_pairs, N_KINDS): weights of the shared features, by their kind in either article.
        totals: two arrays float32, shape (n_pairs, N_KINDS): weights of all features of either article.
    """

    weights: tuple[NDArray[np.float64], NDArray[np.float64]]
    totals: tuple[Floats, Floats]

    def containments(self, kinds: NDArray[np.int64] | list[int], empty: float) -> list[NDArray[np.float64]]:
        """The share of either article's features of these kinds that the other has, the smaller last."""
        shares = []
        for shared, totals in zip(self.weights, self.totals, strict=True):
            total = _row_sums(totals[:, kinds])
            shares.append(np.where(total > 0, _row_sums(shared[:, kinds]) / np.maximum(total, 1e-9), empty))
        return [np.maximum(*shares), np.minimum(*shares)]

    def missing(self, kinds: NDArray[np.int64] | list[int]) -> NDArray[np.float64]:
        """The weight of the features that the other article lacks, of the side where it is smaller."""
        sides = zip(self.weights, self.totals, strict=True)
        ours, theirs = (_row_sums(totals[:, kinds] - shared[:, kinds]) for shared, totals in sides)
        return np.asarray(np.maximum(np.minimum(ours, theirs), 0.0))  # not below 0 by rounding


def _row_sums(values: NDArray[Any]) -> NDArray[Any]:
    """The sum of each row, added from left to right: ``sum`` adds in another order where there is but one row."""
    return np.asarray(values.cumsum(axis=1)[:, -1])


def pair_signals(profiles: Profiles, left: Indices, right: Indices) -> Floats:
    """The signals of pairs of profiled articles.

    Args:
        profiles: of a block of articles.
        left: int64, shape (n_pairs,): index of the one article of each pair.
        right: of the other.

    Returns:
        float32, shape (n_pairs, ``N_SIGNALS``), columns as in ``SIGNALS``. No pair gives no row.
    """
    sizes = np.diff(profiles.offsets)
    is_swapped = sizes[left] > sizes[right]
    small, large = np.where(is_swapped, right, left), np.where(is_swapped, left, right)
    pairs, entries = expand(profiles.offsets, small)
    hashes = hash_bits(profiles.keys.take(entries))
    found = find(profiles.keys, profiles.buckets, large, sizes.take(small), hashes)
    hits = np.flatnonzero(found >= 0)
    pairs, ours, theirs = pairs.take(hits), entries.take(hits), found.take(hits)
    shared = _shared_weights(profiles, pairs, ours, theirs, small, large)
    products = profiles.values.take(ours) * profiles.values.take(theirs)
    columns = [
        np.bincount(pairs, weights=products, minlength=len(left)),
        *_term_signals(shared),
        *_fact_signals(shared),
        *_place_signals(shared),
        *_length_signals(profiles.n_tokens[left], profiles.n_tokens[right]),
        *_passage_signals(profiles, small, large, found),
        _order_agreement(profiles, pairs, ours, theirs, len(left)),
        _title_agreement(profiles, pairs, (ours, theirs), shared),
        *_quarter_signals(profiles, pairs, (ours, theirs), (small, large)),
        *_word_signals(shared),
        *_stage_signals(shared),
    ]
    return np.column_stack(columns).astype(np.float32)


def expand(offsets: Indices, rows: Indices) -> tuple[Indices, Indices]:
    """All entries of some rows of a table: for each, the position in ``rows``, and the index of the entry."""
    sizes = np.diff(offsets)[rows]
    pairs = np.repeat(np.arange(len(rows)), sizes)
    return pairs, run_indices(offsets[rows], sizes)


def _shared_weights(
    profiles: Profiles, pairs: Indices, ours: Indices, theirs: Indices, small: Indices, large: Indices
) -> _Shared:
    shape = (len(small), N_KINDS)
    weights = profiles.weights.take(ours)
    sides = [
        np.bincount(pairs * N_KINDS + profiles.kinds.take(side), weights=weights, minlength=shape[0] * shape[1])
        .astype(np.float64)
        .reshape(shape)
        for side in (ours, theirs)
    ]
    return _Shared((sides[0], sides[1]), (profiles.totals[small], profiles.totals[large]))


def _term_signals(shared: _Shared) -> list[NDArray[np.float64]]:
    rare = _TOKEN_KINDS[_TOKEN_KINDS & RARE > 0]
    names = _TOKEN_KINDS[_TOKEN_KINDS & NAME > 0]
    return [
        *shared.containments(_TOKEN_KINDS, 0.0),
        *shared.containments([BIGRAM], 0.0),
        *shared.containments([TRIGRAM], 0.0),
        *shared.containments(rare, ABSENT),
        np.log1p(shared.missing(rare)),
        *shared.containments(names, ABSENT),
        *(
            np.log1p(shared.missing(_TOKEN_KINDS[_TOKEN_KINDS & marks == marks]))
            for marks in (NAME, 0, REPEATED, NAME | REPEATED, TITLE, LEAD)
        ),
    ]


def _fact_signals(shared: _Shared) -> list[NDArray[np.float64]]:
    slots, filled = shared.weights[0][:, SLOT], shared.weights[0][:, FILLED_SLOT]
    return [
        *shared.containments([NUMBER], ABSENT),
        np.log1p(shared.weights[0][:, NUMBER]),
        np.log1p(shared.missing([NUMBER])),
        np.log1p(shared.missing([ROUNDED, LEAD_ROUNDED])),
        np.log1p(shared.missing([LEAD_ROUNDED])),
        np.log1p(shared.weights[0][:, DATE]),
        np.log1p(shared.missing([DATE])),
        np.log1p(slots),
        np.log1p(np.maximum(slots - filled, 0)),
    ]


def _place_signals(shared: _Shared) -> list[NDArray[np.float64]]:
    titles = _TOKEN_KINDS[_TOKEN_KINDS & TITLE > 0]
    leads = _TOKEN_KINDS[_TOKEN_KINDS & LEAD > 0]
    return [*shared.containments(titles, ABSENT), *shared.containments(leads, ABSENT)]


def _length_signals(left: Indices, right: Indices) -> list[NDArray[np.float64]]:
    shorter, longer = np.minimum(left, right), np.maximum(left, right)
    return [shorter / np.maximum(longer, 1), np.log1p(shorter)]


def _passage_signals(profiles: Profiles, small: Indices, large: Indices, found: Indices) -> list[NDArray[np.float64]]:
    """Longest run of tokens that both have, and the shares of each that lie in runs, throughout and at either end."""
    owners, ours, theirs, lengths = _runs(profiles, small, found)
    longest = np.zeros(len(small), np.int64)
    np.maximum.at(longest, owners, lengths)
    n_small, n_large = profiles.n_tokens[small], profiles.n_tokens[large]
    covers = zip(_covers(owners, ours, lengths, n_small), _covers(owners, theirs, lengths, n_large), strict=True)
    sides = [side for one, other in covers for side in (np.maximum(one, other), np.minimum(one, other))]
    return [np.log1p(longest), longest / np.maximum(n_small, 1), *sides]


def _runs(profiles: Profiles, small: Indices, found: Indices) -> tuple[Indices, Indices, Indices, Indices]:
    """Runs of ``MIN_RUN`` or more 3-grams that follow one another in both: pair, start in either text, length in tokens.

    ``found`` says where the features of the small articles stand in the large ones, pair after pair.
    """
    pairs, entries = expand(profiles.trigram_offsets, small)
    sizes = np.diff(profiles.offsets).take(small)
    shifts = np.cumsum(sizes) - sizes - profiles.offsets.take(small)  # from a feature's index to its place in found
    places = found.take(profiles.trigrams.take(entries) + shifts.take(pairs))
    hits = np.flatnonzero(places >= 0)
    pairs, theirs = pairs.take(hits), profiles.positions.take(places.take(hits)).astype(np.int64)
    ours = entries.take(hits) - profiles.trigram_offsets.take(small.take(pairs))
    is_first = np.ones(len(hits), bool)
    is_first[1:] = (pairs[1:] != pairs[:-1]) | (ours[1:] != ours[:-1] + 1) | (theirs[1:] != theirs[:-1] + 1)
    firsts = np.flatnonzero(is_first)
    lengths = np.diff(firsts, append=len(hits))
    long_runs = np.flatnonzero(lengths >= MIN_RUN)
    firsts = firsts.take(long_runs)
    return pairs.take(firsts), ours.take(firsts), theirs.take(firsts), lengths.take(long_runs) + 2


def _covers(owners: Indices, starts: Indices, lengths: Indices, n_tokens: Indices) -> list[NDArray[np.float64]]:
    """The share of a text that lies in runs: of all of it, of its first quarter and of its last."""
    quarter = np.maximum(n_tokens // 4, 1)
    ends = starts + lengths
    at_start = np.clip(np.minimum(ends, quarter.take(owners)) - starts, 0, None)
    at_end = np.clip(ends - np.maximum(starts, (n_tokens - quarter).take(owners)), 0, None)
    wholes = (np.maximum(n_tokens, 1), quarter, quarter)
    parts = (lengths, at_start, at_end)
    return [
        np.minimum(np.bincount(owners, weights=part, minlength=len(n_tokens)) / whole, 1.0)
        for part, whole in zip(parts, wholes, strict=True)
    ]


def _title_agreement(profiles: Profiles, pairs: Indices, sides: tuple[Indices, Indices], shared: _Shared) -> NDArray[np.float64]:
    """The share of the longer title that stands in the other title."""
    titles = _TOKEN_KINDS[_TOKEN_KINDS & TITLE > 0]
    one, other = (np.isin(profiles.kinds.take(side), titles) for side in sides)
    both = np.bincount(pairs, weights=profiles.weights.take(sides[0]) * (one & other), minlength=len(shared.totals[0]))
    totals = [_row_sums(side[:, titles]) for side in shared.totals]
    return np.where(np.minimum(*totals) > 0, both / np.maximum(np.maximum(*totals), 1e-9), ABSENT)


def _quarter_signals(
    profiles: Profiles, pairs: Indices, sides: tuple[Indices, Indices], articles: tuple[Indices, Indices]
) -> list[NDArray[np.float64]]:
    """The least containment of the tokens of any quarter of a text, the better text first."""
    worst = []
    for features, owners in zip(sides, articles, strict=True):
        weights = profiles.weights.take(features) * (profiles.kinds.take(features) < BIGRAM)
        quarters = quarters_of(profiles.positions.take(features), profiles.n_tokens.take(owners.take(pairs)))
        shared = np.bincount(pairs * N_QUARTERS + quarters, weights=weights, minlength=len(owners) * N_QUARTERS)
        totals = profiles.quarter_totals[owners]
        shares = np.where(totals > 0, shared.reshape(-1, N_QUARTERS) / np.maximum(totals, 1e-9), 1.0)
        worst.append(np.where(totals.sum(axis=1) > 0, shares.min(axis=1), 0.0))
    return [np.maximum(*worst), np.minimum(*worst)]


def _word_signals(shared: _Shared) -> list[NDArray[np.float64]]:
    """Containment of what is no name, and how much of all that is missing is names: most of it in a template filled anew."""
    names = _TOKEN_KINDS[_TOKEN_KINDS & NAME > 0]
    shares = []
    for weights, totals in zip(shared.weights, shared.totals, strict=True):
        missing = totals - weights
        shares.append(_row_sums(missing[:, names]) / np.maximum(_row_sums(missing[:, _TOKEN_KINDS]), 1.0))
    return [*shared.containments(_TOKEN_KINDS[_TOKEN_KINDS & NAME == 0], 0.0), np.clip(np.minimum(*shares), 0.0, 1.0)]


def _stage_signals(shared: _Shared) -> list[NDArray[np.float64]]:
    """Stages of a story that one head names and the other does not, the smaller side and the larger, and stages in common."""
    ours, theirs = (totals[:, STAGE] - weights[:, STAGE] for weights, totals in zip(shared.weights, shared.totals, strict=True))
    return [np.minimum(ours, theirs), np.maximum(ours, theirs), shared.weights[0][:, STAGE]]


def _order_agreement(profiles: Profiles, pairs: Indices, ours: Indices, theirs: Indices, n_pairs: int) -> NDArray[np.float64]:
    """Correlation of the places at which the shared tokens first stand: near 1 where one text tells all in the other's order."""
    is_token = np.flatnonzero(np.minimum(profiles.kinds.take(ours), profiles.kinds.take(theirs)) < BIGRAM)
    owners = pairs.take(is_token)
    x = profiles.positions.take(ours.take(is_token)).astype(np.float64)
    y = profiles.positions.take(theirs.take(is_token)).astype(np.float64)
    weights = profiles.weights.take(ours.take(is_token)).astype(np.float64)
    n = np.maximum(np.bincount(owners, weights=weights, minlength=n_pairs), 1e-9)
    sums = [np.bincount(owners, weights=weights * term, minlength=n_pairs) / n for term in (x, y, x * x, y * y, x * y)]
    mean_x, mean_y, square_x, square_y, product = sums
    spread = np.sqrt(np.maximum(square_x - mean_x**2, 0) * np.maximum(square_y - mean_y**2, 0))
    return np.where(spread > 1e-6, (product - mean_x * mean_y) / np.maximum(spread, 1e-9), 0.0)
