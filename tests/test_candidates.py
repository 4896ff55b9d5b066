"""Candidate pairs: held against brute force, on random rows and on rows made to be awkward."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from newsclf.duplicates import join
from newsclf.duplicates.candidates import CandidatePairs, candidate_blocks, candidate_pairs
from newsclf.duplicates.prefix import Entries
from newsclf.tfidf import Rows

Weights = dict[int, float]
N_COLUMNS = 40
TOLERANCE = 2e-6  # float32 values; a pair nearer to the threshold than this may be in or out

# Whole numbers, so that rows which differ share exact cosines: (3, 4, 0) with (5, 0, 0) is .6.
awkward_rows = st.lists(
    st.one_of(
        st.dictionaries(st.integers(0, N_COLUMNS - 1), st.integers(1, 5).map(float), max_size=12),
        st.sampled_from([{}, {7: 1.0}, {0: 3.0, 1: 4.0}, {0: 5.0}, dict.fromkeys(range(20), 1.0)]),
    ),
    max_size=25,
)
thresholds = st.sampled_from([0.1, 0.5, 0.6, 0.8, 0.96, 1.0])


def to_rows(weights: Sequence[Weights], n_columns: int = N_COLUMNS) -> Rows:
    columns = [np.array(sorted(row), dtype=np.int32) for row in weights]
    values = [np.array([row[int(c)] for c in cs], dtype=np.float64) for row, cs in zip(weights, columns, strict=True)]
    scaled = [v / np.linalg.norm(v) if len(v) else v for v in values]
    offsets = np.cumsum([0, *map(len, columns)], dtype=np.int64)
    if not weights:
        return Rows(offsets, np.zeros(0, np.int32), np.zeros(0, np.float32), n_columns)
    return Rows(offsets, np.concatenate(columns), np.concatenate(scaled).astype(np.float32), n_columns)


def dense(rows: Rows) -> NDArray[np.float64]:
    matrix = np.zeros((len(rows), rows.n_columns))
    matrix[np.repeat(np.arange(len(rows)), np.diff(rows.offsets)), rows.columns] = rows.values
    return matrix


def found(pairs: CandidatePairs) -> set[tuple[int, int]]:
    return set(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))


def brute_force(rows: Rows, threshold: float) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """Pairs that must be found, and pairs that may be: of equal rows only the first counts, and the tie to it."""
    matrix = dense(rows)
    first = [next(i for i in range(len(rows)) if (matrix[i] == matrix[j]).all()) for j in range(len(rows))]
    distinct = {j for j, i in enumerate(first) if i == j}
    copies = {(i, j) for j, i in enumerate(first) if i != j and matrix[j].any()}
    cosine = matrix @ matrix.T
    close = {(i, j) for j in distinct for i in distinct if i < j and cosine[i, j] >= threshold - TOLERANCE}
    sure = {(i, j) for i, j in close if cosine[i, j] >= threshold - TOLERANCE / 4}
    return sure | copies, close | copies


@given(awkward_rows, thresholds)
def test_every_pair_at_the_threshold_is_found_and_no_other(weights: list[Weights], threshold: float) -> None:
    rows = to_rows(weights)
    must, may = brute_force(rows, threshold)
    pairs = candidate_pairs(rows, threshold, min_prefix=0)
    assert must <= found(pairs) <= may
    assert len(found(pairs)) == len(pairs)
    matrix = dense(rows)
    np.testing.assert_allclose(pairs.cosine, (matrix[pairs.left] * matrix[pairs.right]).sum(axis=1), atol=1e-6)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.3, 0.5, 0.8]))
def test_rows_like_texts_lose_no_pair(seed: int, threshold: float) -> None:
    rows = like_texts(np.random.default_rng(seed), n_rows=80)
    must, may = brute_force(rows, threshold)
    assert must <= found(candidate_pairs(rows, threshold, min_prefix=0)) <= may


def like_texts(random: np.random.Generator, n_rows: int) -> Rows:
    """Rows with a few common and many rare columns, a third of them edited copies of earlier rows."""
    weights: list[Weights] = []
    for _ in range(n_rows):
        columns = np.unique(random.zipf(1.3, size=60) % 2000)
        row = dict(zip(columns.tolist(), (1 + np.log(columns + 1)).tolist(), strict=True))
        if weights and random.random() < 0.35:
            old = weights[int(random.integers(len(weights)))]
            row = {c: w for c, w in old.items() if random.random() < 0.8} | {
                c: w for c, w in row.items() if random.random() < 0.3
            }
        weights.append(row)
    return to_rows(weights, n_columns=2000)


@given(awkward_rows, thresholds, st.integers(1, 200))
def test_memory_in_parts_changes_nothing(weights: list[Weights], threshold: float, n_values: int) -> None:
    rows = to_rows(weights)
    whole = candidate_pairs(rows, threshold, min_prefix=3)
    parts = candidate_pairs(rows, threshold, min_prefix=3, max_memory_bytes=40 * n_values)
    assert found(parts) == found(whole)
    np.testing.assert_array_equal(parts.cosine, whole.cosine)


def test_rounding_never_takes_from_the_weight_of_a_meeting() -> None:
    """The weight is a bound; were it rounded down, pairs just at the threshold would be pruned."""
    values = np.full(300, 0.0577, dtype=np.float32)
    columns = np.arange(300, dtype=np.int32)
    entries = Entries(np.array([0, 300]), columns, values, np.ones(300, dtype=np.float32))
    level = np.zeros(300, dtype=np.int16)
    joined = join.join(entries, level, values, join.post(entries, level, values))
    met = join.meet(joined, 0, 1, skipped=None, only_after=None, least_weight=0)
    exact = float((values.astype(np.float64) ** 2).sum())
    assert exact <= met.weight[0] <= exact + 300 * 2**-15


def test_small_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = like_texts(np.random.default_rng(5), n_rows=300)
    whole = candidate_pairs(rows, 0.4)
    monkeypatch.setattr(join, "MEETINGS_AT_ONCE", 7)
    small = candidate_pairs(rows, 0.4)
    np.testing.assert_array_equal(small.left, whole.left)
    np.testing.assert_array_equal(small.right, whole.right)


@given(awkward_rows, st.randoms(use_true_random=False))
def test_another_order_finds_the_same_pairs_the_earlier_row_on_the_left(weights: list[Weights], random: object) -> None:
    unique = [dict(items) for items in dict.fromkeys(tuple(sorted(row.items())) for row in weights)]
    rows = to_rows(unique)
    ranks = np.array(random.sample(range(len(rows)), len(rows)), dtype=np.int64)  # type: ignore[attr-defined]
    plain = candidate_pairs(rows, 0.5, min_prefix=5)
    ordered = [found(block) for block in candidate_blocks(rows, 0.5, ranks=ranks, min_prefix=5)]
    pairs = set().union(*ordered)
    assert all(ranks[i] < ranks[j] for i, j in pairs)
    if len({row.tobytes() for row in dense(rows)}) == len(rows):  # scaling can make rows equal; then ranks choose the first
        assert {(min(p), max(p)) for p in pairs} == found(plain)


def test_the_earliest_by_rank_stands_for_equal_rows() -> None:
    rows = to_rows([{1: 1.0, 2: 2.0}] * 3)
    blocks = list(candidate_blocks(rows, 0.5, ranks=np.array([1, 2, 0])))
    assert set().union(*map(found, blocks)) == {(2, 0), (2, 1)}


def test_ten_thousand_copies_cost_ten_thousand_pairs() -> None:
    rows = to_rows([{0: 1.0, 1: 2.0}] + [{3: 1.0, 4: 2.0, 5: 1.0}] * 10_000 + [{3: 1.0, 4: 2.0, 6: 1.0}])
    pairs = candidate_pairs(rows, 0.5)
    assert len(pairs) == 10_000
    assert set(pairs.left.tolist()) == {1}


def test_near_copies_that_became_members_are_not_paired_with_each_other() -> None:
    boilerplate = dict.fromkeys(range(30), 1.0)
    rows = to_rows([boilerplate | {30 + i: 0.5} for i in range(3000)], n_columns=3030)
    is_member = np.zeros(len(rows), dtype=np.bool_)
    n_pairs, of_the_first = 0, set()
    for block in candidate_blocks(rows, 0.8, is_member=is_member):
        n_pairs += len(block)
        of_the_first |= {right for left, right in found(block) if left == 0}
        is_member[block.right] = True
    assert of_the_first == set(range(1, 3000))
    assert n_pairs < 3_000_000  # of 4,498,500


def test_a_cut_copy_is_found_by_its_rare_columns() -> None:
    random = np.random.default_rng(3)
    long = dict(enumerate(random.uniform(0.8, 1.2, 400).tolist()))
    short = {column: long[column] for column in range(100, 140)}
    others = [dict.fromkeys(random.choice(400, 100, replace=False).tolist(), 1.0) for _ in range(20)]
    rows = to_rows([long, short, *others], n_columns=400)
    assert (0, 1) in found(candidate_pairs(rows, 0.5, min_prefix=100))
    assert (0, 1) not in found(candidate_pairs(rows, 0.5, min_prefix=0))


def test_a_full_copy_does_not_hide_a_cut_copy() -> None:
    """The rarest columns by exact frequency would be those that only the two full texts have."""
    long = dict.fromkeys(range(400), 1.0)
    rows = to_rows([long, long | {400: 1.0}, dict.fromkeys(range(50, 130), 1.0), {400: 1.0, 401: 1.0}], n_columns=402)
    assert {(0, 2), (1, 2)} <= found(candidate_pairs(rows, 0.5, min_prefix=30))


@pytest.mark.parametrize("weights", [[], [{}], [{}, {}], [{1: 1.0}], [{1: 1.0}, {2: 1.0}]])
def test_rows_that_share_nothing_give_no_pairs(weights: list[Weights]) -> None:
    pairs = candidate_pairs(to_rows(weights))
    assert len(pairs) == 0
    assert [a.dtype.name for a in (pairs.left, pairs.right, pairs.cosine)] == ["int32", "int32", "float32"]


def test_pairs_come_by_left_then_right() -> None:
    pairs = candidate_pairs(like_texts(np.random.default_rng(1), n_rows=200), 0.4)
    assert (pairs.left < pairs.right).all()
    assert (np.diff(pairs.left.astype(np.int64) * 200 + pairs.right) > 0).all()


def test_arguments_out_of_range_are_named() -> None:
    rows = to_rows([{1: 1.0}, {1: 1.0}])
    with pytest.raises(ValueError, match=r"threshold is 0; it must be over 0"):
        candidate_pairs(rows, 0)
    with pytest.raises(ValueError, match="min_prefix is -1"):
        candidate_pairs(rows, min_prefix=-1)
    with pytest.raises(ValueError, match="ranks must hold each of 0 to 1 once"):
        list(candidate_blocks(rows, ranks=np.array([0, 0])))
    with pytest.raises(ValueError, match="is_member has shape"):
        list(candidate_blocks(rows, is_member=np.zeros(3, dtype=np.bool_)))
