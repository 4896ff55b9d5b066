"""Checking an index and making it anew."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

import newsclf
from newsclf.index import posted as posted_module
from newsclf.index.check import check_index
from newsclf.index.rebuild import rebuild_index
from newsclf.index.records import StoredArticle
from newsclf.model_file import load

MODEL = load()
OTHER_MODEL = replace(MODEL, vocabulary=replace(MODEL.vocabulary, n_articles=MODEL.vocabulary.n_articles + 1))
TEXT = "Forty growers in Aldbrook lost 4.2 mln euros of cherries to frost on Tuesday, the union said. Talks on aid begin in {}."


def filled(path: Path, *, keep_text: bool = True) -> Path:
    """An index of 60 articles, a third of them copies, with segments on disk."""
    random = Random(1)
    with newsclf.open_index(path, MODEL, keep_text=keep_text) as index:
        for number in range(20):
            text = " ".join(random.choice(["kelp", "dune", "fern", "moss"]) + str(random.randrange(10**6)) for _ in range(40))
            same = newsclf.Article(
                text, f"Report {number}", id=f"{number}-same", published="2026-01-01", url="https://example.org"
            )
            index.add_many(
                [replace(same, id=f"{number}-first"), same, newsclf.Article(TEXT.format(number * 77), id=f"{number}-frost")]
            )
        index.remove("3-first")
    return path


@pytest.fixture
def index_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(posted_module, "TIERS", (2, 4, 8))
    return filled(tmp_path / "articles.db")


def changed(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        connection.commit()


def stored(path: Path, model: newsclf.NewsModel = MODEL) -> list[StoredArticle]:
    with newsclf.open_index(path, model, read_only=True) as index:
        return list(index.export())


def test_a_sound_index_has_no_problems(index_path: Path) -> None:
    assert check_index(index_path, MODEL) == []


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE articles SET canonical = 999 WHERE id = '5-same'", "copies whose canonical is none: 5-same"),
        (
            "DELETE FROM canonicals WHERE number = (SELECT number FROM articles WHERE id = '5-first')",
            "not listed as such: 5-first",
        ),
        ("INSERT INTO canonicals VALUES (900, 901)", "listed canonicals that are no articles: 900"),
        ("UPDATE articles SET text = x'00' WHERE id = '7-first'", "7-first: a text is damaged"),
        ("UPDATE articles SET title = 'Other' WHERE id = '7-first'", "7-first: its text is not the one that was added"),
        ("UPDATE articles SET sample = x'0100' WHERE id = '7-first'", "7-first: a sample is damaged"),
        ("UPDATE segments SET checksums = replace(checksums, ':', ': 1')", "missing or damaged"),
        ("UPDATE settings SET value = 'x' WHERE name = 'fingerprint'", "made with another model"),
    ],
)
def test_each_problem_is_named(index_path: Path, statement: str, problem: str) -> None:
    changed(index_path, statement)
    assert any(problem in found for found in check_index(index_path, MODEL))


def test_missing_segments_are_a_problem_that_opening_the_index_mends(index_path: Path) -> None:
    folder = index_path.with_name("articles.db-postings")
    next(folder.iterdir()).rename(folder.with_name("gone"))
    assert "missing or damaged" in check_index(index_path, MODEL)[0]
    newsclf.open_index(index_path, MODEL).close()
    assert check_index(index_path, MODEL) == []


def test_made_anew_in_its_place_an_index_has_the_same_articles_and_clusters(index_path: Path) -> None:
    before = stored(index_path)
    n_done: list[int] = []
    report = rebuild_index(index_path, MODEL, progress=n_done.append)
    assert sorted(path.name for path in index_path.parent.iterdir()) == ["articles.db", "articles.db-postings"]
    assert (report.n_articles, report.n_unreadable, n_done[-1]) == (len(before), 0, len(before))
    assert stored(index_path) == before
    assert check_index(index_path, MODEL) == []


def test_for_another_model_rows_are_made_anew_and_clusters_stay(index_path: Path) -> None:
    before = stored(index_path)
    assert rebuild_index(index_path, OTHER_MODEL).n_articles == len(before)
    after = stored(index_path, OTHER_MODEL)
    for old, new in zip(before, after, strict=True):
        assert (new.article, new.seen, new.cluster, new.canonical) == (old.article, old.seen, old.cluster, old.canonical)
    with newsclf.open_index(index_path, OTHER_MODEL) as index:
        assert index.add(replace(before[0].article, id="again")).canonical == before[0].canonical
    with pytest.raises(newsclf.IndexFileError, match="another model"):
        newsclf.open_index(index_path, MODEL)


def test_events_are_kept(index_path: Path) -> None:
    with newsclf.open_index(index_path, MODEL) as index:
        promoted = index.article("3-same")
        assert promoted is not None
        before = index.cluster(promoted.cluster)
    rebuild_index(index_path, MODEL)
    with newsclf.open_index(index_path, MODEL) as index:
        assert before is not None and before.events and index.cluster(promoted.cluster) == before


def test_without_texts_an_index_is_made_anew_for_its_own_model_only(tmp_path: Path) -> None:
    path = filled(tmp_path / "articles.db", keep_text=False)
    before = stored(path)
    with pytest.raises(newsclf.IndexFileError, match="keeps no texts"):
        rebuild_index(path, OTHER_MODEL)
    rebuild_index(path, MODEL)
    assert stored(path) == before and check_index(path, MODEL) == []


def test_of_a_damaged_index_a_new_one_is_made_of_what_can_be_read(index_path: Path, tmp_path: Path) -> None:
    before = stored(index_path)
    changed(index_path, "UPDATE articles SET text = x'00' WHERE id IN ('7-first', '8-frost')")
    changed(index_path, "UPDATE articles SET sample = x'00' WHERE id = '9-frost'")  # which its text makes again
    raw = index_path.read_bytes()
    with pytest.raises(newsclf.IndexFileError, match=r"2 articles of .* cannot be read.*--output"):
        rebuild_index(index_path, MODEL)
    report = rebuild_index(index_path, MODEL, tmp_path / "new.db")
    assert (report.n_articles, report.n_unreadable) == (len(before) - 2, 2)
    assert index_path.read_bytes() == raw
    assert check_index(tmp_path / "new.db", MODEL) == []
    kept = {entry.article.id: entry for entry in stored(tmp_path / "new.db")}
    assert set(kept) == {entry.article.id for entry in before} - {"7-first", "8-frost"}
    assert not kept["7-same"].duplicate  # its canonical was lost, and it took its place


def test_pages_that_are_damaged_lose_the_articles_on_them_alone(tmp_path: Path) -> None:
    path = filled(tmp_path / "articles.db")
    with closing(sqlite3.connect(path)) as connection:
        (page_size,), pages = connection.execute("PRAGMA page_size").fetchone(), None
        pages = [p for (p,) in connection.execute("SELECT pageno FROM dbstat WHERE name = 'articles' AND pagetype = 'leaf'")]
    raw = bytearray(path.read_bytes())
    start = (pages[len(pages) // 2] - 1) * page_size
    raw[start : start + page_size] = bytes([0xA5]) * page_size
    path.write_bytes(raw)
    assert check_index(path, MODEL)
    report = rebuild_index(path, MODEL, tmp_path / "new.db")
    assert 40 <= report.n_articles < 59 and report.n_unreadable >= 1
    assert check_index(tmp_path / "new.db", MODEL) == []


def test_who_has_an_index_open_while_it_is_made_anew_goes_on_with_it(index_path: Path) -> None:
    n_before = len(stored(index_path))
    with newsclf.open_index(index_path, MODEL) as writer, newsclf.open_index(index_path, MODEL, read_only=True) as reader:
        assert rebuild_index(index_path, MODEL).n_articles == n_before
        assert reader.check(newsclf.Article(TEXT.format(0), id="probe")).canonical == "0-frost"
        assert writer.add(newsclf.Article(TEXT.format(0), id="later")).canonical == "0-frost"
        assert reader.check(newsclf.Article(TEXT.format(0), id="probe")).canonical == "0-frost"
    assert len(stored(index_path)) == n_before + 1 and check_index(index_path, MODEL) == []


def test_who_has_an_index_open_while_it_is_made_anew_for_another_model_is_told(index_path: Path) -> None:
    with newsclf.open_index(index_path, MODEL) as index:
        rebuild_index(index_path, OTHER_MODEL)
        with pytest.raises(newsclf.IndexFileError, match="made anew for another model meanwhile"):
            index.add("A new article.")
    assert check_index(index_path, OTHER_MODEL) == []


def test_nothing_is_overwritten(index_path: Path, tmp_path: Path) -> None:
    (tmp_path / "new.db").write_text("mine", encoding="utf-8")
    with pytest.raises(newsclf.IndexFileError, match=r"new\.db is there already"):
        rebuild_index(index_path, MODEL, tmp_path / "new.db")
    assert (tmp_path / "new.db").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("call", [check_index, rebuild_index])
def test_what_is_not_there_is_said(tmp_path: Path, call: object) -> None:
    with pytest.raises(newsclf.IndexFileError, match="no such index"):
        call(tmp_path / "nowhere.db", MODEL)  # type: ignore[operator]
    assert not list(tmp_path.iterdir())
