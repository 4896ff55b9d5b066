"""Rows of all terms of a corpus: held against TF-IDF counted by hand, term by term."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from newsclf.duplicates import rows as rows_module
from newsclf.duplicates.identical import first_of_identical
from newsclf.duplicates.rows import MAX_BLOCK_ARTICLES, RowSpool, hash_rows, shortened
from newsclf.tfidf import Rows, count_terms

ENOUGH_MEMORY = 1 << 28
TRAINING = ["wheat rain field", "wheat rain", "rocket orbit wheat", "rocket moon"]
VOCABULARY = shortened(count_terms(TRAINING, min_document_frequency=1))
WORDS = ["wheat", "rain", "field", "rocket", "moon", "aldbrook", "quux", "zyx", "Wheat"]

corpora = st.lists(st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join), max_size=9)


def terms_of(text: str) -> Counter[str]:
    tokens = re.findall(r"\w\w+", text.lower())
    return Counter(tokens + [f"{one} {other}" for one, other in pairwise(tokens)])


def weights_by_hand(text: str) -> dict[str, float]:
    """(1 + ln(tf)) * (ln((1 + n) / (1 + df)) + 1), all scaled to norm 1; the df of an unknown term is 0."""
    df = Counter(term for known in TRAINING for term in set(terms_of(known)))
    plain = {
        term: (1 + math.log(tf)) * (math.log((1 + len(TRAINING)) / (1 + df[term])) + 1) for term, tf in terms_of(text).items()
    }
    norm = math.sqrt(sum(weight**2 for weight in plain.values()))
    return {term: weight / norm for term, weight in plain.items()}


def shared_terms(texts: Sequence[str]) -> set[str]:
    counts = Counter(term for text in texts for term in terms_of(text))
    return {term for term in counts if sum(term in terms_of(text) for text in texts) > 1}


def rows_of(texts: Sequence[str], block_size: int = 3, max_memory_bytes: int = ENOUGH_MEMORY) -> Rows:
    spool = RowSpool()
    for start in range(0, len(texts), block_size):
        spool.append(hash_rows(texts[start : start + block_size], VOCABULARY))
    return spool.shared_rows(max_memory_bytes)


def dense(rows: Rows) -> NDArray[np.float64]:
    matrix = np.zeros((len(rows), rows.n_columns))
    matrix[np.repeat(np.arange(len(rows)), np.diff(rows.offsets)), rows.columns] = rows.values
    return matrix


@settings(max_examples=50)
@given(corpora)
def test_cosines_are_those_of_all_terms(texts: list[str]) -> None:
    by_hand = [weights_by_hand(text) for text in texts]
    matrix = dense(rows_of(texts))
    cosines = matrix @ matrix.T
    for i, one in enumerate(by_hand):
        for j, other in enumerate(by_hand[:i]):
            assert cosines[i, j] == pytest.approx(sum(one[term] * other.get(term, 0) for term in one), abs=1e-5)


@settings(max_examples=50)
@given(corpora)
def test_a_row_has_the_terms_that_another_one_has_too_in_order(texts: list[str]) -> None:
    shared = shared_terms(texts)
    rows = rows_of(texts)
    assert rows.n_columns == max(len(shared), 1)
    assert np.diff(rows.offsets).tolist() == [len(shared & set(terms_of(text))) for text in texts]
    kept = [sum(weight**2 for term, weight in weights_by_hand(text).items() if term in shared) for text in texts]
    np.testing.assert_allclose((dense(rows) ** 2).sum(axis=1), kept, atol=1e-5)
    assert all((np.diff(rows.columns[start:stop]) > 0).all() for start, stop in pairwise(rows.offsets))


@settings(max_examples=50)
@given(corpora, st.integers(1, 9), st.integers(1, 40))
def test_blocks_and_passes_change_nothing(texts: list[str], block_size: int, n_entries: int) -> None:
    whole = rows_of(texts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows_module, "ENTRIES_AT_ONCE", n_entries)
        parts = rows_of(texts, block_size, max_memory_bytes=1)
    assert parts.n_columns == whole.n_columns
    for name in ("offsets", "columns", "values"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))


def test_equal_texts_have_rows_of_norm_1() -> None:
    text = "wheat rain at aldbrook, rain again"
    rows = rows_of([text, "quux", text.upper()])
    assert np.diff(rows.offsets).tolist()[1] == 0
    np.testing.assert_allclose((dense(rows) ** 2).sum(axis=1), [1, 0, 1], atol=1e-6)


@pytest.mark.parametrize("texts", [[], [""], ["", " ... ", ""], ["wheat rain"], ["wheat", "rain"]])
def test_where_nothing_is_shared_rows_are_empty(texts: list[str]) -> None:
    rows = rows_of(texts)
    assert (len(rows), rows.n_columns, rows.offsets.tolist()) == (len(texts), 1, [0] * (len(texts) + 1))
    assert [values.dtype.name for values in (rows.offsets, rows.columns, rows.values)] == ["int64", "int32", "float32"]


def test_a_block_of_too_many_texts_is_refused() -> None:
    with pytest.raises(ValueError, match="a block holds at most 1024 texts, not 1025"):
        hash_rows(["wheat"] * (MAX_BLOCK_ARTICLES + 1), VOCABULARY)


def test_the_largest_block_keeps_its_articles_apart() -> None:
    texts = [f"wheat{number}" for number in range(MAX_BLOCK_ARTICLES)]
    rows = rows_of(texts + texts, block_size=MAX_BLOCK_ARTICLES)
    assert np.diff(rows.offsets).tolist() == [1] * (2 * MAX_BLOCK_ARTICLES)
    np.testing.assert_array_equal(rows.columns[:MAX_BLOCK_ARTICLES], rows.columns[MAX_BLOCK_ARTICLES:])


def test_texts_that_differ_only_in_words_of_their_own_are_not_identical() -> None:
    rows = rows_of(["wheat rain field aldbrook", "wheat rain field quux", "moon zyx", "zyx moon moon zyx"])
    np.testing.assert_array_equal(dense(rows)[0], dense(rows)[1])
    assert first_of_identical(rows, np.arange(len(rows))).tolist() == [0, 1, 2, 3]


def test_texts_with_the_same_words_are_identical() -> None:
    rows = rows_of(["rocket moon", "wheat rain field", "Wheat, rain: field!", "wheat rain field"])
    assert first_of_identical(rows, np.arange(len(rows))).tolist() == [0, 1, 1, 1]


def test_terms_of_thousands_of_occurrences_weigh_by_the_formula() -> None:
    a, b = "wheat " * 20000 + "rain field " * 3, "wheat rain field"
    matrix, x, y = dense(rows_of([a, b])), weights_by_hand(a), weights_by_hand(b)
    assert matrix[0] @ matrix[1] == pytest.approx(sum(x[term] * y.get(term, 0) for term in x), abs=1e-5)
