"""The index: what it says, that it agrees with a corpus, what becomes of clusters, and that a window stays small."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

import newsclf
from newsclf.index import database as database_module
from newsclf.index import posted as posted_module
from newsclf.index.article_index import ArticleIndex
from newsclf.model_file import load

DATA = Path(__file__).parents[1] / "data"
MODEL = load()
BASE = "Forty growers in Aldbrook lost 4.2 mln euros of cherries to frost on Tuesday, the farmers union said in a statement."
TAIL = " It asked the ministry for aid and warned that the apple harvest in the valley was at risk as well."
OTHER = "The relay satellite reached its orbit around the moon after a flight of five days, the space agency in Dunmore said."


def article(id: str, text: str = BASE + TAIL, title: str = "") -> newsclf.Article:
    return newsclf.Article(text, title, id=id)


class Clock:
    """Seconds since 1970, moved by hand."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def index(tmp_path: Path) -> Iterator[ArticleIndex]:
    with newsclf.open_index(tmp_path / "articles.db", MODEL) as opened:
        yield opened


def test_an_article_is_new_then_a_copy_of_what_came_before(index: ArticleIndex) -> None:
    first = index.add(article("a"))
    copy = index.add(article("b", BASE + TAIL.replace("warned", "cautioned")))
    assert (first.status, first.duplicate, first.canonical, first.prediction.topic) == ("new", False, "a", "agriculture")
    assert (copy.duplicate, copy.canonical, copy.cluster, copy.kind) == (True, "a", first.cluster, "edited")
    assert copy.match is not None and copy.match.passages[0].text.startswith("Forty growers in Aldbrook")
    assert copy.match.probability == copy.probability and copy.match.cosine > 0.8


def test_check_says_what_add_would_say_and_adds_nothing(index: ArticleIndex) -> None:
    index.add(article("a"))
    checked = index.check(article("b"))
    assert index.stats().n_articles == 1
    assert index.add(article("b")) == checked
    unknown = index.check(article("c", OTHER))
    assert (unknown.duplicate, unknown.canonical, unknown.cluster) == (False, None, None)


def test_an_id_that_comes_again_is_the_same_article(index: ArticleIndex) -> None:
    first = index.add(article("a"))
    again = index.add(article("a"))
    assert (again.status, again.cluster, again.canonical, again.duplicate) == ("unchanged", first.cluster, "a", False)
    updated = index.add(article("a", OTHER))
    assert (updated.status, updated.cluster) == ("updated", first.cluster)
    stored = index.article("a")
    assert stored is not None and stored.article.text == OTHER and index.stats().n_articles == 1


def test_an_update_is_not_compared_with_what_it_replaces(index: ArticleIndex) -> None:
    index.add(article("a"))
    edited = article("a", BASE + TAIL.replace("warned", "cautioned"))
    assert not index.check(edited).duplicate
    assert not index.add(edited).duplicate


def test_an_id_that_stands_twice_among_many_is_added_and_then_updated(index: ArticleIndex) -> None:
    sightings = index.add_many([article("a"), article("b", OTHER), article("a", OTHER), article("a", OTHER)])
    assert [s.status for s in sightings] == ["new", "new", "updated", "unchanged"]
    assert sightings[2].canonical == "b"


def test_without_an_id_the_url_is_the_id_and_without_both_every_article_is_new(index: ArticleIndex) -> None:
    page = newsclf.Article(BASE + TAIL, url="https://example.org/frost")
    assert index.add(page).id == page.url
    assert index.add(page).status == "unchanged"
    assert [s.kind for s in index.add_many([OTHER, OTHER])] == [None, "exact"]


def test_one_article_is_no_stream(index: ArticleIndex) -> None:
    with pytest.raises(TypeError, match="for one there is add"):
        index.add_many(article("a"))  # type: ignore[arg-type]
    assert index.add_many([]) == []


@pytest.mark.parametrize("text", ["", "   ", "!!!", "the", "中"])
def test_articles_of_next_to_nothing_are_kept_and_copy_at_most_their_like(index: ArticleIndex, text: str) -> None:
    index.add_many([article("a"), article("b", OTHER)])
    sightings = index.add_many([article("c", text), article("d", text)])
    assert not sightings[0].duplicate
    assert sightings[1].canonical in ("c", "d")


# Agreement with a corpus


def fed(articles: Sequence[newsclf.Article], path: Path, sizes: Sequence[int]) -> dict[str, tuple[str, str | None]]:
    """Canonical and kind of each article after they were added in blocks of these sizes, again and again."""
    with newsclf.open_index(path, MODEL) as opened:
        start = number = 0
        while start < len(articles):
            stop = start + sizes[number % len(sizes)]
            opened.add_many(articles[start:stop])
            start, number = stop, number + 1
        return {stored.article.id or "": (stored.canonical, stored.kind) for stored in opened.export()}


def in_a_corpus(articles: Sequence[newsclf.Article]) -> dict[str, tuple[str, str | None]]:
    """The same of a corpus in which what comes first was published first."""
    dated = [replace(entry, published=f"{number:06d}") for number, entry in enumerate(articles)]
    clusters = newsclf.find_duplicates(dated, MODEL)
    return {entry.id or "": (articles[m.canonical].id or "", m.kind) for entry, m in zip(articles, clusters, strict=True)}


def copies_of(entry: newsclf.Article, random: Random) -> Iterator[newsclf.Article]:
    words = entry.text.split()
    yield replace(entry, id=f"{entry.id}-title", title=f"Report: {entry.title}")
    yield replace(entry, id=f"{entry.id}-cut", text=" ".join(words[: max(len(words) * 6 // 10, 1)]))
    edited = [word if random.random() > 0.1 else random.choice(words) for word in words]
    yield replace(entry, id=f"{entry.id}-edit", text=" ".join(edited))


CORPUS = list(newsclf.read_articles([DATA / "articles.jsonl", DATA / "duplicates.jsonl", DATA / "negatives.jsonl"]))


@pytest.mark.parametrize("seed", range(6))
def test_fed_in_any_blocks_an_index_has_the_clusters_of_the_corpus(seed: int, tmp_path: Path) -> None:
    """With the order of arrival as the order of publication.

    They may differ where a candidate shares too little with the sample of terms that is posted; where an article has more than
    sixteen canonicals that look alike; where a corpus has rows that are equal, of which it compares the first alone,
    while an index compares each; and then in what follows from that. Among these articles and their copies nothing does.
    """
    random = Random(seed)
    articles = random.sample(CORPUS, 60)
    articles += [copy for entry in articles[:25] for copy in copies_of(entry, random)]
    random.shuffle(articles)
    sizes = [random.choice([1, 2, 5, 30, 90]) for _ in range(4)]
    assert fed(articles, tmp_path / "articles.db", sizes) == in_a_corpus(articles)


def test_the_order_of_arrival_fixes_canonicals(tmp_path: Path) -> None:
    early = replace(article("b"), published="2026-01-01")
    late = replace(article("a", BASE), published="2026-02-01")
    assert fed([late, early], tmp_path / "one.db", [1])["b"][0] == "a"
    assert fed([early, late], tmp_path / "two.db", [1])["a"][0] == "b"
    clusters = newsclf.find_duplicates([late, early], MODEL)
    assert clusters[0].canonical == 1  # in a corpus the date does


def test_a_cluster_has_the_same_id_as_in_a_corpus(index: ArticleIndex) -> None:
    assert index.add(article("a")).cluster == newsclf.find_duplicates([article("a")], MODEL)[0].cluster


def test_copies_of_a_copy_to_the_character_join_its_canonical(tmp_path: Path) -> None:
    articles = [article("a"), article("b", edit(1)), article("c", edit(1)), article("d", edit(1))]
    for sizes in ([1], [4], [2]):
        clusters = fed(articles, tmp_path / f"{sizes[0]}.db", sizes)
        assert [clusters[name][0] for name in "abcd"] == ["a", "a", "a", "a"]


# What becomes of clusters


def edit(number: int) -> str:
    return BASE + TAIL.replace("warned", ["warned", "cautioned", "stressed", "added", "noted"][number])


def test_when_a_canonical_is_removed_the_first_copy_takes_its_place_and_the_id_stays(index: ArticleIndex) -> None:
    cluster = index.add_many([article(name, edit(n)) for n, name in enumerate("abc")])[0].cluster
    assert cluster is not None
    assert index.remove("a")
    found = index.cluster(cluster)
    assert found is not None and found.canonical.article.id == "b"
    assert [member.article.id for member in found.members] == ["c"]
    assert [(event.what, event.article) for event in found.events] == [("canonical", "b")]
    assert index.add(article("d", edit(3))).canonical == "b"


def test_removing_what_is_not_there_is_no_error(index: ArticleIndex) -> None:
    assert not index.remove("nowhere")
    assert index.article("nowhere") is None and index.cluster("nowhere") is None


def test_a_copy_that_was_removed_leaves_its_cluster_alone(index: ArticleIndex) -> None:
    cluster = index.add_many([article("a"), article("b")])[0].cluster
    index.remove("b")
    found = index.cluster(cluster or "")
    assert found is not None and not found.members and not found.events


def test_a_cluster_whose_canonical_becomes_a_copy_is_merged_and_still_found(index: ArticleIndex) -> None:
    first = index.add(article("a"))
    second = index.add(article("b", OTHER))
    updated = index.add(article("b", BASE + TAIL))
    assert (updated.status, updated.canonical) == ("updated", "a")
    found = index.cluster(second.cluster or "")
    assert found is not None and found.cluster == first.cluster
    assert [(event.what, event.cluster, event.other) for event in found.events] == [("merged", second.cluster, first.cluster)]


def test_copies_that_an_updated_canonical_no_longer_resembles_start_a_cluster_of_their_own(index: ArticleIndex) -> None:
    old = index.add_many([article("a"), article("b", edit(1)), article("c", edit(2))])[0].cluster
    updated = index.add(article("a", OTHER))
    moved = index.article("b")
    assert updated.cluster == old and moved is not None and moved.cluster != old and not moved.duplicate
    found = index.cluster(old or "")
    assert found is not None and not found.members
    assert [(event.what, event.article, event.other) for event in found.events] == [
        ("left", "b", moved.cluster),
        ("left", "c", moved.cluster),
    ]


def test_an_article_that_was_removed_and_comes_again_gets_no_cluster_id_that_is_taken(index: ArticleIndex) -> None:
    old = index.add_many([article("a"), article("b", edit(1))])[0].cluster
    index.remove("a")
    again = index.add(article("a"))
    assert (again.canonical, again.cluster) == ("b", old)
    index.remove("b")
    assert (index.article("a") or pytest.fail("gone")).cluster == old


# Odd input


def test_ids_with_characters_that_sqlite_cannot_look_up_are_found_again(index: ArticleIndex) -> None:
    for id_ in ("nu\0l", "half \ud83d", "it's", '"', "50%", "a\nb", "x" * 10_000):
        assert index.add(article(id_)).status == "new"
        assert index.add(article(id_)).status == "unchanged"
        assert index.article(id_) is not None and index.remove(id_)


def test_a_path_means_the_same_file_after_the_folder_was_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posted_module, "TIERS", (2, 4, 8))
    (tmp_path / "link.db").symlink_to(tmp_path / "articles.db")
    monkeypatch.chdir(tmp_path)
    with newsclf.open_index("link.db", MODEL) as index:
        monkeypatch.chdir(tmp_path.parent)
        index.add_many([article(str(number), words(Random(number), 30)) for number in range(40)])
    assert {path.name for path in tmp_path.iterdir()} >= {"articles.db", "articles.db-postings"}
    with newsclf.open_index(tmp_path / "articles.db", MODEL, read_only=True) as index:
        assert index.stats().n_articles == 40


def test_a_folder_is_no_index(tmp_path: Path) -> None:
    with pytest.raises(newsclf.IndexFileError, match="is a folder"):
        newsclf.open_index(tmp_path, MODEL)


def test_an_export_is_the_index_at_one_moment(index: ArticleIndex) -> None:
    index.add_many([article("a"), article("b", OTHER)])
    exported = index.export()
    first = next(exported)
    index.remove("b")
    index.add(article("c"))
    assert [first.article.id, *(stored.article.id for stored in exported)] == ["a", "b"]


def test_a_cut_copy_of_a_very_long_text_is_found_in_good_time(index: ArticleIndex) -> None:
    text = words(Random(3), 60_000)
    index.add(article("a", text))
    copy = index.add(article("b", text[: len(text) * 2 // 3]))
    assert copy.canonical == "a" and copy.match is not None and copy.match.passages


# Windows


def test_what_is_older_than_the_window_goes_as_other_articles_come(tmp_path: Path) -> None:
    clock = Clock()
    with newsclf.open_index(tmp_path / "articles.db", MODEL, window=timedelta(days=2), clock=clock) as index:
        index.add_many([article("a"), article("b", OTHER)])
        clock.now += timedelta(days=1).total_seconds()
        assert index.add(article("c", edit(1))).canonical == "a"
        clock.now += timedelta(days=1, hours=1).total_seconds()
        index.add(article("d", "Something else entirely happened in Elmet."))
        assert [stored.article.id for stored in index.export()] == ["c", "d"]
        assert index.add(article("e", edit(2))).canonical == "c"


def test_expire_takes_an_age_or_a_time(tmp_path: Path) -> None:
    clock = Clock()
    with newsclf.open_index(tmp_path / "articles.db", MODEL, clock=clock) as index:
        for number in range(6):
            index.add(article(str(number), f"{OTHER} Bulletin {number} of the day."))
            clock.now += 3600
        assert index.expire(timedelta(hours=4, minutes=30)) == 2
        assert index.expire(datetime.fromtimestamp(clock.now - 1800, UTC)) == 4
        assert index.expire(timedelta(0)) == 0
        with pytest.raises(ValueError, match="time zone"):
            index.expire(datetime(2026, 1, 1))
        assert index.stats().n_articles == 0


def test_a_clock_that_was_set_back_does_not_stop_expiry(tmp_path: Path) -> None:
    clock = Clock()
    with newsclf.open_index(tmp_path / "articles.db", MODEL, clock=clock) as index:
        clock.now += 10 * 86400
        index.add(article("of the future", OTHER))
        clock.now -= 10 * 86400
        index.add(article("old"))
        clock.now += 5 * 86400
        assert index.expire(timedelta(days=2)) == 1
        assert [stored.article.id for stored in index.export()] == ["of the future"]


def words(random: Random, n_words: int) -> str:
    return " ".join(random.choice(VOWELS) + random.choice(VOWELS) + str(random.randrange(10**6)) for _ in range(n_words))


VOWELS = ["ka", "lo", "mi", "ne", "ru", "sa", "ti", "vo"]


def test_over_ten_windows_neither_disk_nor_postings_grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posted_module, "TIERS", (8, 32, 64))
    monkeypatch.setattr(database_module, "CHECKPOINT_PAGES", 20)
    clock, random, sizes = Clock(), Random(1), []
    with newsclf.open_index(tmp_path / "articles.db", MODEL, window=timedelta(hours=300), clock=clock) as index:
        for number in range(300):
            index.add_many([article(f"{number}-{hour}", words(random, 30)) for hour in range(10)])
            clock.now += 10 * 3600
            if number % 30 == 29:
                stats = index.stats()
                disk = stats.database_bytes - wal_bytes(tmp_path)
                sizes.append((stats.n_articles, disk, stats.postings_bytes, stats.n_segments))
    n_articles, disks, postings, n_segments = zip(*sizes, strict=True)
    assert set(n_articles[1:]) == {310}
    assert max(disks[2:]) <= 1.2 * disks[1], disks
    assert max(postings[2:]) <= 2 * max(postings[:2])
    assert max(n_segments) <= 12
    n_folders = len(list((tmp_path / "articles.db-postings").iterdir()))
    assert n_folders <= n_segments[-1] + 3  # what was merged or dropped last goes with the next change


def wal_bytes(folder: Path) -> int:
    return (folder / "articles.db-wal").stat().st_size


# Many segments, without texts, other models


def test_sealed_and_merged_segments_find_what_memory_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    articles = [*CORPUS[:150], *(copy for entry in CORPUS[:40] for copy in copies_of(entry, Random(2)))]
    expected = fed(articles, tmp_path / "memory.db", [7])
    monkeypatch.setattr(posted_module, "TIERS", (2, 4, 8))
    assert fed(articles, tmp_path / "segments.db", [7]) == expected
    with newsclf.open_index(tmp_path / "segments.db", MODEL, read_only=True) as index:
        assert index.stats().n_segments >= 1
        assert index.check(replace(articles[3], id="new")).canonical == expected[articles[3].id or ""][0]


def test_without_texts_copies_to_the_word_are_found_and_nothing_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "articles.db"
    with newsclf.open_index(path, MODEL, keep_text=False) as index:
        index.add_many([article("a", title="Frost in Aldbrook"), article("b", OTHER)])
        same = index.add(article("c", (BASE + TAIL).upper(), "Frost in Aldbrook"))
        near = index.add(article("d", edit(2), "Frost in Aldbrook"))
        assert (same.canonical, same.kind, same.probability, near.duplicate) == ("a", "exact", 1.0, False)
        assert same.match is not None and same.match.passages == ()
        index.remove("a")
        kept = index.article("c")
        assert kept is not None and not kept.duplicate and kept.article.text == ""
        assert index.add(article("e", title="Frost in Aldbrook")).canonical == "c"
    files = [path, path.with_name("articles.db-wal")]
    assert not any(b"growers" in file.read_bytes() for file in files if file.exists())


def test_an_index_stays_with_or_without_texts(tmp_path: Path) -> None:
    newsclf.open_index(tmp_path / "articles.db", MODEL, keep_text=False).close()
    newsclf.open_index(tmp_path / "articles.db", MODEL).close()
    with pytest.raises(newsclf.IndexFileError, match="without texts, and stays so"):
        newsclf.open_index(tmp_path / "articles.db", MODEL, keep_text=True)


def other_model() -> newsclf.NewsModel:
    vocabulary = replace(MODEL.vocabulary, n_articles=MODEL.vocabulary.n_articles + 1)
    return replace(MODEL, vocabulary=vocabulary)


@pytest.mark.parametrize("read_only", [False, True])
def test_an_index_of_another_model_is_refused_with_what_to_do(tmp_path: Path, read_only: bool) -> None:
    path = tmp_path / "articles.db"
    newsclf.open_index(path, MODEL).close()
    with pytest.raises(newsclf.IndexFileError, match=r"another model.*newsclf index rebuild .*articles\.db"):
        newsclf.open_index(path, other_model(), read_only=read_only)


def test_reading_needs_an_index_and_writing_a_writer(tmp_path: Path) -> None:
    with pytest.raises(newsclf.IndexFileError, match="no such index"):
        newsclf.open_index(tmp_path / "nowhere.db", MODEL, read_only=True)
    newsclf.open_index(tmp_path / "articles.db", MODEL).close()
    index = newsclf.open_index(tmp_path / "articles.db", MODEL, read_only=True)
    with index, pytest.raises(newsclf.IndexFileError, match="opened for reading only"):
        index.add(article("a"))


def test_a_closed_index_says_so(index: ArticleIndex) -> None:
    index.close()
    with pytest.raises(newsclf.IndexFileError, match="closed"):
        index.check(article("a"))


@pytest.mark.parametrize("call", [lambda i: i.check("x"), lambda i: i.stats(), lambda i: list(i.export())])
def test_an_empty_index_answers(index: ArticleIndex, call: Callable[[ArticleIndex], object]) -> None:
    assert call(index) is not None
