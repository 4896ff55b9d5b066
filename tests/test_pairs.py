"""Judged pairs: what is read of them, what is wrong with a line, and too few of them to learn from."""

import gzip
import json
import sys
from pathlib import Path
from random import Random

import pytest

from newsclf.article import Article, ArticlePair
from newsclf.cli.app import main
from newsclf.errors import InputError
from newsclf.reading import read_pairs

GOOD = {"a": {"id": "x", "title": "Wheat", "text": "The harvest was good."}, "b": {"text": "It rained."}, "duplicate": True}


def written(path: Path, *lines: object) -> Path:
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def test_a_pair_has_two_articles_and_what_a_person_judged(tmp_path: Path) -> None:
    path = written(tmp_path / "pairs.jsonl", GOOD, "", GOOD | {"duplicate": False, "note": "seen twice"})
    a, b = Article("The harvest was good.", "Wheat", "x"), Article("It rained.", id="pairs.jsonl:1:b")
    assert read_pairs(path)[0] == ArticlePair(a, b, True)
    assert [(pair.duplicate, pair.b.id) for pair in read_pairs(path)] == [(True, "pairs.jsonl:1:b"), (False, "pairs.jsonl:3:b")]


def test_a_gzip_file_of_another_encoding_is_read(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps(GOOD | {"b": {"text": "Füße"}}, ensure_ascii=False).encode("cp1252")))
    assert read_pairs(path, encoding="cp1252")[0].b.text == "Füße"


def test_an_empty_file_has_no_pairs(tmp_path: Path) -> None:
    assert read_pairs(written(tmp_path / "pairs.jsonl")) == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "not valid JSON"),
        ("[]", "a pair needs the field 'duplicate', true or false"),
        ({"a": GOOD["a"], "b": GOOD["b"]}, "a pair needs the field 'duplicate', true or false"),
        (GOOD | {"duplicate": 1}, "a pair needs the field 'duplicate', true or false"),
        (GOOD | {"duplicate": "true"}, "a pair needs the field 'duplicate', true or false"),
        (GOOD | {"duplicate": None}, "a pair needs the field 'duplicate', true or false"),
        ({"a": GOOD["a"], "duplicate": True}, "a pair needs two articles; field 'b' is none"),
        (GOOD | {"a": "The harvest was good."}, "a pair needs two articles; field 'a' is none"),
        (GOOD | {"b": {"title": "No text"}}, "no field 'text'"),
        (GOOD | {"a": {"text": 7}}, "field 'text' must be text, not a number"),
    ],
)
def test_a_line_that_is_no_pair_is_named(line: object, reason: str, tmp_path: Path) -> None:
    path = written(tmp_path / "pairs.jsonl", GOOD, line)
    with pytest.raises(InputError) as caught:
        read_pairs(path)
    assert (caught.value.path, caught.value.line) == (str(path), 2)
    assert str(caught.value).startswith(f"{path}, line 2: {reason}")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"missing\.jsonl: no such file"):
        read_pairs(tmp_path / "missing.jsonl")


def train(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["newsclf", "train", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        main()
    assert isinstance(end.value.code, int)
    return end.value.code


def random_articles() -> list[dict[str, str]]:
    random = Random(0)
    words = {topic: [f"{topic}{number}" for number in range(40)] for topic in ("farm", "space")}
    return [{"text": " ".join(random.choices(words[topic], k=30)), "label": topic} for topic in words for _ in range(12)]


def test_too_few_pairs_to_learn_from_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    corpus, model = written(tmp_path / "corpus.jsonl", *random_articles()), tmp_path / "model.safetensors"
    pairs = written(tmp_path / "pairs.jsonl", GOOD)
    assert train(monkeypatch, corpus, "-o", model, "--pairs", pairs, "--budget", "1") == 1
    out, err = capfd.readouterr()
    assert (out, model.exists()) == ("", False)
    assert err.splitlines()[-1].startswith("newsclf: the labelled pairs hold 1 unrelated duplicates; training needs at least 2. ")


def test_a_bad_pair_ends_the_training_before_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pairs = written(tmp_path / "pairs.jsonl", "{")
    assert train(monkeypatch, tmp_path / "corpus.jsonl", "-o", tmp_path / "model.safetensors", "--pairs", pairs) == 1
    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"newsclf: {pairs}, line 1: not valid JSON")
