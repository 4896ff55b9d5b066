"""``newsclf compare`` from outside: stdout, stderr and status. The decision is a stub: half of the 3-grams."""

import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from newsclf.article import Article
from newsclf.cli.app import main
from newsclf.model_file import load

WHEAT = "The wheat harvest in the north was the best in ten years, the ministry said on Monday."
LONGER = f"Good news.\r\n\r\n{WHEAT} Rain in May had saved the fields of Aldbrook, Brennford and Carrow, and 40 others."
ROCKET = "A rocket took two satellites to orbit from the coast on Friday evening, engineers said."


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name, text in (("wheat", WHEAT), ("longer", LONGER), ("rocket", ROCKET)):
        (tmp_path / f"{name}.txt").write_text(text, newline="")
    return tmp_path


@dataclass(frozen=True)
class Result:
    returncode: int
    stdout: str
    stderr: str


class Compare(Protocol):
    def __call__(self, *arguments: object, stdin: str = "") -> Result: ...


@pytest.fixture
def compare(model: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Compare:
    def run(*arguments: object, stdin: str = "") -> Result:
        monkeypatch.setattr(sys, "argv", ["newsclf", "compare", *map(str, arguments), "-m", str(model)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        with pytest.raises(SystemExit) as end:
            main()
        assert isinstance(end.value.code, int)
        return Result(end.value.code, *capfd.readouterr())

    return run


def test_text_gives_the_answer_the_reasons_and_the_passages(files: Path, compare: Compare) -> None:
    result = compare(files / "wheat.txt", files / "longer.txt")
    assert (result.returncode, result.stderr) == (0, "")
    answer, *evidence = result.stdout.splitlines()
    assert answer.startswith("duplicate (cut)  probability 0.98  cosine 0.")
    assert all(line.startswith("  ") for line in evidence) and len(evidence) > 1
    assert evidence[-1] == f'  A 0-85, B 14-99: "{WHEAT[:-1]}"'


def test_json_has_the_fields_of_a_match(files: Path, compare: Compare) -> None:
    result = compare(files / "wheat.txt", files / "rocket.txt", "--format", "jsonl")
    (line,) = result.stdout.splitlines()
    match = json.loads(line)
    assert list(match) == ["probability", "duplicate", "kind", "cosine", "containment", "passages", "reasons"]
    assert (result.returncode, match["duplicate"], match["kind"], match["probability"]) == (0, False, None, 0.017986)
    assert 0 <= match["cosine"] <= match["containment"] < 0.5 and match["passages"] == []


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (WHEAT, LONGER),
        (LONGER, WHEAT),
        (f"新闻😀 {ROCKET}\t{WHEAT}", f"{WHEAT}\n\n{ROCKET} 😀"),
        ("<p>The caf&eacute; in Carrow &amp; the mill burned down on Tuesday night, police said.</p>",) * 2,
        (
            "İstanbul\u2019da: the mayor of the city said on Monday that the bridge will open again",
            f"\ufeff{LONGER} the mayor of the city said on Monday that the bridge will open again",
        ),
    ],
    ids=["cut", "longer", "moved", "markup", "dotted"],
)
def test_passages_cut_their_text_out_of_both_articles(a: str, b: str, model: Path) -> None:
    match = load(model).compare(Article(a), Article(b))
    assert match.passages
    for passage in match.passages:
        assert a[passage.a_start : passage.a_end] == passage.text
        assert b[passage.b_start : passage.b_end].split() != []
    starts = [passage.a_start for passage in match.passages]
    assert starts == sorted(starts)


def test_an_article_may_come_from_standard_input(files: Path, compare: Compare) -> None:
    result = compare("-", files / "wheat.txt", stdin=json.dumps({"text": WHEAT}) + "\n")
    assert (result.returncode, result.stdout.splitlines()[0]) == (
        0,
        "duplicate (exact)  probability 1.00  cosine 1.00  containment 1.00",
    )


def test_a_text_without_words_is_no_duplicate(files: Path, compare: Compare) -> None:
    (files / "empty.txt").write_bytes(b"")
    result = compare(files / "wheat.txt", files / "empty.txt")
    assert (result.returncode, result.stdout) == (
        0,
        "no duplicate  probability 0.00  cosine 0.00  containment 0.00\n  no words in B\n",
    )


def test_a_missing_file_is_named(files: Path, compare: Compare) -> None:
    result = compare(files / "wheat.txt", files / "missing.txt")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"newsclf: {files / 'missing.txt'}: no such file\n"


def test_a_file_of_two_articles_is_refused(files: Path, compare: Compare) -> None:
    two = files / "two.jsonl"
    two.write_text(f'{{"text": "{WHEAT}"}}\n{{"text": "{ROCKET}"}}\n')
    result = compare(two, files / "wheat.txt")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"newsclf: {two}: holds more than one article; compare takes one from each file\n"


@pytest.mark.parametrize(("arguments", "message"), [(["--format", "csv"], "'csv' is not one of text, jsonl"), ([], "'B'")])
def test_wrong_usage_has_status_2(arguments: list[str], message: str, files: Path, compare: Compare) -> None:
    others = [files / "wheat.txt"] if arguments else []
    result = compare(files / "wheat.txt", *others, *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert message in " ".join(result.stderr.split())


def test_one_article_is_taken_from_each_file(files: Path, compare: Compare) -> None:
    (files / "two.jsonl").write_text(f'{{"text": "{WHEAT}"}}\n{{"text": "{ROCKET}"}}\n')
    (files / "none.jsonl").write_text("")
    for one, other in (("two.jsonl", "none.jsonl"), ("missing.txt", "two.jsonl"), ("none.jsonl", "two.jsonl")):
        result = compare(files / one, files / other)
        assert (result.returncode, result.stdout) == (1, "")
