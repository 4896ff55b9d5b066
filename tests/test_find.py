"""A corpus to its clusters: what the answer may depend on, and what it may not. The decision is a stub: half of the 3-grams."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import newsclf
from newsclf.article import Article
from newsclf.dedup import MIN_MEMORY_BYTES, find_duplicates
from newsclf.duplicates import find, join, verify
from newsclf.duplicates import rows as rows_module
from newsclf.duplicates.cluster import Clusters, Membership
from newsclf.duplicates.decide import DuplicateModel
from newsclf.duplicates.find import find_clusters
from newsclf.duplicates.signal_names import SIGNALS
from newsclf.errors import ModelFileError
from newsclf.text import blocks

WHEAT = "The wheat harvest in the north was the best in ten years, the ministry said on Monday."
ROCKET = "A rocket took two satellites to orbit from the coast on Friday evening, engineers said."
MORE = " Rain in May had saved most of the fields."
NAMES = ["Aldbrook", "Brennford", "Carrow", "Dunmere", "Elsing", "Farleigh", "Gorsley", "Hexton", "Ilminster", "Jarrow"]
WORDS = ["court", "mill", "bridge", "mayor", "school", "river", "tax", "fire", "union", "hospital", "storm", "election"]


def half_of_the_trigrams() -> DuplicateModel:
    signal = np.array([[list(SIGNALS).index("trigram_containment_max")]], np.int16)
    leaves = np.array([[-4, 4]], np.float32)
    return DuplicateModel(signal, np.array([[0.5]], np.float32), leaves, np.array([1.0, 0.0]))


MODEL = replace(newsclf.load(), duplicates=half_of_the_trigrams())


def made_corpus(n_articles: int, seed: int = 0) -> list[Article]:
    """Articles of 30 to 60 words, a third of them copies of earlier ones: whole, cut, or with a few words changed."""
    random = Random(seed)
    texts: list[str] = []
    for _ in range(n_articles):
        words = [random.choice(WORDS + NAMES) + str(random.randrange(40)) for _ in range(random.randrange(30, 60))]
        if texts and random.random() < 0.4:
            words = random.choice(texts).split()
            words = words[: random.randrange(15, 60)] if random.random() < 0.5 else words
            words = [word if random.random() < 0.95 else random.choice(NAMES) for word in words]
        texts.append(" ".join(words))
    return [Article(text, id=f"n{number}") for number, text in enumerate(texts)]


def memberships(articles: Sequence[Article], clusters: Clusters) -> dict[str | None, tuple[Membership, str | None]]:
    """By id, so that the numbers of the articles do not matter: the membership, and the id of the canonical."""
    return {
        article.id: (replace(member, canonical=0), articles[member.canonical].id)
        for article, member in zip(articles, clusters, strict=True)
    }


def kept(*articles: Article | str) -> list[int]:
    return [member.canonical for member in find_duplicates(articles, MODEL)]


@settings(max_examples=10)
@given(st.randoms(use_true_random=False))
def test_shuffling_articles_keeps_the_clusters(random: Random) -> None:
    articles = [*made_corpus(40), Article("", id="empty"), Article(WHEAT, id="y"), Article(WHEAT, id="z")]
    shuffled = random.sample(articles, len(articles))
    expected = memberships(articles, find_duplicates(articles, MODEL))
    assert memberships(shuffled, find_duplicates(shuffled, MODEL)) == expected


def test_the_made_corpus_has_clusters_of_several_kinds() -> None:
    """Or the tests that nothing changes would test nothing."""
    clusters = find_duplicates(made_corpus(200), MODEL)
    assert clusters.n_duplicates > 40
    assert sum(count > 5 for count in clusters.count_kinds().values()) >= 3
    assert max(len(cluster.members) for cluster in clusters.with_duplicates()) > 2


def clusters_with_memory(articles: Sequence[Article], max_memory_bytes: int) -> Clusters:
    return find_clusters(
        articles,
        MODEL.vocabulary,
        MODEL.decision,
        n_jobs=1,
        max_memory_bytes=max_memory_bytes,
        progress=lambda step, n_done, n_articles: None,
    )


@pytest.mark.parametrize("max_memory_bytes", [1, 40_000])
def test_memory_and_sizes_of_blocks_change_nothing(max_memory_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    articles = made_corpus(40)
    expected = list(find_duplicates(articles, MODEL))
    monkeypatch.setattr(blocks, "BLOCK_CHARACTERS", 700)
    monkeypatch.setattr(find, "DECIDED_AT_ONCE", 3)
    monkeypatch.setattr(rows_module, "ENTRIES_AT_ONCE", 500)
    monkeypatch.setattr(join, "MEETINGS_AT_ONCE", 20)
    monkeypatch.setattr(verify, "PAIRS_AT_ONCE", 2)
    monkeypatch.setattr(verify, "PROFILED_TOGETHER", 3)
    assert list(clusters_with_memory(articles, max_memory_bytes)) == expected


def test_processes_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    articles = made_corpus(60)
    expected = list(find_duplicates(articles, MODEL))
    monkeypatch.setattr(blocks, "BLOCK_CHARACTERS", 4000)
    assert list(find_duplicates(articles, MODEL, n_jobs=2)) == expected


def test_too_little_memory_is_refused() -> None:
    with pytest.raises(ValueError, match="max_memory_bytes must be 16,777,216 or more, not 16,777,215"):
        find_duplicates([WHEAT], MODEL, max_memory_bytes=MIN_MEMORY_BYTES - 1)


def test_a_model_without_a_decision_is_refused() -> None:
    with pytest.raises(ModelFileError, match="knows nothing of duplicates"):
        find_duplicates([WHEAT], replace(MODEL, duplicates=None))


def test_the_earliest_published_is_kept_though_it_is_shorter() -> None:
    undated, late, early = Article(WHEAT + MORE), Article(WHEAT, published="2024-05-02"), Article(WHEAT, published="2024-05-01")
    assert kept(undated, late, early) == [2, 2, 2]
    assert kept(undated, late) == [1, 1]


def test_of_one_date_the_longest_is_kept() -> None:
    short, long = Article(WHEAT, id="a", published="2024-05-01"), Article(WHEAT + MORE, id="b", published="2024-05-01")
    assert kept(short, long) == [1, 1]
    assert kept(replace(short, published=None), replace(long, published=None)) == [1, 1]


def test_of_one_length_the_lowest_id_is_kept() -> None:
    assert kept(Article(WHEAT, id="b"), Article(WHEAT, id="a"), Article(WHEAT, id="c")) == [1, 1, 1]


def test_of_equal_articles_the_first_is_kept() -> None:
    assert kept(ROCKET, WHEAT, WHEAT, ROCKET) == [0, 1, 1, 0]


def test_compare_says_the_same_of_a_member_and_its_canonical() -> None:
    articles = made_corpus(60, seed=3)
    clusters = find_duplicates(articles, MODEL)
    for number, member in enumerate(clusters):
        if member.duplicate:
            match = MODEL.compare(articles[member.canonical], articles[number])
            assert (match.duplicate, match.kind, match.probability) == (True, member.kind, member.probability)
        else:
            assert (member.canonical, member.kind, member.probability) == (number, None, None)


def test_articles_without_words_are_duplicates_of_nothing() -> None:
    wordless: list[Article | str] = ["", "", " \n ", "...", "...", "!!!", Article("", title=""), Article("---", id="x")]
    clusters = find_duplicates([*wordless, WHEAT, WHEAT], MODEL)
    assert [member.canonical for member in clusters] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 8]


def test_no_article_gives_no_membership() -> None:
    clusters = find_duplicates([], MODEL)
    assert (len(clusters), list(clusters), list(clusters.with_duplicates()), clusters.n_duplicates) == (0, [], [], 0)
    assert clusters.canonical.dtype == np.int64 and clusters.digests.dtype == np.uint64


def test_a_stream_is_read_once() -> None:
    def stream() -> Iterator[Article]:
        yield from (Article(WHEAT), Article(ROCKET), Article(WHEAT))

    articles = stream()
    assert [member.canonical for member in find_duplicates(articles, MODEL)] == [0, 1, 0]
    assert next(articles, None) is None


def test_a_text_is_as_good_as_an_article() -> None:
    texts = [WHEAT, ROCKET, WHEAT + MORE]
    assert list(find_duplicates(texts, MODEL)) == list(find_duplicates([Article(text) for text in texts], MODEL))


def test_ten_thousand_copies_are_one_cluster() -> None:
    clusters = find_duplicates((Article(WHEAT, id=str(number)) for number in range(10_000)), MODEL)
    (cluster,) = clusters.with_duplicates()
    assert (cluster.canonical, cluster.members) == (0, tuple(range(1, 10_000)))
    assert clusters.count_kinds()["exact"] == 9_999


def test_cluster_ids_do_not_change_when_other_articles_are_added() -> None:
    articles = made_corpus(30)
    others = [Article(ROCKET, id="r"), Article(WHEAT, id="w"), Article(WHEAT + MORE, id="v")]
    before = memberships(articles, find_duplicates(articles, MODEL))
    together = [*others, *articles]
    after = memberships(together, find_duplicates(together, MODEL))
    assert {name: after[name] for name in before} == before


def test_progress_tells_both_steps() -> None:
    calls: list[tuple[str, int, int | None]] = []
    find_duplicates([WHEAT, ROCKET, WHEAT], MODEL, progress=lambda *call: calls.append(call))
    assert [(step, n_articles) for step, _, n_articles in calls] == [("reading", None), ("comparing", 3), ("comparing", 3)]
    assert calls[0][1] == 3 and 0 < calls[1][1] <= calls[2][1] == 3


def test_copies_of_a_member_are_members_too() -> None:
    assert kept(WHEAT + MORE, WHEAT, WHEAT) == [0, 0, 0]


@pytest.mark.parametrize("seed", range(3))
def test_no_canonical_is_a_duplicate_of_another(seed: int) -> None:
    """By brute force; a cut copy of a cosine under .5 may be missed."""
    articles = made_corpus(60, seed)
    articles += [replace(article, id=f"{article.id}x") for article in Random(seed).sample(articles, 15)]
    alone = [a for a, member in zip(articles, find_duplicates(articles, MODEL), strict=True) if not member.duplicate]
    for number, one in enumerate(alone):
        matches = [MODEL.compare(one, other) for other in alone[:number]]
        assert not [match for match in matches if match.duplicate and match.cosine >= 0.51]


def test_one_text_is_no_corpus() -> None:
    with pytest.raises(TypeError, match="articles must be several"):
        find_duplicates(WHEAT, MODEL)
