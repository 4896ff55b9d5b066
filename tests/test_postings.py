"""Posted samples: found by brute force and by arrays alike, merged, written and read back."""

from collections.abc import Sequence
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsclf.duplicates import postings as postings_module
from newsclf.duplicates.postings import Postings, find_posted, list_lengths, merged, post
from newsclf.duplicates.rows import hash_rows, shortened
from newsclf.duplicates.samples import (
    MAX_LIST,
    MIN_SAMPLED,
    N_LOOKED_UP,
    N_SAMPLED,
    WHOLE_WEIGHT,
    RareTerms,
    Samples,
    rare_terms,
    sampled,
)
from newsclf.index.encoding import decoded_samples, encoded_samples, packed_text, unpacked_text
from newsclf.index.segments import name_segment, open_segment, write_segment
from newsclf.model_file import load

MODEL = load()
VOCABULARY = shortened(MODEL.vocabulary)
WORDS = st.sampled_from(
    ["aldbrook", "birch", "cobalt", "dunmore", "elmet", "farrow", "glisten", "hexham", "ivory", "jasper", "kelp", "the", "said"]
)
TEXTS = st.lists(st.lists(WORDS, max_size=40).map(" ".join), min_size=1, max_size=12)


def terms_of(texts: Sequence[str]) -> RareTerms:
    return rare_terms(hash_rows(texts, VOCABULARY), VOCABULARY.n_articles)


def samples_of(texts: Sequence[str]) -> Samples:
    terms = terms_of(texts)
    return sampled(terms, np.zeros(len(terms.hashes), np.int64))


def posted(texts: Sequence[str], first: int = 0) -> Postings:
    return post(samples_of(texts), np.arange(first, first + len(texts)))


def by_brute_force(texts: Sequence[str], queries: Sequence[str]) -> dict[tuple[int, int], float]:
    """The formulas of find_posted, one pair at a time."""
    samples, terms = samples_of(texts), terms_of(queries)
    ends = np.cumsum(samples.sizes.astype(int))
    found = {}
    for query in range(len(queries)):
        mine = terms.owners == query
        weights = dict(zip(terms.hashes[mine].tolist(), terms.weights[mine].tolist(), strict=True))
        for article, end in enumerate(ends):
            shared = [weights[h] for h in samples.hashes[end - samples.sizes[article] : end].tolist() if h in weights]
            weight = sum(shared)
            cosine = weight * samples.scales[article] / max(np.sqrt(float(terms.totals[query]) * samples.totals[article]), 1e-9)
            share = weight / max(samples.weights[article], 1e-9)
            is_enough = cosine >= postings_module.MIN_COSINE_ESTIMATE or share >= postings_module.MIN_SHARED_WEIGHT
            if weight >= WHOLE_WEIGHT or (len(shared) >= postings_module.MIN_SHARED and is_enough):
                found[query, article] = max(cosine, share / 2)
    return found


@given(TEXTS, TEXTS, st.integers(0, 3))
def test_posted_articles_are_found_as_by_brute_force(texts: list[str], queries: list[str], n_parts: int) -> None:
    edges = np.linspace(0, len(texts), n_parts + 2).astype(int)
    parts = [posted(texts[a:b], a) for a, b in pairwise(edges.tolist())]
    found = find_posted(parts, terms_of(queries))
    pairs = dict(zip(zip(found.queries.tolist(), found.posts.tolist(), strict=True), found.estimates.tolist(), strict=True))
    expected = by_brute_force(texts, queries)
    near_the_line = {pair for pair in set(pairs) ^ set(expected) if abs(expected.get(pair, pairs.get(pair, 9.0)) - 0.18) < 0.04}
    assert set(pairs) ^ set(expected) <= near_the_line
    for pair in set(pairs) & set(expected):
        assert pairs[pair] == pytest.approx(expected[pair], rel=1e-2)


@given(TEXTS)
def test_a_text_finds_its_like_whatever_the_case(texts: list[str]) -> None:
    found = find_posted([posted(texts)], terms_of([text.upper() for text in texts]))
    whole = {(query, article) for query, article, w in zip(found.queries, found.posts, found.is_whole, strict=True) if w}
    assert {(i, i) for i, text in enumerate(texts) if text} <= whole


def test_nothing_is_found_in_nothing() -> None:
    assert not len(find_posted([], terms_of(["a kelp forest", ""])).posts)
    assert not len(find_posted([posted(["", ""])], terms_of([""])).posts)


@given(TEXTS, TEXTS, TEXTS)
def test_merged_postings_are_those_of_all_articles(first: list[str], second: list[str], queries: list[str]) -> None:
    parts = [posted(first), posted(second, len(first))]
    one = merged(parts, lambda name, length, dtype: np.empty(length, dtype))
    whole = posted([*first, *second])
    for field in fields(Postings):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(whole, field.name), err_msg=field.name)
    assert find_posted([one], terms_of(queries)).posts.tolist() == find_posted(parts, terms_of(queries)).posts.tolist()


def test_large_postings_keep_sixteen_bits_of_a_hash_and_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["aldbrook birch cobalt dunmore elmet", "farrow glisten hexham ivory jasper"]
    small = find_posted([posted(texts)], terms_of(texts))
    monkeypatch.setattr(postings_module, "MIN_START_BITS", 24)
    large = posted(texts)
    assert large.lows.dtype == np.uint16
    assert find_posted([large], terms_of(texts)).posts.tolist() == small.posts.tolist() == [0, 1]


def test_a_sample_has_few_terms_and_no_common_ones() -> None:
    long_text = " ".join(f"word{number} the said" for number in range(500))
    terms, samples = terms_of([long_text, "the said", ""]), samples_of([long_text, "the said", ""])
    assert (np.bincount(terms.owners, minlength=3) <= N_LOOKED_UP + 1).all()
    assert samples.sizes.tolist() == [N_SAMPLED + 1, 2, 0]  # one more for the whole text; "the said" is a rare bigram


def test_terms_that_many_have_posted_are_posted_no_more() -> None:
    text = " ".join(f"word{number}" for number in range(60))
    terms = terms_of([text])
    lengths = np.where(np.arange(len(terms.hashes)) % 3 == 0, MAX_LIST + 1, 0)
    crowded = set(terms.hashes[1:][lengths[1:] > 0].tolist())  # the first is the whole text
    assert not crowded & set(sampled(terms, lengths).hashes.tolist())
    everywhere = sampled(terms, np.full(len(terms.hashes), MAX_LIST + 1))
    assert everywhere.sizes.tolist() == [MIN_SAMPLED + 1]


def test_list_lengths_count_the_articles_that_have_posted_a_term() -> None:
    parts = [posted(["kelp forest aldbrook"] * 3), posted(["kelp forest aldbrook", "birch"], 3)]
    assert list_lengths(parts, terms_of(["kelp forest aldbrook"]).hashes).tolist() == [4] * 6


@given(TEXTS)
def test_samples_are_read_back_as_they_were_written(texts: list[str]) -> None:
    samples = samples_of(texts)
    read = decoded_samples(encoded_samples(samples))
    for field in fields(Samples):
        np.testing.assert_array_equal(getattr(read, field.name), getattr(samples, field.name))


@pytest.mark.parametrize("blob", [b"", b"\x05" + bytes(12), bytes(20)], ids=["empty", "cut", "too long"])
def test_a_damaged_sample_is_told(blob: bytes) -> None:
    with pytest.raises(ValueError, match="damaged"):
        decoded_samples([blob])


@given(st.text())
def test_texts_are_read_back_as_they_were_packed(text: str) -> None:
    assert unpacked_text(packed_text(text)) == text


def written(tmp_path: Path) -> tuple[Postings, str]:
    postings = posted(["kelp forest aldbrook", "birch cobalt dunmore elmet farrow"])

    def fill(new_array: postings_module.NewArray) -> Postings:
        return merged([postings], new_array)

    unnamed, checksums = write_segment(tmp_path, fill)
    name_segment(unnamed, "one")
    return postings, checksums


def test_a_segment_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    postings, checksums = written(tmp_path)
    read = open_segment(tmp_path, "one", checksums)
    for field in fields(Postings):
        np.testing.assert_array_equal(getattr(read, field.name), getattr(postings, field.name))
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


@pytest.mark.parametrize("array", [field.name for field in fields(Postings)])
@pytest.mark.parametrize("position", [-1, -3])
def test_a_changed_byte_of_a_segment_is_told(array: str, position: int, tmp_path: Path) -> None:
    _, checksums = written(tmp_path)
    file = tmp_path / "one" / f"{array}.npy"
    raw = bytearray(file.read_bytes())
    raw[position] ^= 64
    file.write_bytes(raw)
    with pytest.raises(ValueError, match=f"checksum of {array}"):
        open_segment(tmp_path, "one", checksums)


def test_a_segment_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    def fill(new_array: postings_module.NewArray) -> Postings:
        new_array("posts", 3, np.dtype(np.int64))
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_segment(tmp_path, fill)
    assert not list(tmp_path.iterdir())
