"""What an index keeps through kills, full disks, locks and damage; and that two may read it while one writes."""

import ctypes
import errno
import json
import os
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from itertools import cycle, islice
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from killing import BATCH, WAYS, Content, campaigns, content_after, feed_of, problems_after_kill, small_segments

import newsclf.index.database
import newsclf.index.posted
from newsclf import Article, open_index
from newsclf.errors import IndexFileError
from newsclf.index.article_index import ArticleIndex
from newsclf.index.records import Sighting
from newsclf.model import NewsModel
from newsclf.model_file import load

N_KILLS = 30
TIERS = (2, 4, 8)  # articles: segments are sealed and merged all the time
PAGE_BYTES = 4096
PATIENCE_SECONDS = 120
READER_PAUSE_SECONDS = 0.02  # the writer is to have most of the machine
SPAWNING = get_context("spawn")
FEED = feed_of(7, 96)
CONTENT = content_after(FEED, len(FEED))
PROBES = [replace(article, id="probe") for article in FEED[:48:4]]


@pytest.fixture(scope="module")
def judge(model: Path) -> NewsModel:
    return load(model)


@pytest.fixture(autouse=True)
def smaller_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newsclf.index.posted, "TIERS", TIERS)


@pytest.fixture(scope="module")
def made(judge: NewsModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index with segments, which nobody changes."""
    path = tmp_path_factory.mktemp("made") / "articles.db"
    with pytest.MonkeyPatch.context() as patch, open_index(path, judge) as index:
        patch.setattr(newsclf.index.posted, "TIERS", TIERS)
        add(index, FEED)
        assert index.stats().n_segments > 0
    return path


@pytest.fixture
def path(made: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(made.parent, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*-wal", "*-shm"))  # of readers
    return tmp_path / made.name


def add(index: ArticleIndex, articles: Sequence[Article]) -> None:
    for start in range(0, len(articles), BATCH):
        index.add_many(articles[start : start + BATCH])


def content(index: ArticleIndex) -> Content:
    return {stored.article.id or "": (stored.article.title, stored.article.text) for stored in index.export()}


def found(index: ArticleIndex) -> list[tuple[str | None, str | None]]:
    """Which article each probe copies, and how."""
    return [(sighting.canonical, sighting.kind) for sighting in map(index.check, PROBES)]


def folder_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-postings")


def test_random_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    done = list(campaigns(N_KILLS, 1, tmp_path))
    assert sum(one.n_kills for one in done) == N_KILLS
    assert {one.way for one in done} == {way.name for way in WAYS}
    assert [problem for one in done for problem in one.problems] == []


def test_the_looking_after_a_kill_sees_a_lost_an_old_and_a_doubled_article(judge: NewsModel, tmp_path: Path) -> None:
    path = tmp_path / "articles.db"
    with open_index(path) as index:
        add(index, FEED)
    look = partial(problems_after_kill, path, FEED, len(FEED), 4, random.Random(1))
    assert look() == []
    with open_index(path) as index:
        index.remove(FEED[0].id or "")
    assert f"lost ['{FEED[0].id}']" in look()[0]
    with open_index(path) as index:
        index.add(FEED[0])
        index.add(replace(FEED[1], text="Another text altogether."))
    assert f"of another text ['{FEED[1].id}']" in look()[0]
    with open_index(path) as index:
        index.add(FEED[1])
        index.add(replace(FEED[2], id="doubled"))
    assert "beyond them ['doubled']" in look()[0]


def test_batches_do_not_change_what_an_update_leaves_behind(judge: NewsModel, tmp_path: Path) -> None:
    """A killed feed goes on with other batches than it would have had."""
    first, other = FEED[0], FEED[1]
    feed = [first, replace(first, id="early"), replace(other, id=first.id), replace(first, id="late")]
    left = []
    for size in range(1, len(feed) + 1):
        with open_index(tmp_path / f"{size}.db", judge) as index:
            for start in range(0, len(feed), size):
                index.add_many(feed[start : start + size])
            left.append([(stored.article.id, stored.cluster, stored.canonical) for stored in index.export()])
    assert left == [left[0]] * len(left)


@pytest.mark.parametrize("n_before", [1, 2])
def test_resuming_takes_an_update_that_the_killed_run_did_not_reach(tmp_path: Path, n_before: int) -> None:
    """Whether it had reached the article itself, or that and another one."""
    path = tmp_path / "articles.db"
    feed = [FEED[0], FEED[1], replace(FEED[2], id=FEED[0].id)]
    with open_index(path) as index:
        index.add_many(feed[:n_before])
    lines = "".join(json.dumps({"id": a.id, "title": a.title, "text": a.text}) + "\n" for a in feed)
    command = [sys.executable, "-m", "newsclf", "ingest", "-", "--index", str(path), "--resume"]
    subprocess.run(command, input=lines.encode(), check=True, capture_output=True)
    with open_index(path, read_only=True) as index:
        assert content(index) == content_after(feed, len(feed))


@contextmanager
def no_file_over(size_bytes: int) -> Iterator[None]:
    """As on a full disk no file grows beyond this size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))  # Python ignores SIGXFSZ
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_said_and_keeps_what_was_acknowledged(judge: NewsModel, tmp_path: Path) -> None:
    path = tmp_path / "articles.db"
    with open_index(path, judge) as index:
        add(index, FEED[:32])
        wal_bytes = Path(f"{path}-wal").stat().st_size
        for room in range(0, 12 * PAGE_BYTES, PAGE_BYTES // 2 + 7):
            with no_file_over(wal_bytes + room), pytest.raises(IndexFileError, match=r"is the disk full\?"):
                index.add_many(FEED[32:])
            assert content(index) == content_after(FEED, 32)
        add(index, FEED[32:])
        assert content(index) == CONTENT
    with open_index(path, judge, read_only=True) as index:
        assert content(index) == CONTENT


def test_a_disk_too_full_for_postings_is_said_and_keeps_what_was_acknowledged(
    judge: NewsModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: Path
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "articles.db"
    n_kept = 0
    with open_index(path, judge) as index:
        with monkeypatch.context() as patch:
            patch.setattr(os, "posix_fallocate", full)
            with pytest.raises(IndexFileError, match=r"postings cannot be written.*No space left"):
                while n_kept < len(FEED):
                    index.add(FEED[n_kept])
                    n_kept += 1
        assert content(index) == content_after(FEED, n_kept)
        assert list(folder_of(path).iterdir()) == []
        add(index, FEED[n_kept:])
        with open_index(made, judge, read_only=True) as expected:
            assert content(index) == content(expected)
            assert found(index) == found(expected)


def test_merging_that_fails_for_want_of_space_keeps_what_was_acknowledged(
    judge: NewsModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(newsclf.index.posted, "merged", full)
    n_failed = 0
    with open_index(tmp_path / "articles.db", judge) as index:
        for number, article in enumerate(FEED):
            try:
                index.add(article)
            except IndexFileError as error:
                assert "No space left" in str(error)
                n_failed += 1
                monkeypatch.undo()
                monkeypatch.setattr(newsclf.index.posted, "TIERS", TIERS)
                assert content(index) == content_after(FEED, number)
                index.add(article)
        assert n_failed == 1
        assert content(index) == CONTENT


def test_an_add_that_fails_during_a_merge_does_not_stop_the_next(judge: NewsModel, tmp_path: Path) -> None:
    path = tmp_path / "articles.db"
    with open_index(path, judge) as index, closing(sqlite3.connect(path, isolation_level=None)) as other:
        for article in FEED[:64]:
            index.add(article)
            other.execute("CREATE TRIGGER refuse BEFORE INSERT ON articles BEGIN SELECT RAISE(ABORT, 'refused'); END")
            with pytest.raises(IndexFileError, match="refused"):
                index.add(Article("Refused.", id="refused"))
            other.execute("DROP TRIGGER refuse")
        assert content(index) == content_after(FEED, 64)


CAPABILITY_VERSION = 0x20080522
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2


@contextmanager
def bound_by_permissions() -> Iterator[None]:
    """Within it permission bits bind root too, where the tests are run by it."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    before, changed = (ctypes.c_uint32 * 6)(), (ctypes.c_uint32 * 6)()
    if os.geteuid() != 0:
        yield
        return
    if libc.capget(header, before) or libc.capget(header, changed):
        pytest.skip("permission bits do not bind root here, and capabilities cannot be given up")
    changed[0] &= ~(1 << CAP_DAC_OVERRIDE | 1 << CAP_DAC_READ_SEARCH)
    libc.capset(header, changed)
    try:
        yield
    finally:
        libc.capset(header, before)


def test_a_read_only_file_can_be_asked_and_says_so_when_added_to(judge: NewsModel, path: Path) -> None:
    path.chmod(0o444)
    before = path.read_bytes()
    with bound_by_permissions(), open_index(path, judge) as index:
        with pytest.raises(IndexFileError, match="is read-only; nothing was changed"):
            index.add(Article("A new article.", id="new"))
        assert content(index) == CONTENT
        assert index.check(replace(FEED[0], id="probe")).kind == "exact"
    assert path.read_bytes() == before


def test_a_read_only_folder_says_so_and_changes_nothing(judge: NewsModel, path: Path) -> None:
    path.parent.chmod(0o555)
    before = path.read_bytes()
    try:
        with bound_by_permissions(), pytest.raises(IndexFileError, match=r"is read-only|may you write to it"):
            open_index(path, judge).add(Article("A new article.", id="new"))
    finally:
        path.parent.chmod(0o755)
    assert path.read_bytes() == before


def test_a_read_only_folder_of_postings_says_so_and_keeps_what_was_acknowledged(judge: NewsModel, path: Path) -> None:
    new = [replace(article, id=f"new-{number}") for number, article in enumerate(feed_of(8, 40))]
    n_kept = 0
    folder_of(path).chmod(0o555)
    with open_index(path, judge) as index:
        with bound_by_permissions(), pytest.raises(IndexFileError, match=r"postings cannot be written.*Permission denied"):
            while n_kept < len(new):
                index.add(new[n_kept])
                n_kept += 1
        folder_of(path).chmod(0o755)
        assert content(index) == CONTENT | content_after(new, n_kept)
        add(index, new[n_kept:])
        assert content(index) == CONTENT | content_after(new, len(new))


def test_a_file_that_another_writer_has_locked_can_be_read_and_says_so_when_added_to(
    judge: NewsModel, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newsclf.index.database, "BUSY_SECONDS", 0.1)
    with closing(sqlite3.connect(path, isolation_level=None)) as other, open_index(path, judge) as index:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(IndexFileError, match="an index takes one writer at a time"):
            index.add(Article("A new article.", id="new"))
        assert content(index) == CONTENT
        assert index.check(replace(FEED[0], id="probe")).kind == "exact"
        other.execute("ROLLBACK")
        assert index.add(Article("A new article.", id="new")).status == "new"
        assert content(index) == CONTENT | {"new": ("", "A new article.")}


def damaged_at(path: Path, offset: int, damage: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(damage)


@pytest.mark.parametrize("damage", [bytes(PAGE_BYTES), random.Random(1).randbytes(PAGE_BYTES)], ids=["zeros", "noise"])
def test_a_damaged_page_is_said_and_what_is_on_the_others_is_read(
    judge: NewsModel, path: Path, tmp_path: Path, damage: bytes
) -> None:
    whole = path.read_bytes()
    n_read = n_told = 0
    for offset in range(PAGE_BYTES, len(whole), PAGE_BYTES):
        path.write_bytes(whole[:offset] + damage + whole[offset + PAGE_BYTES :])
        try:
            with open_index(path, judge, read_only=True) as index:
                n_here = n_readable(index, path)
            n_read += n_here
            n_told += len(CONTENT) - n_here
        except IndexFileError as error:
            assert_names_the_remedy(error, path)
        assert path.read_bytes()[offset : offset + PAGE_BYTES] == damage
    assert n_told > 0
    assert n_read > 5 * n_told


def n_readable(index: ArticleIndex, path: Path) -> int:
    """How many articles are read, each as it was added; of the others the error must name the remedy."""
    n_read = 0
    for id_, expected in CONTENT.items():
        try:
            stored = index.article(id_)
        except IndexFileError as error:
            assert_names_the_remedy(error, path)
            continue
        assert stored is not None and (stored.article.title, stored.article.text) == expected
        n_read += 1
    return n_read


def assert_names_the_remedy(error: IndexFileError, path: Path) -> None:
    assert "is damaged" in str(error)
    assert f"newsclf index rebuild {path}" in str(error)


def test_adding_to_a_damaged_file_says_so_or_adds_and_never_harms_the_rest(judge: NewsModel, path: Path) -> None:
    whole = path.read_bytes()
    damage = random.Random(2).randbytes(PAGE_BYTES)
    n_told = 0
    for offset in range(PAGE_BYTES, len(whole), 3 * PAGE_BYTES):
        path.write_bytes(whole[:offset] + damage + whole[offset + PAGE_BYTES :])
        try:
            with open_index(path, judge) as index:
                index.add(Article("A new article.", id="new"))
        except IndexFileError as error:
            assert_names_the_remedy(error, path)
            n_told += 1
        for leftover in (f"{path}-wal", f"{path}-shm"):
            Path(leftover).unlink(missing_ok=True)
    assert n_told > 0


def test_a_damaged_first_page_is_said_and_nothing_is_overwritten(judge: NewsModel, path: Path) -> None:
    damaged_at(path, 0, random.Random(3).randbytes(PAGE_BYTES))
    before = path.read_bytes()
    for read_only in (True, False):
        with pytest.raises(IndexFileError, match="its first page is damaged"):
            open_index(path, judge, read_only=read_only)
    assert path.read_bytes() == before


@pytest.mark.parametrize("cut_bytes", [1, PAGE_BYTES, 10 * PAGE_BYTES])
def test_a_file_that_is_cut_off_is_said(judge: NewsModel, path: Path, cut_bytes: int) -> None:
    os.truncate(path, path.stat().st_size - cut_bytes)
    try:
        with open_index(path, judge, read_only=True) as index:
            n_lost = len(CONTENT) - n_readable(index, path)
        assert n_lost > 0
    except IndexFileError as error:
        assert_names_the_remedy(error, path)


def _other_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE articles (id TEXT); INSERT INTO articles VALUES ('mine');")


def _other_database_in_wal_mode(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("PRAGMA journal_mode = WAL; CREATE TABLE articles (id TEXT);")


def _text(path: Path) -> None:
    path.write_text("Wheat is back.\n" * 400, encoding="utf-8")


def _of_a_later_format(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        identity = f"PRAGMA application_id = {newsclf.index.database.APPLICATION_ID}; PRAGMA user_version = 99;"
        connection.executescript(f"{identity} CREATE TABLE articles (id TEXT);")


@pytest.mark.parametrize("make", [_other_database, _other_database_in_wal_mode, _text, _of_a_later_format])
@pytest.mark.parametrize("read_only", [True, False])
def test_what_is_no_index_is_refused_and_stays_byte_for_byte(
    judge: NewsModel, tmp_path: Path, make: Callable[[Path], None], read_only: bool
) -> None:
    path = tmp_path / "mine.db"
    make(path)
    before = path.read_bytes()
    with pytest.raises(IndexFileError, match=r"mine\.db.* (no index|index format 99)"):
        open_index(path, judge, read_only=read_only)
    assert path.read_bytes() == before
    assert not folder_of(path).exists()


def test_a_cut_off_wal_leaves_the_index_as_it_was_after_some_batch(judge: NewsModel, tmp_path: Path) -> None:
    source, copy = tmp_path / "source" / "articles.db", tmp_path / "copy" / "articles.db"
    source.parent.mkdir()
    after_batches = [content_after(FEED, end) for end in range(0, len(FEED) + BATCH, BATCH)]
    lengths = set()
    with open_index(source, judge) as index:
        add(index, FEED)
        wal = Path(f"{source}-wal").read_bytes()
        for size in range(len(wal), 0, -len(wal) // 12):
            shutil.copytree(source.parent, copy.parent, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".new-*"))
            Path(f"{copy}-shm").unlink()
            Path(f"{copy}-wal").write_bytes(wal[:size])
            with open_index(copy, judge) as cut:
                lengths.add(len(content(cut)))
                assert content(cut) in after_batches
                for stored in list(cut.export())[:4]:
                    if not stored.duplicate:
                        assert cut.check(replace(stored.article, id="probe")).canonical == stored.article.id
                add(cut, FEED)
                assert content(cut) == CONTENT
            shutil.rmtree(copy.parent)
    assert len(lengths) > 4


def first_segment(path: Path) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        ((name,),) = connection.execute("SELECT min(name) FROM segments")
    return folder_of(path) / str(name)


def _no_folder(path: Path) -> None:
    shutil.rmtree(folder_of(path))


def _no_segment(path: Path) -> None:
    shutil.rmtree(first_segment(path))


def _no_array(path: Path) -> None:
    (first_segment(path) / "lows.npy").unlink()


def _emptied_array(path: Path) -> None:
    (first_segment(path) / "lows.npy").write_bytes(b"")


def _cut_array(path: Path) -> None:
    array = first_segment(path) / "lows.npy"
    os.truncate(array, array.stat().st_size - 2)


def _cut_header(path: Path) -> None:
    os.truncate(first_segment(path) / "lows.npy", 60)


def _flipped_bit(path: Path) -> None:
    array = first_segment(path) / "articles.npy"
    data = bytearray(array.read_bytes())
    data[-30] ^= 4
    array.write_bytes(data)


def _changed(path: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    array = first_segment(path) / "posts.npy"
    np.save(array, change(np.load(array)))


def _other_type(path: Path) -> None:
    _changed(path, lambda array: array.astype(np.int32))


def _other_length(path: Path) -> None:
    _changed(path, lambda array: array[:-1])


def _array_of_objects(path: Path) -> None:
    np.save(first_segment(path) / "posts.npy", np.array([{}], object), allow_pickle=True)  # which must be refused


def _garbage_for_array(path: Path) -> None:
    (first_segment(path) / "posts.npy").write_bytes(random.Random(4).randbytes(500))


def _folder_for_array(path: Path) -> None:
    array = first_segment(path) / "posts.npy"
    array.unlink()
    array.mkdir()


def _manifest(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement)


def _garbage_checksums(path: Path) -> None:
    _manifest(path, "UPDATE segments SET checksums = 'garbage'")


def _list_of_checksums(path: Path) -> None:
    _manifest(path, "UPDATE segments SET checksums = '[1, 2]'")


def _unknown_segment(path: Path) -> None:
    _manifest(path, "INSERT INTO segments VALUES ('of nothing', 1, 2, '{}')")


DAMAGES = [
    _no_folder,
    _no_segment,
    _no_array,
    _emptied_array,
    _cut_array,
    _cut_header,
    _flipped_bit,
    _other_type,
    _other_length,
    _array_of_objects,
    _garbage_for_array,
    _folder_for_array,
    _garbage_checksums,
    _list_of_checksums,
    _unknown_segment,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_postings_are_made_again_by_a_writer_and_find_the_same(
    judge: NewsModel, made: Path, path: Path, damage: Callable[[Path], None]
) -> None:
    damage(path)
    with open_index(made, judge, read_only=True) as whole, open_index(path, judge) as index:
        assert found(index) == found(whole)
        assert content(index) == CONTENT
    with open_index(made, judge, read_only=True) as whole, open_index(path, judge, read_only=True) as index:
        assert found(index) == found(whole)


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_postings_are_named_by_a_reader_with_what_to_do(
    judge: NewsModel, path: Path, damage: Callable[[Path], None]
) -> None:
    damage(path)
    with pytest.raises(IndexFileError, match=r"articles\.db-postings.*(open it for writing|newsclf index rebuild)"):
        open_index(path, judge, read_only=True)


def test_postings_that_are_damaged_while_an_index_is_open_are_made_again_when_it_is_opened_next(
    judge: NewsModel, made: Path, path: Path
) -> None:
    with open_index(path, judge) as index:
        shutil.rmtree(folder_of(path))
        add(index, [replace(article, id=f"new-{number}") for number, article in enumerate(feed_of(8, 40))])
    with open_index(made, judge, read_only=True) as whole, open_index(path, judge) as index:
        assert found(index) == found(whole)


def test_what_a_killed_writer_left_beside_the_segments_is_removed(judge: NewsModel, path: Path) -> None:
    leftovers = {".new-12345678", "000000000900-000000000999"}
    for name in leftovers:
        shutil.copytree(first_segment(path), folder_of(path) / name)
    with open_index(path, judge) as index:
        add(index, [replace(article, id=f"new-{number}") for number, article in enumerate(feed_of(8, 96))])
    assert not leftovers & {folder.name for folder in folder_of(path).iterdir()}


def test_segments_are_merged_for_processes_that_add_one_article_and_end(judge: NewsModel, tmp_path: Path) -> None:
    path = tmp_path / "articles.db"
    for article in FEED:
        with open_index(path, judge) as index:
            index.add(article)
    with open_index(path, judge, read_only=True) as index:
        stats = index.stats()
    n_sealed = (stats.n_articles - stats.n_duplicates) // (TIERS[-1] + 1)
    assert n_sealed > 4
    assert stats.n_segments <= n_sealed.bit_length()


def test_an_index_of_another_model_is_refused_with_what_to_do(judge: NewsModel, path: Path) -> None:
    other = replace(judge, vocabulary=replace(judge.vocabulary, n_articles=judge.vocabulary.n_articles + 1))
    before = path.read_bytes()
    for read_only in (True, False):
        with pytest.raises(IndexFileError, match=f"another model.*newsclf index rebuild {path} --model"):
            open_index(path, other, read_only=read_only)
    assert path.read_bytes() == before


HALF = "cut \ud83d"  # a title that was cut in the middle of an emoji; JSON can hold it
HALVED = {
    "id": Article("Wheat.", id=HALF),
    "title": Article("Wheat.", HALF, id="a"),
    "text": Article(HALF, id="a"),
    "source": Article("Wheat.", id="a", source=HALF),
    "url": Article("Wheat.", id="a", url=HALF),
    "published": Article("Wheat.", id="a", published=HALF),
}


@pytest.mark.parametrize("article", HALVED.values(), ids=HALVED.keys())
def test_half_a_surrogate_pair_is_kept_in_a_text_alone(judge: NewsModel, tmp_path: Path, article: Article) -> None:
    with open_index(tmp_path / "articles.db", judge) as index:
        index.add(article)
        (stored,) = index.export()
    replaced = {name: (getattr(article, name) or "").replace("\ud83d", "\ufffd") for name in HALVED if name != "text"}
    assert stored.article.text == article.text
    assert {name: getattr(stored.article, name) or "" for name in replaced} == replaced


def test_an_index_can_be_made_by_several_at_once(judge: NewsModel, tmp_path: Path) -> None:
    """As by workers that all start together."""
    errors: list[Exception] = []

    def make(path: Path, barrier: threading.Barrier) -> None:
        barrier.wait()
        try:
            open_index(path, judge).close()
        except Exception as error:
            errors.append(error)

    for number in range(10):
        barrier = threading.Barrier(3)
        threads = [threading.Thread(target=make, args=(tmp_path / f"{number}.db", barrier)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert errors == []


def ingest(path: Path, articles: Sequence[Article], batch: int) -> None:
    """What a writing process does."""
    small_segments()
    with open_index(path) as index:
        for start in range(0, len(articles), batch):
            index.add_many(articles[start : start + batch])


def read_until(path: Path, feed: Sequence[Article], n_articles: int) -> int:
    """What a reading process does until the index has so many articles; gives the number of states that it saw."""
    sizes = [0]
    with open_index(path, read_only=True) as index:
        for article in islice(cycle(feed), 0, None, 7):
            sizes.append(index.stats().n_articles)
            check_answer(index, index.check(replace(article, id="probe")))
            if sizes[-1] == n_articles:
                break
            time.sleep(READER_PAUSE_SECONDS)
    assert sizes == sorted(sizes)
    return len(set(sizes))


def check_answer(index: ArticleIndex, seen: Sighting) -> None:
    """The canonical may have become a copy meanwhile, but no article and no cluster goes without a trace."""
    if seen.canonical is None or seen.cluster is None:
        return
    assert index.article(seen.canonical) is not None, seen
    cluster = index.cluster(seen.cluster)
    assert cluster is not None, seen
    assert not cluster.canonical.duplicate
    assert all(member.canonical == cluster.canonical.article.id for member in cluster.members)


def test_two_processes_read_while_one_writes(tmp_path: Path) -> None:
    feed = feed_of(5, 2000)
    path = tmp_path / "articles.db"
    open_index(path).close()
    n_articles = len(content_after(feed, len(feed)))
    with ProcessPoolExecutor(3, SPAWNING) as pool:
        readers = [pool.submit(read_until, path, feed, n_articles) for _ in range(2)]
        writer = pool.submit(ingest, path, feed, BATCH)
        writer.result(PATIENCE_SECONDS)
        n_states = [reader.result(PATIENCE_SECONDS) for reader in readers]
    assert min(n_states) > 10  # they saw it grow


def test_two_processes_that_write_by_turns_leave_each_other_their_segments(tmp_path: Path) -> None:
    feed = list({article.id: article for article in feed_of(3, 400)}.values())
    path = tmp_path / "articles.db"
    open_index(path).close()
    with ProcessPoolExecutor(2, SPAWNING) as pool:
        for writer in [pool.submit(ingest, path, feed[number::2], 4) for number in range(2)]:
            writer.result(PATIENCE_SECONDS)
    with open_index(path, read_only=True) as index:
        assert content(index) == content_after(feed, len(feed))
