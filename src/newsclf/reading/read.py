"""The one door for input: paths in, articles and errors out, in order."""

import codecs
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from newsclf.article import Article
from newsclf.errors import InputError
from newsclf.reading.fields import Placed
from newsclf.reading.json_stream import read_json, read_jsonl
from newsclf.reading.plain import read_text
from newsclf.reading.source import STDIN, Source, open_source
from newsclf.reading.table import read_csv, read_tsv

T = TypeVar("T")
AnyPath = str | os.PathLike[str]
Reader = Callable[[Source], Iterator[Placed | InputError]]

_READERS: dict[str, Reader] = {
    "txt": partial(read_text, split=True),
    "jsonl": read_jsonl,
    "json": read_json,
    "csv": read_csv,
    "tsv": read_tsv,
}
INPUT_FORMATS = tuple(_READERS)


def _raise(error: InputError) -> None:
    raise error


def _place_itself(article: Article, place: str) -> str:
    return place


def read_articles(
    paths: AnyPath | Iterable[AnyPath],
    *,
    input_format: str | None = None,
    encoding: str = "utf-8",
    split: bool = True,
    on_error: Callable[[InputError], None] = _raise,
    id_of: Callable[[Article, str], str] = _place_itself,
) -> Iterator[Article]:
    """The articles of files and streams, one at a time, in order; memory does not grow with their size; only
    a .txt is held whole, up to 64 MiB.

    The format follows from the file name: .txt (one article, or several under `Title | tag | tag` headlines), .jsonl,
    .json (an array or one object), .csv, .tsv, each also .gz. Fields or columns are id, title, text (or body, or
    content), label, weight, published, source and url. An article without an id gets the name of its file and the
    number of its line, row or piece: `corpus.jsonl:17`. An empty .txt gives one empty article, other empty files none.

    Args:
        paths: one path or several; "-" is standard input.
        input_format: one of INPUT_FORMATS, for all paths whatever their names. Standard input without it is jsonl.
        encoding: of all paths. A byte that does not fit is an error, never replaced. A UTF-8 byte order mark is dropped.
        split: whether a .txt is split at its headlines.
        on_error: called with each failure, after which the reading goes on with the next line or file. The default
            raises it and so ends the reading.
        id_of: gives an article that has no id one, from the article and its place in the input, `corpus.jsonl:17`, which is
            the default.

    Returns:
        An iterator. Files are opened when it gets to them.

    Raises:
        ValueError: if input_format or encoding is unknown.
        InputError: by on_error, for everything that is wrong with the input.

    >>> list(read_articles("no-such-file.jsonl", on_error=print))
    no-such-file.jsonl: no such file
    []
    """
    _check_options(input_format, encoding)
    listed = [paths] if isinstance(paths, str | os.PathLike) else paths
    found = _read_all(listed, input_format, encoding, split, on_error)
    return (article if article.id else replace(article, id=id_of(article, place)) for article, place in found)


def _check_options(input_format: str | None, encoding: str) -> None:
    if input_format is not None and input_format not in INPUT_FORMATS:
        raise ValueError(f"input_format must be one of {', '.join(INPUT_FORMATS)}, not {input_format!r}")
    try:
        "a".encode(encoding)
        codecs.getincrementaldecoder(encoding)
    except LookupError as error:
        raise ValueError(f"encoding must be one that Python knows, such as utf-8 or cp1252, not {encoding!r}") from error


def _read_all(
    paths: Iterable[AnyPath],
    input_format: str | None,
    encoding: str,
    split: bool,
    on_error: Callable[[InputError], None],
) -> Iterator[Placed]:
    for path in paths:
        for item in _read_one(os.fspath(path), input_format, encoding, split):
            if isinstance(item, InputError):
                on_error(item)
            else:
                yield item


def _read_one(path: str, input_format: str | None, encoding: str, split: bool) -> Iterator[Placed | InputError]:
    try:
        read = _reader(path, input_format, split)
        yield from reading(path, encoding, read)
    except InputError as error:
        yield error


def reading(path: AnyPath, encoding: str, read: Callable[[Source], Iterator[T]]) -> Iterator[T]:
    """What a reader makes of a file, with every failure of the file as an InputError.

    Raises:
        InputError: when the reading gets to the failure.
    """
    name = os.fspath(path)
    try:
        with open_source(name, encoding) as source:
            yield from read(source)
    except (EOFError, zlib.error) as error:
        raise InputError(name, f"the gzip data is cut or damaged: {error}") from error
    except OSError as error:
        raise InputError(name, _reason(error)) from error


def _reader(path: str, input_format: str | None, split: bool) -> Reader:
    name = input_format or ("jsonl" if path == STDIN else _suffix(path))
    if name not in _READERS and Path(path).is_file():
        known = ", ".join(f".{known}" for known in INPUT_FORMATS)
        raise InputError(path, f"unknown kind of file; known are {known}, each also with .gz. Or say which with --input")
    # A path that is no file fails when it is opened, with a better reason than its name.
    return partial(read_text, split=split) if name == "txt" else _READERS.get(name, read_jsonl)


def _suffix(path: str) -> str:
    return Path(path.lower().removesuffix(".gz")).suffix.removeprefix(".")


def _reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, IsADirectoryError):
        return "is a folder; name the files in it"
    if isinstance(error, PermissionError):
        return "no permission to read it"
    return error.strerror or f"cannot be read: {error}"
