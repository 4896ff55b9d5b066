"""The vectoriser against scikit-learn's TfidfVectorizer, on random Unicode and on made texts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from newsclf.text import tokens
from newsclf.text.tokens import BIGRAM_SCRIPTS, blocks, hash_term, hash_terms, tokenize
from newsclf.tfidf import Rows, Vocabulary, count_terms, join_rows, tfidf_rows

WORDS = [
    "wheat",
    "Rain",
    "ΟΔΟΣ",
    "İstanbul",
    "naïve",
    "x",
    "3.5",
    "don't",
    "_under_",
    "été",
    "Straße",
    "मानसून",
    "𝐁old",
    "٣٤",
    "ﬁ",
]


def is_spaced(character: str) -> bool:
    return not any(first <= ord(character) <= last for first, last in BIGRAM_SCRIPTS)


spaced_texts = st.lists(
    st.one_of(
        st.text(st.characters(exclude_categories=[]).filter(is_spaced), max_size=40),
        st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join),
        st.text("aAbB \n._-'’é٣", max_size=60),
    ),
    max_size=8,
)


def to_scipy(rows: Rows) -> csr_matrix:
    return csr_matrix((rows.values, rows.columns, rows.offsets), shape=(len(rows), rows.n_columns))


def in_our_order(matrix: csr_matrix, terms: list[str]) -> np.ndarray:
    """scikit-learn's matrix with its columns in the order of our hashes."""
    columns: np.ndarray = matrix.toarray().T[np.argsort(np.array([hash_term(term) for term in terms], np.uint64))]
    return columns.T


@settings(max_examples=300)
@given(spaced_texts)
def test_tokens_are_those_of_count_vectorizer(texts: list[str]) -> None:
    analyze = CountVectorizer().build_analyzer()
    found = tokenize(texts)
    ours = [(a, texts[a].lower()[s:e]) for a, s, e in zip(found.articles, found.starts, found.ends, strict=True)]
    assert ours == [(index, token) for index, text in enumerate(texts) for token in analyze(text)]


@settings(max_examples=300)
@given(spaced_texts)
def test_equal_tokens_and_only_they_have_equal_hashes(texts: list[str]) -> None:
    found = tokenize(texts)
    strings = [texts[a].lower()[s:e] for a, s, e in zip(found.articles, found.starts, found.ends, strict=True)]
    assert len(set(strings)) == len(set(found.hashes.tolist())) == len(set(zip(strings, found.hashes.tolist(), strict=True)))


@settings(max_examples=200, deadline=None)
@given(spaced_texts, st.integers(1, 2))
def test_rows_are_those_of_tfidf_vectorizer(texts: list[str], min_df: int) -> None:
    vocabulary = count_terms(texts, min_document_frequency=min_df)
    rows = tfidf_rows(texts, vocabulary)
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=min_df)
    try:
        theirs = vectorizer.fit_transform(texts)
    except ValueError:  # it refuses a corpus without a term
        assert len(vocabulary) == 0 and len(rows) == len(texts) and not len(rows.values)
        return
    terms = vectorizer.get_feature_names_out().tolist()
    assert vocabulary.hashes.tolist() == sorted(hash_term(term) for term in terms)
    np.testing.assert_allclose(to_scipy(rows).toarray(), in_our_order(theirs, terms), atol=1e-6)


def test_a_term_repeated_a_thousand_times_is_weighed_like_scikit_learns() -> None:
    texts = ["wheat " * 5000 + "rain rain", "wheat rain"]
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    theirs = vectorizer.fit_transform(texts)
    rows = tfidf_rows(texts, count_terms(texts, min_document_frequency=1))
    expected = in_our_order(theirs, vectorizer.get_feature_names_out().tolist())
    np.testing.assert_allclose(to_scipy(rows).toarray(), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("小麦が豊作", ["小麦", "麦が", "が豊", "豊作"]),
        ("米", ["米"]),
        ("한국 정부", ["한국", "정부"]),
        ("ชาวนา", ["ชา", "าว", "วน", "นา"]),
        ("น้ำท่วม", ["น้", "้ำ", "ำท", "ท่", "่ว", "วม"]),
        ("2023年小麦wheat", ["2023", "年小", "小麦", "wheat"]),
        ("x年y月", ["年", "月"]),
        ("𠮷野家", ["𠮷野", "野家"]),
    ],
)
def test_unspaced_scripts_become_character_bigrams(text: str, expected: list[str]) -> None:
    found = tokenize([text])
    assert [text[s:e] for s, e in zip(found.starts, found.ends, strict=True)] == expected


def test_a_text_has_the_same_hashes_whatever_stands_beside_it() -> None:
    alone = hash_terms(["Wheat prices rose"]).hashes
    for neighbour in ("plain", "“quoted”", "astral 𝐁", "小麦", ""):
        terms = hash_terms([neighbour, "Wheat prices rose"])
        assert sorted(terms.hashes[terms.articles == 1].tolist()) == sorted(alone.tolist())


@given(st.lists(st.text(max_size=30), max_size=20), st.integers(1, 60))
def test_blocks_hold_every_text_once_and_in_order(texts: list[str], size: int) -> None:
    original, tokens.BLOCK_CHARACTERS = tokens.BLOCK_CHARACTERS, size
    try:
        assert [text for block in blocks(texts) for text in texts[block]] == texts
    finally:
        tokens.BLOCK_CHARACTERS = original


@given(st.sets(st.integers(0, 2**64 - 1), max_size=50), st.lists(st.integers(0, 2**64 - 1), max_size=20))
def test_columns_finds_each_known_hash_and_no_other(known: set[int], asked: list[int]) -> None:
    hashes = np.array(sorted(known), np.uint64)
    vocabulary = Vocabulary(hashes, np.ones(len(hashes), np.int32), 1)
    queries = [*asked, *known, 0, 2**64 - 1]
    expected = [sorted(known).index(query) if query in known else -1 for query in queries]
    assert vocabulary.columns(np.array(queries, np.uint64)).tolist() == expected


def test_no_text_gives_no_row() -> None:
    vocabulary = count_terms([], min_document_frequency=1)
    assert (len(vocabulary), len(tfidf_rows([], vocabulary)), len(join_rows([], 0))) == (0, 0, 0)


@pytest.mark.parametrize("term", ["", "a", "one two three", "小麦粉価格"])
def test_hash_term_refuses_what_is_not_one_term(term: str) -> None:
    with pytest.raises(ValueError, match="one token or two"):
        hash_term(term)
