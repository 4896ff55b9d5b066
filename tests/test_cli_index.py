"""``newsclf index`` from outside: stdout, stderr, status, and what the index holds afterwards."""

import json
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from commands import Run, runner

import newsclf
from newsclf.article import Article

DATA = Path(__file__).parents[1] / "data"
WHEAT = "The wheat harvest in the north was the best in ten years, the ministry said on Monday."
ROCKET = "A rocket took two satellites to orbit from the coast on Friday evening, engineers said."
ARTICLES = [
    Article(WHEAT, "Wheat is back", id="a", published="2024-05-01", source="Wire", url="https://example.org/a"),
    Article(ROCKET, id="b"),
    Article(WHEAT, "Wheat is back", id="c"),
]
DAY_SECONDS = 86400.0
COMMANDS = ["stats", "check", "expire", "export", "rebuild"]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    return runner(monkeypatch, capfdbinary)


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """An index that saw an article three days ago, one two days ago, and just now a copy of the first."""
    path = tmp_path / "articles.db"
    for days, article in zip((3, 2, 0), ARTICLES, strict=True):
        now = time.time() - days * DAY_SECONDS
        with newsclf.open_index(path, clock=partial(float, now)) as opened:
            opened.add(article)
    return path


def test_stats_for_people(run: Run, index: Path) -> None:
    result = run("index", "stats", index)
    assert (result.returncode, result.stderr) == (0, b"")
    values = dict(line.rsplit("  ", 1) for line in result.stdout.decode().splitlines())
    found = {name.strip(): value for name, value in values.items()}
    assert (found["articles"], found["duplicates"], found["texts"]) == ("3", "1", "kept")
    assert found["oldest"] < found["newest"] and found["fingerprint"] == newsclf.load().fingerprint
    assert len(set(map(len, values))) == 1  # aligned


def test_stats_for_programs_are_those_of_the_library(run: Run, index: Path) -> None:
    with newsclf.open_index(index, read_only=True) as opened:
        expected = opened.stats()
    (found,) = run("index", "stats", index, "--format", "jsonl").rows
    assert (found["n_articles"], found["n_duplicates"], found["has_texts"]) == (3, 1, True)
    assert list(found) == list(expected.__dataclass_fields__)
    oldest = datetime.fromisoformat(found["oldest"])
    assert oldest == expected.oldest and oldest.tzinfo == UTC
    assert timedelta(days=3) <= datetime.now(UTC) - oldest < timedelta(days=3, hours=1)


def test_stats_of_an_empty_index(run: Run, tmp_path: Path) -> None:
    newsclf.open_index(tmp_path / "articles.db").close()
    result = run("index", "stats", tmp_path / "articles.db")
    assert result.returncode == 0
    assert [line.split() for line in result.stdout.splitlines()[3:5]] == [[b"oldest", b"-"], [b"newest", b"-"]]


def test_export_has_the_fields_of_a_corpus_and_what_was_found(run: Run, index: Path) -> None:
    result = run("index", "export", index)
    first, other, copy = result.rows
    assert (result.returncode, result.stderr) == (0, b"")
    for row, article in zip((first, other, copy), ARTICLES, strict=True):
        assert {name: row[name] or None for name in ("id", "title", "text", "published", "source", "url")} == {
            name: getattr(article, name) or None for name in ("id", "title", "text", "published", "source", "url")
        }
    assert list(copy)[6:] == ["seen", "topic", "topic_probability", "cluster", "canonical", "duplicate", "kind", "probability"]
    prediction = newsclf.load().predict(ARTICLES[1])
    assert (other["topic"], other["topic_probability"]) == (prediction.topic, pytest.approx(prediction.probability, abs=1e-6))
    assert (copy["canonical"], copy["duplicate"], copy["kind"], copy["probability"]) == ("a", True, "exact", 1.0)
    assert (first["canonical"], first["duplicate"], first["kind"], first["probability"]) == ("a", False, None, None)
    assert first["cluster"] == copy["cluster"] != other["cluster"]
    assert timedelta() <= datetime.now(UTC) - datetime.fromisoformat(copy["seen"]) < timedelta(hours=1)


def test_what_is_exported_is_a_corpus(run: Run, tmp_path: Path) -> None:
    corpus, index, again = DATA / "duplicates.jsonl", tmp_path / "first.db", tmp_path / "second.db"
    assert run("ingest", corpus, "--index", index).returncode == 0
    exported = run("index", "export", index).stdout
    of_export, of_corpus = (run("predict", "-", "--format", "csv", stdin=stdin) for stdin in (exported, corpus.read_bytes()))
    assert of_export.stdout == of_corpus.stdout and of_export.returncode == 0
    assert run("ingest", "-", "--index", again, stdin=exported).returncode == 0
    second = run("index", "export", again).rows
    assert [row | {"seen": None} for row in second] == [json.loads(line) | {"seen": None} for line in exported.splitlines()]


def test_expire_removes_what_is_older_and_says_how_many(run: Run, index: Path) -> None:
    result = run("index", "expire", index, "--older-than", "60h")
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"removed 1 article; 2 left\n")
    kept = run("index", "export", index).rows
    assert [(row["id"], row["canonical"]) for row in kept] == [("b", "b"), ("c", "c")]
    assert run("index", "expire", index, "--older-than", "60h").stderr == b"removed 0 articles; 2 left\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["stats"], "INDEX"),
        (["stats", "a.db", "--format", "xml"], "'xml' is not one of text, jsonl"),
        (["expire", "a.db"], "--older-than"),
        (["expire", "a.db", "--older-than", "soon"], "'soon' is no time span; write it as 12h, 30d or 8w"),
        (["mend", "a.db"], "mend"),
    ],
)
def test_wrong_usage_has_status_2(run: Run, arguments: list[str], message: str) -> None:
    result = run("index", *arguments)
    assert (result.returncode, result.stdout) == (2, b"")
    assert message in " ".join(result.stderr.decode().split())


def with_what_it_needs(command: str, path: Path) -> list[object]:
    return ["index", command, path, *(["--older-than", "1d"] if command == "expire" else [])]


@pytest.mark.parametrize("command", COMMANDS)
def test_where_there_is_no_index_none_is_made(run: Run, command: str, tmp_path: Path) -> None:
    result = run(*with_what_it_needs(command, tmp_path / "articles.db"))
    assert (result.returncode, result.stdout) == (1, b"")
    assert result.stderr.decode() == f"newsclf: {tmp_path / 'articles.db'}: no such index\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["stats", "check", "expire", "export", "rebuild"])
def test_a_file_that_is_no_index_stays_as_it_was(run: Run, command: str, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("no index " * 200)
    result = run(*with_what_it_needs(command, path))
    assert (result.returncode, result.stdout, result.stderr.count(b"\n")) == (1, b"", 1)
    assert f"{path}: is no index" in result.stderr.decode() and path.read_text() == "no index " * 200


def test_a_model_of_another_vocabulary_is_refused_and_its_own_taken(run: Run, tmp_path: Path) -> None:
    ours, path, file = newsclf.load(), tmp_path / "articles.db", tmp_path / "other.safetensors"
    newsclf.save(replace(ours, vocabulary=replace(ours.vocabulary, n_articles=ours.vocabulary.n_articles + 1)), file)
    newsclf.open_index(path, newsclf.load(file)).close()
    refused = run("index", "stats", path)
    assert refused.returncode == 1 and b"newsclf index rebuild" in refused.stderr
    assert run("index", "stats", path, "-m", file).returncode == 0


def test_a_closed_pipe_ends_an_export_quietly(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "articles.db"
    assert run("ingest", DATA / "articles.jsonl", "--index", path).returncode == 0
    shell = f"{sys.executable} -m newsclf index export {path} | head -n 1"
    result = subprocess.run(["bash", "-c", shell], capture_output=True, check=False)
    assert (result.stdout.count(b"\n"), result.stderr) == (1, b"")


def test_check_finds_what_was_changed_behind_its_back(run: Run, index: Path) -> None:
    result = run("index", "check", index)
    assert (result.returncode, result.stdout, result.stderr) == (0, b"sound: 3 articles\n", b"")
    with closing(sqlite3.connect(index)) as connection, connection:
        connection.execute("UPDATE articles SET title = 'Wheat is gone' WHERE id = 'a'")
    result = run("index", "check", index)
    assert (result.returncode, result.stdout) == (1, b"a: its text is not the one that was added\n")


def test_rebuild_makes_an_index_of_another_model(run: Run, index: Path, tmp_path: Path) -> None:
    ours, file, new = newsclf.load(), tmp_path / "other.safetensors", tmp_path / "new.db"
    newsclf.save(replace(ours, vocabulary=replace(ours.vocabulary, n_articles=ours.vocabulary.n_articles + 1)), file)
    result = run("index", "rebuild", index, "--model", file, "--output", new)
    assert (result.returncode, result.stdout, result.stderr.decode()) == (0, b"", f"rebuilt {new}: 3 articles\n")
    assert run("index", "check", new, "-m", file).stdout == b"sound: 3 articles\n"
    assert run("index", "rebuild", index, "--model", file).returncode == 0  # in its place
    exports = [run("index", "export", path, "-m", file).rows for path in (new, index)]
    assert exports[0] == exports[1] and [row["canonical"] for row in exports[0]] == ["a", "b", "a"]
    assert run("index", "stats", index).returncode == 1


def test_rebuild_says_what_could_not_be_read(run: Run, index: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(index)) as connection, connection:
        connection.execute("UPDATE articles SET text = x'00' WHERE id = 'b'")
    result = run("index", "rebuild", index, "--output", tmp_path / "new.db")
    assert result.returncode == 1
    assert result.stderr.decode() == f"rebuilt {tmp_path / 'new.db'}: 2 articles; 1 could not be read\n"
    in_place = run("index", "rebuild", index)
    assert (in_place.returncode, in_place.stdout, in_place.stderr.count(b"\n")) == (1, b"", 1)
    assert b"--output NEW" in in_place.stderr


@pytest.mark.parametrize("arguments", [["--help"], *([command, "--help"] for command in COMMANDS)])
def test_help_has_an_example(run: Run, arguments: list[str]) -> None:
    result = run("index", *arguments)
    assert result.returncode == 0 and b"Example: newsclf index" in result.stdout
