"""``newsclf dedup`` from outside: stdout, stderr and status. The decision is a stub: half of the 3-grams."""

import csv
import hashlib
import io
import json
import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from commands import Result, Run, runner

WHEAT = "The wheat harvest in the north was the best in ten years, the ministry said on Monday."
CUT = "The wheat harvest in the north was the best in ten years"
ROCKET = "A rocket took two satellites to orbit from the coast on Friday evening, engineers said."
CORPUS = [
    {"id": "a", "text": WHEAT, "title": "Wheat is back", "label": "farm", "weight": 2.5, "url": "https://example.org/a"},
    {"id": "b", "body": ROCKET, "note": "of no use"},
    {"id": "c", "text": WHEAT, "published": "2024-05-01", "source": "Wire"},
    {"id": "d", "text": CUT},
]
SURE = 0.982014  # 1 / (1 + exp(-4)), what the stub says of a duplicate


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.jsonl"
    path.write_text("".join(json.dumps(article) + "\n" for article in CORPUS))
    return path


@pytest.fixture
def dedup(model: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    run = runner(monkeypatch, capfdbinary, "-m", model)
    return partial(run, "dedup")


def cluster_id(name: str, title: str, text: str) -> str:
    return hashlib.sha256(f"{name}\0{title}\n{text}".encode()).hexdigest()[:16]


def summary(result: Result) -> str:
    """The last line of stderr without the numbers that no run repeats."""
    return re.sub(r", \d+\.\d s(, peak memory [\d,]+ MB)?$", "", result.stderr.decode().splitlines()[-1])


def test_text_lists_the_clusters(corpus: Path, dedup: Run) -> None:
    result = dedup(corpus)
    expected = (
        f"cluster {cluster_id('c', '', WHEAT)}: 3 articles, lowest probability 0.98\n"
        "  keep                c  The wheat harvest in the north was the best in ten years, the ministr…\n"
        "  exact         0.98  a  Wheat is back\n"
        "  cut           0.98  d  The wheat harvest in the north was the best in ten years\n"
        "\n"
    )
    assert (result.returncode, result.stdout.decode(), len(result.stderr.splitlines())) == (0, expected, 1)
    assert summary(result) == "4 articles, 1 cluster of two or more, 2 duplicates (1 exact, 1 cut)"


def test_json_lines_have_a_line_for_each_article(corpus: Path, dedup: Run) -> None:
    wheat, rocket = cluster_id("c", "", WHEAT), cluster_id("b", "", ROCKET)
    expected = [
        {"id": "a", "cluster": wheat, "canonical": "c", "duplicate": True, "kind": "exact", "probability": SURE},
        {"id": "b", "cluster": rocket, "canonical": "b", "duplicate": False, "kind": None, "probability": None},
        {"id": "c", "cluster": wheat, "canonical": "c", "duplicate": False, "kind": None, "probability": None},
        {"id": "d", "cluster": wheat, "canonical": "c", "duplicate": True, "kind": "cut", "probability": SURE},
    ]
    result = dedup(corpus, "--format", "jsonl")
    assert result.returncode == 0
    assert result.stdout.decode() == "".join(json.dumps(row) + "\n" for row in expected)


def test_csv_has_a_line_for_each_article(corpus: Path, dedup: Run) -> None:
    result = dedup(corpus, "--format", "csv")
    rows = list(csv.reader(io.StringIO(result.stdout.decode())))
    wheat, rocket = cluster_id("c", "", WHEAT), cluster_id("b", "", ROCKET)
    assert rows == [
        ["id", "cluster", "canonical", "duplicate", "kind", "probability"],
        ["a", wheat, "c", "True", "exact", str(SURE)],
        ["b", rocket, "b", "False", "", ""],
        ["c", wheat, "c", "False", "", ""],
        ["d", wheat, "c", "True", "cut", str(SURE)],
    ]


def test_keep_writes_the_canonicals_in_order_with_their_fields(corpus: Path, dedup: Run, tmp_path: Path) -> None:
    more = '{"id": 7, "text": "", "title": "Half a character: \\ud800", "label": "farm", "weight": 2.5, "published": 2024}'
    result = dedup(corpus, "-", "--keep", tmp_path / "unique.jsonl", stdin=more.encode())
    assert result.returncode == 0
    assert [json.loads(line) for line in (tmp_path / "unique.jsonl").read_text().splitlines()] == [
        {"id": "b", "text": ROCKET},
        {"id": "c", "text": WHEAT, "published": "2024-05-01", "source": "Wire"},
        {"id": "7", "title": "Half a character: \ufffd", "text": "", "published": "2024", "label": "farm", "weight": 2.5},
    ]


def test_what_was_kept_has_no_duplicates_left(corpus: Path, dedup: Run, tmp_path: Path) -> None:
    unique, again = tmp_path / "unique.jsonl", tmp_path / "again.jsonl"
    dedup(corpus, "--keep", unique)
    result = dedup(unique, "--keep", again)
    assert (result.stdout, summary(result)) == (b"", "2 articles, 0 clusters of two or more, 0 duplicates")
    assert again.read_bytes() == unique.read_bytes()


@pytest.mark.parametrize(
    ("keep", "message"),
    [
        ("corpus.jsonl", "is read by this command; name another file"),
        ("folder/../corpus.jsonl", "is read by this command; name another file"),
        ("folder", "cannot be written"),
        ("missing/unique.jsonl", "cannot be written"),
    ],
)
def test_keep_refuses_what_it_cannot_or_must_not_write(keep: str, message: str, corpus: Path, dedup: Run) -> None:
    (corpus.parent / "folder").mkdir()
    before = corpus.read_bytes()
    result = dedup(corpus, "--keep", corpus.parent / keep)
    assert (result.returncode, result.stdout, corpus.read_bytes()) == (2, b"", before)
    said = re.sub(r"[\s│]+", "", result.stderr.decode())  # wrapped to the terminal's width, at any place
    assert "--keep" in said and message.replace(" ", "") in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--max-memory", "10MB"], "10MB is too little; the least is 256MB"),
        (["--max-memory", "lots"], "'lots' is no size; write it as 512MB or 2GB"),
        (["--max-memory", "-1GB"], "is no size"),
        (["--format", "xml"], "--format"),
        (["--jobs", "0"], "--jobs"),
    ],
)
def test_wrong_usage_has_status_2(arguments: list[str], message: str, corpus: Path, dedup: Run) -> None:
    result = dedup(corpus, *arguments)
    assert (result.returncode, result.stdout) == (2, b"")
    assert message in " ".join(result.stderr.decode().split())


def test_what_cannot_be_read_is_named_and_the_rest_is_done(corpus: Path, dedup: Run, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"id": "x", "text": "' + ROCKET + '"}\n{"id": "y", "te\n{"id": "z"}\n')
    result = dedup(tmp_path / "missing.csv", broken, corpus, "--format", "jsonl")
    assert result.returncode == 1
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == ["x", "a", "b", "c", "d"]
    missing, half, empty, _ = result.stderr.decode().splitlines()
    assert missing == f"newsclf: {tmp_path / 'missing.csv'}: no such file"
    assert half.startswith(f"newsclf: {broken}, line 2: not valid JSON: ")
    assert empty.startswith(f"newsclf: {broken}, line 3: no field 'text'")
    assert summary(result) == "5 articles, 2 clusters of two or more, 3 duplicates (2 exact, 1 cut)"


@pytest.mark.parametrize(("output_format", "header"), [("text", b""), ("jsonl", b""), ("csv", b"id,cluster,")])
def test_empty_input_has_no_duplicates(output_format: str, header: bytes, dedup: Run, tmp_path: Path) -> None:
    result = dedup("-", "--format", output_format, "--keep", tmp_path / "unique.jsonl")
    assert (result.returncode, summary(result)) == (0, "0 articles, 0 clusters of two or more, 0 duplicates")
    assert result.stdout.startswith(header) and len(result.stdout.splitlines()) == bool(header)
    assert (tmp_path / "unique.jsonl").read_bytes() == b""


def test_standard_input_gives_the_same_bytes(corpus: Path, dedup: Run) -> None:
    of_stream = dedup("-", "--format", "jsonl", stdin=corpus.read_bytes())
    assert of_stream.stdout == dedup(corpus, "--format", "jsonl").stdout
    assert of_stream.stdout.count(b"\n") == len(CORPUS)


def test_hash_seeds_change_no_byte(corpus: Path, model: Path) -> None:
    command = [sys.executable, "-m", "newsclf", "dedup", str(corpus), "--format", "jsonl", "-m", str(model)]
    outputs = {
        subprocess.run(command, env=os.environ | {"PYTHONHASHSEED": seed}, check=True, capture_output=True).stdout
        for seed in "12"
    }
    assert len(outputs) == 1 and outputs.pop().count(b"\n") == len(CORPUS)
