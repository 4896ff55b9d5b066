"""Files and streams to articles, and everything that can be wrong with them."""

import csv
import gzip
import io
import json
import os
import sys
from copy import copy as copied
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from newsclf.article import Article
from newsclf.errors import InputError
from newsclf.reading import INPUT_FORMATS, lines, plain, read_articles, source

TEXT = st.text(alphabet=st.characters(codec="utf-8"), max_size=30)
OPTIONAL = st.none() | TEXT.filter(bool)
ARTICLES = st.lists(
    st.builds(
        Article,
        text=TEXT,
        title=TEXT,
        id=TEXT.filter(bool),
        published=OPTIONAL,
        source=OPTIONAL,
        url=OPTIONAL,
        label=OPTIONAL,
        weight=st.floats(0, 1e6),
    ),
    max_size=5,
)
FIELDS = ("text", "title", "id", "published", "source", "url", "label", "weight")


def as_row(article: Article) -> dict[str, Any]:
    return {name: getattr(article, name) for name in FIELDS}


def read(path: Path | str | list[Path], **options: Any) -> tuple[list[Article], list[InputError]]:
    errors: list[InputError] = []
    return list(read_articles(path, on_error=errors.append, **options)), errors


def write(path: Path, content: bytes | str) -> Path:
    raw = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    return path


def feed_stdin(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


ROUND_TRIP = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@ROUND_TRIP
@given(articles=ARTICLES, suffix=st.sampled_from([".jsonl", ".jsonl.gz"]), ascii_only=st.booleans())
def test_json_lines_round_trip(tmp_path: Path, articles: list[Article], suffix: str, ascii_only: bool) -> None:
    rows = [json.dumps(as_row(article), ensure_ascii=ascii_only) for article in articles]
    path = write(tmp_path / f"corpus{suffix}", "\n".join(rows))
    assert read(path) == (articles, [])


@ROUND_TRIP
@given(articles=ARTICLES, indent=st.sampled_from([None, 2]), chunk_bytes=st.integers(1, 50))
def test_json_array_round_trip(tmp_path: Path, articles: list[Article], indent: int | None, chunk_bytes: int) -> None:
    path = write(tmp_path / "corpus.json", json.dumps([as_row(a) for a in articles], indent=indent, ensure_ascii=False))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "_CHUNK_BYTES", chunk_bytes)  # so that characters and numbers are cut in two
        assert read(path) == (articles, [])


@ROUND_TRIP
@given(articles=ARTICLES, suffix=st.sampled_from([".csv", ".tsv.gz"]), encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_table_round_trip(tmp_path: Path, articles: list[Article], suffix: str, encoding: str) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, FIELDS, delimiter="\t" if "tsv" in suffix else ",", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(as_row(article) for article in articles)
    path = write(tmp_path / f"corpus{suffix}", buffer.getvalue().encode(encoding))
    assert read(path, encoding=encoding) == (articles, [])


def test_ids_are_file_name_and_line(tmp_path: Path) -> None:
    path = write(tmp_path / "corpus.jsonl", '{"text": "a"}\n\n{"text": "b", "id": 7}\n{"body": "c"}')
    assert [article.id for article in read(path)[0]] == ["corpus.jsonl:1", "7", "corpus.jsonl:4"]


def test_a_row_over_several_lines_is_named_by_its_first(tmp_path: Path) -> None:
    path = write(tmp_path / "corpus.csv", 'Content,Label\n"a\nb",x\nc,y\n')
    articles = read(path)[0]
    assert [(a.id, a.text, a.label) for a in articles] == [("corpus.csv:2", "a\nb", "x"), ("corpus.csv:4", "c", "y")]


def test_text_is_split_into_articles(tmp_path: Path) -> None:
    path = write(
        tmp_path / "seeds.txt", "The fleet has arrived | Navy | Fleet\n\nNoon.\n\nRain is late again | Crop | Rain\n\nDry."
    )
    assert [(a.id, a.text) for a in read(path)[0]] == [("seeds.txt:1", "Noon."), ("seeds.txt:2", "Dry.")]
    assert [a.id for a in read(path, split=False)[0]] == ["seeds.txt"]


def test_who_reads_may_name_the_articles_that_have_no_id(tmp_path: Path) -> None:
    content = {
        "a.jsonl": '{"text": "a"}\n{"text": "b", "id": 7}\n{"text": "c", "id": ""}',
        "a.json": '[{"text": "a"}, {"text": "b", "id": 7}, {"text": "c"}]',
        "a.csv": "id,text\n,a\n7,b\n,c\n",
        "a.txt": "The fleet has arrived | Navy | Fleet\n\na\n\nRain is late again | Crop | Rain\n\nc",
        "b.txt": "a",
    }
    articles, errors = read([write(tmp_path / name, text) for name, text in content.items()], id_of=lambda a, p: f"{a.text}@{p}")
    assert errors == []
    assert [article.id for article in articles] == [
        *("a@a.jsonl:1", "7", "c@a.jsonl:3"),
        *("a@a.json:1", "7", "c@a.json:3"),
        *("a@a.csv:2", "7", "c@a.csv:4"),
        *("a@a.txt:1", "c@a.txt:2", "a@b.txt"),
    ]


def test_empty_files(tmp_path: Path) -> None:
    empty = [write(tmp_path / f"empty.{name}", "") for name in INPUT_FORMATS]
    articles, errors = read(empty)
    assert articles == [Article("", id="empty.txt")]
    assert errors == []


def test_standard_input_is_json_lines_unless_said_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    feed_stdin(monkeypatch, b'{"text": "a"}')
    assert read("-")[0] == [Article("a", id="stdin:1")]
    feed_stdin(monkeypatch, b"text\na\n")
    assert read("-", input_format="csv")[0] == [Article("a", id="stdin:2")]
    feed_stdin(monkeypatch, b"a")
    assert read("-", input_format="txt")[0] == [Article("a", id="stdin")]


def test_one_object_and_several_in_a_json_file(tmp_path: Path) -> None:
    assert len(read(write(tmp_path / "one.json", '{"text": "a"}'))[0]) == 1
    assert len(read(write(tmp_path / "two.json", '{"text": "a"}\n{"text": "b"}\n'))[0]) == 2


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "not valid JSON: Expecting property name"),
        ("[1]", "expected a JSON object, got list"),
        ('"a"', "expected a JSON object, got str"),
        ("[" * 100_000, "nested too deeply"),
        ('{"title": "a", "topic": "b"}', "no field 'text', 'body' or 'content'; there is 'title' and 'topic'"),
        ("{}", "there is none"),
        ('{"text": 3}', "field 'text' must be text, not a number"),
        ('{"text": "a", "title": []}', "field 'title' must be text, not a list"),
        ('{"text": "a", "url": {}}', "field 'url' must be text, not an object"),
        ('{"text": "a", "label": true}', "field 'label' must be text, not true or false"),
        ('{"text": "a", "weight": "much"}', "field 'weight' must be a number of at least 0, not 'much'"),
        ('{"text": "a", "weight": -1}', "field 'weight' must be a number of at least 0, not '-1'"),
        ('{"text": "a", "weight": []}', "field 'weight' must be a number, not a list"),
    ],
)
def test_a_broken_line_is_named_and_the_stream_goes_on(tmp_path: Path, line: str, reason: str) -> None:
    path = write(tmp_path / "corpus.jsonl", f'{{"text": "a"}}\n{line}\n{{"text": "b"}}\n')
    articles, errors = read(path)
    assert [article.text for article in articles] == ["a", "b"]
    assert (errors[0].path, errors[0].line, len(errors)) == (str(path), 2, 1)
    assert reason in errors[0].reason


def test_half_a_character_becomes_a_replacement_character(tmp_path: Path) -> None:
    path = write(tmp_path / "corpus.jsonl", r'{"text": "\ud83d\ude00 \ud83d"}')
    assert read(path)[0][0].text == "\U0001f600 \ufffd"


@pytest.mark.parametrize("name", ["corpus.jsonl", "corpus.csv"])
def test_bytes_that_are_not_utf8(tmp_path: Path, name: str) -> None:
    rows = {"corpus.jsonl": b'{"text": "a"}\n{"text": "caf\xe9"}\n{"text": "b"}\n', "corpus.csv": b"text\na\ncaf\xe9\nb\n"}
    path = write(tmp_path / name, rows[name])
    articles, errors = read(path)
    assert [article.text for article in articles] == ["a", "b"]
    assert errors[0].byte_offset == rows[name].index(b"\xe9")
    assert "byte 0xe9 is not UTF-8; if the input has another encoding, name it with --encoding" in str(errors[0])
    assert [article.text for article in read(path, encoding="latin-1")[0]] == ["a", "café", "b"]


@pytest.mark.parametrize("name", ["a.txt", "a.json"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_byte_offset_in_a_whole_text(tmp_path: Path, name: str, bom: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "_CHUNK_BYTES", 5)
    content = bom + b"\xc3\xa9 e\xcc\x81 \xe2\x82\xac \xff"
    _, errors = read(write(tmp_path / name, content))
    assert errors[0].byte_offset == content.index(b"\xff")


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.csv", "a.json"])
def test_other_files_than_utf8_text_are_told_apart(tmp_path: Path, name: str) -> None:
    utf16 = read(write(tmp_path / name, "text".encode("utf-16")))[1]
    assert [error.reason for error in utf16] == ["looks like UTF-16; name it with --encoding utf-16"]
    packed = read(write(tmp_path / name, gzip.compress(b"text")))[1]
    assert "is gzip data" in packed[0].reason


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.csv", "a.json"])
def test_byte_order_mark_is_dropped(tmp_path: Path, name: str) -> None:
    content = {"a.txt": "a", "a.jsonl": '{"text": "a"}', "a.csv": "text\na", "a.json": '[{"text": "a"}]'}
    assert read(write(tmp_path / name, b"\xef\xbb\xbf" + content[name].encode()))[0][0].text == "a"


def test_an_over_long_line_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 30)
    monkeypatch.setattr(lines, "_SKIP_BYTES", 7)
    path = write(tmp_path / "a.jsonl", b'{"text": "a"}\n' + b"x" * 100 + b'\n{"text": "b"}\n\xff\n' + b"x" * 100)
    articles, errors = read(path)
    assert [article.text for article in articles] == ["a", "b"]
    assert [(error.line, error.byte_offset) for error in errors] == [(2, None), (4, 129), (5, None)]
    assert errors[0].reason == "the line has 101 bytes, more than 30; it was skipped"


def test_an_over_long_text_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "MAX_TEXT_BYTES", 10)
    assert "put each article on a line of a .jsonl file" in read(write(tmp_path / "a.txt", "x" * 11))[1][0].reason


def test_cut_gzip_keeps_what_was_read(tmp_path: Path) -> None:
    rows = "".join(f'{{"text": "{i} {os.urandom(20).hex()}"}}\n' for i in range(20_000))
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(rows.encode())[:-200_000])
    articles, errors = read(path)
    assert len(articles) > 1000
    assert [error.reason.split(":")[0] for error in errors] == ["the gzip data is cut or damaged"]


@pytest.mark.parametrize("content", [b"not packed", gzip.compress(b"x" * 99)[:12] + b"\xff" * 20])
def test_damaged_gzip_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.txt.gz"
    path.write_bytes(content)
    articles, errors = read(path)
    assert (articles, len(errors)) == ([], 1)
    assert "gzip" in errors[0].reason.lower()


def test_what_cannot_be_opened_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "folder.txt").mkdir()
    good = write(tmp_path / "good.txt", "a")
    articles, errors = read([tmp_path / "none.txt", tmp_path / "folder.txt", write(tmp_path / "x.pdf", "a"), good])
    assert [article.id for article in articles] == ["good.txt"]
    reasons = [error.reason for error in errors]
    assert reasons[:2] == ["no such file", "is a folder; name the files in it"]
    assert "known are .txt, .jsonl, .json, .csv, .tsv, each also with .gz" in reasons[2]


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("title,label\na,b\n", "no column 'text', 'body' or 'content'; there is 'title' and 'label'"),
        ("title;text\na;b\n", "is the delimiter a semicolon? It must be a comma"),
        ("text,Text \na,b\n", "the header has 'text' more than once"),
        ("text,label\na,b,c\n", "the row has 3 columns, the header 2"),
        ("text,label\na\n", "the row has 1 columns, the header 2"),
        ('text,label\n"a"x,b\n', "broken row"),
        ('text,label\n"a,b\n', "broken row: unexpected end of data"),
    ],
)
def test_broken_tables(tmp_path: Path, table: str, reason: str) -> None:
    articles, errors = read(write(tmp_path / "a.csv", table))
    assert (articles, len(errors)) == ([], 1)
    assert reason in errors[0].reason


def test_a_row_with_a_damaged_line_is_not_half_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", b'text\n"a\n\xff\nb"\nc\n')
    articles, errors = read(path)
    assert [article.text for article in articles] == ["c"]
    assert [error.line for error in errors] == [3]


@pytest.mark.parametrize("content", ['[{"text": "a"}, {"text"', '[{"text": "a"}', '[{"text": "a"}\n, nonsense, {}]'])
def test_a_broken_json_array_keeps_what_came_before(tmp_path: Path, content: str) -> None:
    articles, errors = read(write(tmp_path / "a.json", content))
    assert [article.text for article in articles] == ["a"]
    assert len(errors) == 1


def test_without_on_error_the_first_failure_is_raised(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"text": "a"}\nx\n')
    articles = read_articles(path)
    assert next(articles).text == "a"
    with pytest.raises(InputError, match="line 2: not valid JSON"):
        next(articles)


def test_a_byte_outside_another_encoding_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", b'{"text": "a"}\n{"text": "caf\xe9"}\n')
    errors = read(path, encoding="ascii")[1]
    assert [(error.byte_offset, error.reason[:23]) for error in errors] == [(27, "byte 0xe9 is not ASCII;")]


def test_a_file_name_that_is_not_utf8_gives_an_id_that_is(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/caf\xe9.txt"
    try:
        Path(os.fsdecode(path)).write_text("a")
    except OSError:
        pytest.skip("the file system takes UTF-8 names only")
    assert read(os.fsdecode(path))[0][0].id == "caf\ufffd.txt"


def test_unknown_options_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match=r"input_format must be one of txt, jsonl, json, csv, tsv, not 'xml'"):
        read_articles("a.txt", input_format="xml")
    for encoding in ("utf-9", "rot13"):
        with pytest.raises(ValueError, match="encoding must be one that Python knows"):
            read_articles("a.txt", encoding=encoding)


def test_an_input_error_survives_pickling() -> None:
    error = InputError("a.jsonl", "no", line=3, byte_offset=9)
    copy = copied(error)  # made anew from its args, as joblib brings an error home from its worker
    assert str(copy) == "a.jsonl, line 3, byte 9: no"
    assert copy.line == 3
