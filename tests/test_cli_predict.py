"""``newsclf predict`` from outside: stdout, stderr and status."""

import csv
import gzip
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parents[1] / "data" / "sample.txt"
SAMPLE_TOPICS = ["economy", "crime", "agriculture", "space", "military", "politics"]
SPACE = "The rocket lifted off with two satellites on board and reached orbit eight minutes after launch."


def newsclf(*arguments: object, stdin: str | bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "newsclf", *map(str, arguments)]
    return subprocess.run(command, input=stdin.encode() if isinstance(stdin, str) else stdin, capture_output=True, check=False)


def lines(result: subprocess.CompletedProcess[bytes]) -> list[dict[str, object]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_file_of_six_articles_gets_six_topics_in_order() -> None:
    result = newsclf("predict", SAMPLE)
    assert (result.returncode, result.stderr) == (0, b"")
    assert [line.split()[0].decode() for line in result.stdout.splitlines()] == SAMPLE_TOPICS


def test_whole_takes_the_file_as_one_article() -> None:
    assert len(newsclf("predict", SAMPLE, "--whole").stdout.splitlines()) == 1


def test_json_lines_have_the_fields_of_the_contract() -> None:
    result = newsclf("predict", SAMPLE, "--format", "jsonl")
    for answer, topic in zip(lines(result), SAMPLE_TOPICS, strict=True):
        assert list(answer) == ["id", "title", "topic", "probability", "probabilities", "abstained", "reason", "subjects"]
        assert (answer["topic"], answer["abstained"], answer["reason"]) == (topic, False, None)
        probabilities = answer["probabilities"]
        assert isinstance(probabilities, dict) and sum(probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert max(probabilities, key=probabilities.__getitem__) == topic == next(iter(probabilities))
        assert answer["subjects"]


def test_top_shows_so_many_topics() -> None:
    answers = lines(newsclf("predict", SAMPLE, "--format", "jsonl", "--top", "2"))
    assert [len(answer["probabilities"]) for answer in answers] == [2] * 6  # type: ignore[arg-type]


def test_csv_has_a_column_for_each_topic() -> None:
    result = newsclf("predict", SAMPLE, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout.decode())))
    assert [row["topic"] for row in rows] == SAMPLE_TOPICS
    assert all(float(row[row["topic"]]) == float(row["probability"]) for row in rows)


def test_files_and_standard_input_come_in_the_order_given(tmp_path: Path) -> None:
    packed = tmp_path / "feed.jsonl.gz"
    packed.write_bytes(gzip.compress(json.dumps({"id": "a", "text": SPACE}).encode()))
    table = tmp_path / "feed.csv"
    table.write_text(f'id,body\nb,"{SPACE}"\n')
    result = newsclf("predict", packed, "-", table, "--format", "jsonl", stdin=json.dumps({"id": 7, "text": SPACE}) + "\n")
    assert [answer["id"] for answer in lines(result)] == ["a", "7", "b"]


def test_processes_change_nothing() -> None:
    corpus = SAMPLE.with_name("articles.jsonl")
    alone, together = (newsclf("predict", corpus, "--format", "jsonl", "--jobs", jobs) for jobs in (1, 2))
    assert alone.stdout == together.stdout and together.returncode == 0


def test_what_cannot_be_read_is_named_and_the_rest_is_done(tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9 " + SPACE.encode())
    (tmp_path / "good.txt").write_text(SPACE)
    result = newsclf("predict", tmp_path / "absent.txt", tmp_path, tmp_path / "latin.txt", tmp_path / "good.txt")
    assert result.returncode == 1
    assert [line.split()[0] for line in result.stdout.splitlines()] == [b"space"]
    absent, folder, latin = result.stderr.decode().splitlines()
    assert absent == f"newsclf: {tmp_path / 'absent.txt'}: no such file"
    assert folder == f"newsclf: {tmp_path}: is a folder; name the files in it"
    assert "latin.txt, byte 3" in latin and "--encoding" in latin
    assert newsclf("predict", tmp_path / "latin.txt", "--encoding", "latin-1").returncode == 0


def test_a_broken_line_in_a_stream_does_not_end_it() -> None:
    good = json.dumps({"text": SPACE})
    result = newsclf("predict", "-", "--format", "jsonl", stdin=f"{good}\n{{broken\n{good}\n")
    assert result.returncode == 1
    assert [answer["id"] for answer in lines(result)] == ["stdin:1", "stdin:3"]
    assert result.stderr.decode().startswith("newsclf: standard input, line 2: ") and result.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no words"),
        ("zxqv wkjh qpzz vvbn xkcd rrtz plmk ooiu qwxz bnmv ghjk zzxc", "the model knows 0 of the text's 12 words"),
        ("Правительство Индии объявило о новых мерах поддержки фермеров после засухи", "the model knows"),
        ("रॉकेट ने दो उपग्रहों को सफलतापूर्वक कक्षा में स्थापित किया", "the model knows"),
        ("Read more", "words"),
    ],
)
def test_what_cannot_be_judged_gets_no_topic_and_a_reason(text: str, reason: str) -> None:
    result = newsclf("predict", "-", "--format", "jsonl", stdin=json.dumps({"text": text}))
    (answer,) = lines(result)
    assert (result.returncode, answer["topic"], answer["abstained"], answer["subjects"]) == (0, None, True, [])
    assert reason in str(answer["reason"])
    assert newsclf("predict", "-", stdin=json.dumps({"text": text})).stdout.startswith(b"unknown ")


def test_a_lone_surrogate_in_the_input_breaks_nothing() -> None:
    line = '{"id": "\\ud800", "text": "' + SPACE + '"}'
    result = newsclf("predict", "-", "--format", "jsonl", stdin=line)
    assert (result.returncode, lines(result)[0]["id"]) == (0, "\ufffd")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predict"], "PATH"),
        (["predict", "-", "--format", "xml"], "--format"),
        (["predict", "-", "--top", "0"], "--top"),
        (["predict", "-", "--jobs", "0"], "--jobs"),
        (["predict", "-", "--input", "xml"], "input_format must be one of"),
        (["predict", "-", "--encoding", "utf-9"], "encoding must be one"),
        (["guess"], "guess"),
    ],
)
def test_wrong_usage_has_status_2(arguments: list[str], message: str) -> None:
    result = newsclf(*arguments)
    assert (result.returncode, result.stdout) == (2, b"")
    assert message in " ".join(result.stderr.decode().split())


def test_a_bad_model_file_is_one_line_on_stderr(tmp_path: Path) -> None:
    result = newsclf("predict", SAMPLE, "-m", SAMPLE)
    assert (result.returncode, result.stdout, result.stderr.count(b"\n")) == (1, b"", 1)
    assert b"is no model file" in result.stderr


def test_a_closed_pipe_ends_quietly() -> None:
    corpus = SAMPLE.with_name("articles.jsonl")
    shell = f"{sys.executable} -m newsclf predict {corpus} {corpus} {corpus} --format jsonl | head -n 1"
    result = subprocess.run(["bash", "-c", shell], capture_output=True, check=False)
    assert (len(result.stdout.splitlines()), result.stderr) == (1, b"")


@pytest.mark.parametrize("arguments", [["--help"], ["predict", "--help"], ["train", "--help"]])
def test_help_has_an_example(arguments: list[str]) -> None:
    result = newsclf(*arguments)
    assert result.returncode == 0 and b"Example" in result.stdout
