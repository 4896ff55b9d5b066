"""``newsclf ingest`` from outside: stdout, stderr, status, what the index holds. The decision is a stub: half of the 3-grams."""

import csv
import io
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from commands import Result, Run, runner

import newsclf
from newsclf.article import Article
from newsclf.cli.batches import MAX_WAITING, Feed

DATA = Path(__file__).parents[1] / "data"
WHEAT = "The wheat harvest in the north was the best in ten years, the ministry said on Monday."
CUT = "The wheat harvest in the north was the best in ten years"
STRIKE = "Dockers at the port of Hexham walked out on Monday after talks on overtime pay had failed."
ROCKET = "A rocket took two satellites to orbit from the coast on Friday evening, engineers said."
CORPUS = [
    {"id": "a", "text": WHEAT, "title": "Wheat is back", "published": "2024-05-01"},
    {"id": "b", "text": ROCKET},
    {"id": "c", "text": WHEAT, "published": "2024-05-02"},
    {"id": "d", "text": f"Abroad: {CUT}"},
]
DAY_SECONDS = 86400
PATIENCE_SECONDS = 20  # until what must come is missed; a busy machine is not a defect


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return written(tmp_path / "corpus.jsonl", CORPUS)


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return tmp_path / "articles.db"


def written(path: Path, articles: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(as_lines(*articles))
    return path


def as_lines(*articles: dict[str, Any]) -> bytes:
    return "".join(json.dumps(article) + "\n" for article in articles).encode()


def summary(result: Result) -> str:
    """The last line of stderr without the numbers that no run repeats."""
    return re.sub(r" in [\d.]+ s \([\d,]+/s\)", "", result.stderr.decode().splitlines()[-1])


@pytest.fixture
def run(model: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """What follows on pipes and signals starts processes of its own."""
    return runner(monkeypatch, capfdbinary, "-m", model)


def test_a_line_is_the_prediction_and_the_duplicate_and_the_match(run: Run, corpus: Path, index: Path) -> None:
    predicted, found = (run(command, corpus, "--format", "jsonl").rows for command in ("predict", "dedup"))
    result = run("ingest", corpus, "--index", index, "--format", "jsonl")
    assert result.returncode == 0
    assert len(result.rows) == len(CORPUS)
    for row, prediction, duplicate in zip(result.rows, predicted, found, strict=True):
        own = {"status": "new", "duplicate_probability": duplicate.pop("probability"), "match": row["match"]}
        assert row == prediction | duplicate | own
        assert list(row)[-7:] == [
            "status",
            "cluster",
            "canonical",
            "duplicate",
            "kind",
            "duplicate_probability",
            "match",
        ]
    assert [row["kind"] for row in result.rows] == [None, None, "exact", "cut"]


def test_the_match_says_where_the_passages_stand_in_both_texts(run: Run, corpus: Path, index: Path) -> None:
    first, other, *_, last = run("ingest", corpus, "--index", index, "--format", "jsonl").rows
    assert first["match"] is None and other["match"] is None
    assert list(last["match"]) == ["cosine", "containment", "passages"]
    (passage,) = last["match"]["passages"]
    text: Any = CORPUS[3]["text"]
    assert text[passage["a_start"] : passage["a_end"]] == WHEAT[passage["b_start"] : passage["b_end"]] == passage["text"] == CUT


def test_text_has_the_line_of_predict_and_what_is_copied(run: Run, corpus: Path, index: Path) -> None:
    predicted = run("predict", corpus).stdout.decode().splitlines()
    copies = ["", "", "  = a (exact 0.98)", "  = a (cut 0.98)"]
    result = run("ingest", corpus, "--index", index)
    assert result.stdout.decode().splitlines() == [line + copy for line, copy in zip(predicted, copies, strict=True)]
    assert summary(result) == "4 articles: 4 new; 2 duplicates (1 exact, 1 cut)"
    assert re.fullmatch(r"4 articles in [\d.]+ s \([\d,]+/s\): .*\n", result.stderr.decode())


def test_csv_has_the_columns_of_predict_and_those_of_the_duplicate(run: Run, corpus: Path, index: Path) -> None:
    predicted = list(csv.reader(io.StringIO(run("predict", corpus, "--format", "csv").stdout.decode())))
    rows = list(csv.reader(io.StringIO(run("ingest", corpus, "--index", index, "--format", "csv").stdout.decode())))
    assert [row[:-6] for row in rows] == predicted
    assert rows[0][-6:] == ["status", "cluster", "canonical", "duplicate", "kind", "duplicate_probability"]
    assert [[row[-6], *row[-4:]] for row in rows[1:]] == [
        ["new", "a", "False", "", ""],
        ["new", "b", "False", "", ""],
        ["new", "a", "True", "exact", "0.982014"],
        ["new", "a", "True", "cut", "0.982014"],
    ]


def test_the_index_remembers_what_an_earlier_run_has_seen(run: Run, index: Path) -> None:
    run("ingest", "-", "--index", index, stdin=as_lines(CORPUS[0], CORPUS[1]))
    late = {"id": "b", "text": f"{ROCKET} It was the third this year."}
    result = run("ingest", "-", "--index", index, "--format", "jsonl", stdin=as_lines(CORPUS[0], late, CORPUS[3]))
    found = [(row["id"], row["status"], row["canonical"], row["kind"]) for row in result.rows]
    assert found == [("a", "unchanged", "a", None), ("b", "updated", "b", None), ("d", "new", "a", "cut")]
    assert summary(result) == "3 articles: 1 new, 1 updated, 1 unchanged; 1 duplicate (1 cut)"


def test_small_batches_give_the_same_lines(run: Run, corpus: Path, tmp_path: Path) -> None:
    outputs = {
        run("ingest", corpus, "--index", tmp_path / f"{size}.db", "--format", "jsonl", "--batch", size).stdout
        for size in (1, 3, 9)
    }
    assert len(outputs) == 1 and outputs.pop().count(b"\n") == len(CORPUS)


def test_what_cannot_be_read_is_named_and_the_rest_is_done(run: Run, corpus: Path, index: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jsonl"
    broken.write_bytes(as_lines({"id": "x", "text": ROCKET}) + b'{"id": "y", "te\n{"id": "z"}\n')
    result = run("ingest", tmp_path / "absent.csv", broken, corpus, "--index", index, "--format", "jsonl")
    assert (result.returncode, [row["id"] for row in result.rows]) == (1, ["x", "a", "b", "c", "d"])
    absent, half, empty, _ = result.stderr.decode().splitlines()
    assert absent == f"newsclf: {tmp_path / 'absent.csv'}: no such file"
    assert half.startswith(f"newsclf: {broken}, line 2: not valid JSON: ")
    assert empty.startswith(f"newsclf: {broken}, line 3: no field 'text'")
    assert summary(result) == "5 articles: 5 new; 3 duplicates (2 exact, 1 cut)"


@pytest.mark.parametrize(("output_format", "header"), [("text", b""), ("jsonl", b""), ("csv", b"id,title,topic,")])
def test_empty_input_makes_an_empty_index(run: Run, index: Path, output_format: str, header: bytes) -> None:
    result = run("ingest", "-", "--index", index, "--format", output_format)
    assert (result.returncode, summary(result)) == (0, "0 articles; 0 duplicates")
    assert result.stdout.startswith(header) and len(result.stdout.splitlines()) == bool(header)
    assert index.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--index"),
        (["--index", "a.db", "--window", "30"], "'30' is no time span; write it as 12h, 30d or 8w"),
        (["--index", "a.db", "--window", "0d"], "'0d' is no time span"),
        (["--index", "a.db", "--window", "1y"], "units: s, m, h, d, w"),
        (["--index", "a.db", "--sync", "never"], "--sync"),
        (["--index", "a.db", "--batch", "0"], "--batch"),
        (["--index", "a.db", "--max-delay", "-1"], "--max-delay"),
        (["--index", "a.db", "--format", "xml"], "--format"),
        (["--index", "a.db", "--input", "xml"], "input_format must be one of"),
        (["--index", "a.db", "--encoding", "utf-9"], "encoding must be one"),
    ],
)
def test_wrong_usage_has_status_2_and_makes_no_index(
    run: Run, arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("ingest", "-", *arguments)
    assert (result.returncode, result.stdout, list(tmp_path.iterdir())) == (2, b"", [])
    assert message in " ".join(result.stderr.decode().split())


def test_an_index_of_another_model_is_refused(run: Run, index: Path, corpus: Path) -> None:
    ours = newsclf.load()
    other = replace(ours, vocabulary=replace(ours.vocabulary, n_articles=ours.vocabulary.n_articles + 1))
    newsclf.open_index(index, other).close()
    result = run("ingest", corpus, "--index", index)
    assert (result.returncode, result.stdout, result.stderr.count(b"\n")) == (1, b"", 1)
    assert f"{index} was made with another model" in result.stderr.decode() and b"newsclf index rebuild" in result.stderr


def test_an_index_that_cannot_be_made_is_one_line_on_stderr(run: Run, corpus: Path, tmp_path: Path) -> None:
    result = run("ingest", corpus, "--index", tmp_path / "absent" / "articles.db")
    assert (result.returncode, result.stdout, result.stderr.count(b"\n")) == (1, b"", 1)
    assert b"cannot be opened; is there such a folder" in result.stderr


def test_the_window_lets_old_articles_go(run: Run, index: Path, corpus: Path) -> None:
    with newsclf.open_index(index, clock=lambda: time.time() - 3 * DAY_SECONDS) as old:
        old.add(Article(WHEAT, id="old"))
    assert run("ingest", corpus, "--index", index, "--window", "4d", "--format", "jsonl").rows[0]["canonical"] == "old"
    run("ingest", "-", "--index", index, "--window", "2d", stdin=as_lines({"id": "e", "text": "News of today."}))
    with newsclf.open_index(index, read_only=True) as opened:
        assert [stored.article.id for stored in opened.export()] == ["a", "b", "c", "d", "e"]


def test_without_texts_copies_are_found_and_nothing_is_quoted(run: Run, index: Path) -> None:
    lines = as_lines({"id": "a", "text": WHEAT}, {"id": "b", "text": ROCKET}, {"id": "c", "text": WHEAT.upper()})
    *_, copy = run("ingest", "-", "--index", index, "--no-text", "--batch", "1", "--format", "jsonl", stdin=lines).rows
    assert (copy["canonical"], copy["kind"], copy["match"]["passages"]) == ("a", "exact", [])
    with newsclf.open_index(index, read_only=True) as opened:
        assert [stored.article.text for stored in opened.export()] == [""] * 3
    result = run("ingest", "-", "--index", index, stdin=lines)
    assert (result.returncode, summary(result)) == (0, "3 articles: 3 unchanged; 1 duplicate (1 exact)")


def test_an_index_with_texts_does_not_lose_them(run: Run, index: Path, corpus: Path) -> None:
    run("ingest", corpus, "--index", index)
    result = run("ingest", corpus, "--index", index, "--no-text")
    assert (result.returncode, result.stdout) == (1, b"")
    assert b"was made with texts, and stays so" in result.stderr


def test_files_of_one_name_with_other_contents_are_other_articles(run: Run, index: Path, tmp_path: Path) -> None:
    days = [written(tmp_path / day / "feed.jsonl", [{"text": text}]) for day, text in (("mon", WHEAT), ("tue", ROCKET))]
    monday, tuesday = (run("ingest", day, "--index", index, "--format", "jsonl").rows[0] for day in days)
    assert (monday["status"], tuesday["status"]) == ("new", "new")
    assert re.fullmatch(r"feed\.jsonl:1:[0-9a-f]{8}", monday["id"])
    assert monday["id"][:13] == tuesday["id"][:13] and monday["id"] != tuesday["id"]


def test_the_same_input_again_has_the_same_ids(run: Run, index: Path) -> None:
    lines = as_lines({"text": WHEAT}, {"text": ROCKET}, {"text": WHEAT})
    first, again = (run("ingest", "-", "--index", index, "--format", "jsonl", stdin=lines).rows for _ in range(2))
    assert [row["id"] for row in again] == [row["id"] for row in first]
    assert {row["status"] for row in again} == {"unchanged"} and len({row["id"] for row in first}) == 3


def test_an_article_without_an_id_goes_by_its_url(run: Run, index: Path) -> None:
    urls = as_lines(
        {"text": WHEAT, "url": "https://example.org/1"}, {"id": "own", "text": ROCKET, "url": "https://example.org/2"}
    )
    rows = run("ingest", "-", "--index", index, "--format", "jsonl", stdin=urls).rows
    assert [row["id"] for row in rows] == ["https://example.org/1", "own"]


def test_resume_skips_what_was_there_but_no_update_that_comes_after_it(run: Run, index: Path) -> None:
    run("ingest", "-", "--index", index, stdin=as_lines(CORPUS[0]))
    lines = as_lines(*CORPUS[:2], {"id": "b", "text": f"{ROCKET} More to come."}, {"id": "a", "text": STRIKE})
    result = run("ingest", "-", "--index", index, "--resume", "--format", "jsonl", "--batch", "1", stdin=lines)
    assert [(row["id"], row["status"]) for row in result.rows] == [("b", "new"), ("b", "updated"), ("a", "updated")]
    assert summary(result) == "3 articles: 1 new, 2 updated, 1 skipped; 0 duplicates"


def test_a_reader_stays_only_so_far_ahead_of_the_index() -> None:
    n_read = 0

    def many() -> Iterator[Article]:
        nonlocal n_read
        for n_read in range(1, 3 * MAX_WAITING):  # noqa: B007
            yield Article("")

    feed = Feed()
    with feed.reading(many()):
        assert len(next(feed.batches(10, 0.0))) <= 10
        before = -1
        while before != n_read:
            before = n_read
            time.sleep(0.05)
    assert MAX_WAITING <= n_read <= MAX_WAITING + 10 + 1


def test_a_failure_of_the_reader_is_raised_where_its_articles_are_used() -> None:
    def failing() -> Iterator[Article]:
        yield Article("first")
        raise MemoryError

    feed = Feed()
    with feed.reading(failing()), pytest.raises(MemoryError):
        batches = list(feed.batches(10, 0.0))
        assert len(batches) == 1


class Stream:
    """The command in a process of its own, with an input that stays open."""

    def __init__(self, *arguments: object, unbuffered: str = "") -> None:
        command = [sys.executable, "-m", "newsclf", "ingest", "-", "--format", "jsonl", *map(str, arguments)]
        pipe, environment = subprocess.PIPE, os.environ | {"PYTHONUNBUFFERED": unbuffered}  # which would flush for it
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment)
        assert self.process.stdin and self.process.stdout and self.process.stderr
        self.stdin, self.stdout, self.stderr = self.process.stdin, self.process.stdout, self.process.stderr
        self._pending = b""

    def write(self, *articles: dict[str, Any]) -> None:
        self.stdin.write(as_lines(*articles))
        self.stdin.flush()

    def read(self) -> dict[str, Any]:
        while b"\n" not in self._pending:
            assert self.has_output(PATIENCE_SECONDS), "no line came"
            chunk = os.read(self.stdout.fileno(), 1 << 16)
            assert chunk, self.stderr.read().decode()
            self._pending += chunk
        line, _, self._pending = self._pending.partition(b"\n")
        row: dict[str, Any] = json.loads(line)
        return row

    def has_output(self, timeout_seconds: float) -> bool:
        return bool(select.select([self.stdout], [], [], timeout_seconds)[0])

    def wait(self) -> int:
        return self.process.wait(PATIENCE_SECONDS)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for file in (self.stdout, self.stderr):
            file.close()
        with suppress(BrokenPipeError):
            self.stdin.close()


@pytest.fixture
def stream(index: Path, request: pytest.FixtureRequest) -> Iterator[Stream]:
    opened = Stream("--index", index, *getattr(request, "param", []))
    yield opened
    opened.close()


def test_lines_come_while_the_input_stays_open(stream: Stream, index: Path) -> None:
    stream.write(CORPUS[0])
    assert stream.read()["id"] == "a"
    with newsclf.open_index(index, read_only=True) as beside:  # another process reads what this one has just said
        assert beside.article("a") is not None
    stream.write(CORPUS[1], CORPUS[2])
    assert [stream.read()["id"] for _ in range(2)] == ["b", "c"]
    assert stream.process.poll() is None
    stream.stdin.close()
    assert stream.wait() == 0
    assert stream.stderr.read().startswith(b"3 articles in ")


@pytest.mark.parametrize("stream", [["--max-delay", "3600", "--batch", "2"]], indirect=True)
def test_a_full_batch_does_not_wait_and_another_does(stream: Stream) -> None:
    stream.write(*CORPUS[:3])
    assert [stream.read()["id"] for _ in range(2)] == ["a", "b"]
    assert not stream.has_output(0.5)
    stream.write(CORPUS[3])
    assert [stream.read()["id"] for _ in range(2)] == ["c", "d"]


@pytest.mark.parametrize("stream", [["--max-delay", "3600", "--batch", "2"]], indirect=True)
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_finishes_what_was_gathered(stream: Stream, number: int, status: int, index: Path) -> None:
    stream.write(*CORPUS[:3])
    assert [stream.read()["id"] for _ in range(2)] == ["a", "b"]
    stream.process.send_signal(number)
    assert stream.wait() == status
    assert stream.read()["id"] == "c"
    (summary,) = stream.stderr.read().decode().splitlines()
    assert summary.startswith("3 articles in ")
    with newsclf.open_index(index, read_only=True) as opened:
        assert opened.stats().n_articles == 3


def test_a_signal_does_not_cut_a_line_that_waits_for_its_reader(index: Path) -> None:
    stream = Stream("--index", index, unbuffered="1")
    try:
        stream.write({"id": "a", "title": "x" * 1_000_000, "text": WHEAT})
        assert stream.has_output(PATIENCE_SECONDS)
        stream.process.send_signal(signal.SIGTERM)
        assert stream.read()["title"] == "x" * 1_000_000
        assert stream.wait() == 0
    finally:
        stream.close()


def test_a_run_that_was_stopped_is_resumed_without_loss_or_double(run: Run, index: Path) -> None:
    corpus = DATA / "articles.jsonl"
    names = [json.loads(line)["id"] for line in corpus.read_text().splitlines()]
    command = [
        sys.executable,
        "-m",
        "newsclf",
        "ingest",
        str(corpus),
        "--index",
        str(index),
        "--format",
        "jsonl",
        "--batch",
        "16",
    ]
    with subprocess.Popen(command, bufsize=0, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as first:
        assert first.stdout is not None
        start = first.stdout.readline()
        first.send_signal(signal.SIGTERM)  # it cannot be done yet: its lines do not all fit into the pipe
        rest, error = first.communicate(timeout=PATIENCE_SECONDS)
    done = [json.loads(line)["id"] for line in (start + rest).splitlines()]
    assert first.returncode == 0 and 16 <= len(done) < len(names), error
    again = run("ingest", corpus, "--index", index, "--resume", "--format", "jsonl")
    assert done + [row["id"] for row in again.rows] == names
    assert f"{len(done):,} skipped" in summary(again)


def test_a_reader_that_goes_ends_it_quietly_though_the_input_stays_open(stream: Stream, index: Path) -> None:
    stream.write(CORPUS[0])
    stream.read()
    stream.stdout.close()
    stream.write(CORPUS[1])
    assert stream.wait() == 1
    assert stream.stderr.read() == b""
    with newsclf.open_index(index, read_only=True) as opened:
        assert opened.stats().n_articles == 2


def test_a_terminal_shows_how_far_it_is(corpus: Path, index: Path) -> None:
    ours, theirs = pty.openpty()
    try:
        command = [sys.executable, "-m", "newsclf", "ingest", str(corpus), "--index", str(index)]
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, check=True)
        shown = os.read(ours, 1 << 16).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert re.search(r"4 articles in [\d.]+ s \([\d,]+/s\), \d duplicates?\r\x1b\[K", shown)
    assert shown.endswith("\r\n") and result.stdout.count(b"\n") == len(CORPUS)


def test_help_has_an_example(run: Run) -> None:
    result = run("ingest", "--help")
    assert result.returncode == 0 and b"Example: " in result.stdout
