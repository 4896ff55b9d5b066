"""Judged pairs: JSON Lines with two articles and whether they are near-duplicates."""

from collections.abc import Iterator
from typing import Any

from newsclf.article import Article, ArticlePair
from newsclf.errors import InputError
from newsclf.reading.fields import to_article
from newsclf.reading.json_stream import json_lines
from newsclf.reading.read import AnyPath, reading
from newsclf.reading.source import Source


def read_pairs(path: AnyPath, *, encoding: str = "utf-8") -> list[ArticlePair]:
    """The pairs of a JSON Lines file, also .gz: `{"a": {"title", "text"}, "b": {"title", "text"}, "duplicate": true}` a line.

    Raises:
        InputError: if the file or a line of it cannot be read; the message names the line.
        ValueError: if the encoding is unknown.
    """
    return list(reading(path, encoding, _pairs))


def _pairs(source: Source) -> Iterator[ArticlePair]:
    for number, value in json_lines(source):
        if isinstance(value, InputError):
            raise value
        yield _pair(value, source, number)


def _pair(value: Any, source: Source, number: int) -> ArticlePair:
    if not isinstance(value, dict) or not isinstance(value.get("duplicate"), bool):
        raise InputError(source.path, "a pair needs the field 'duplicate', true or false", number)
    return ArticlePair(_side(value, "a", source, number), _side(value, "b", source, number), value["duplicate"])


def _side(pair: dict[str, Any], name: str, source: Source, number: int) -> Article:
    fields = pair.get(name)
    if not isinstance(fields, dict):
        raise InputError(source.path, f"a pair needs two articles; field {name!r} is none", number)
    return to_article(fields, source.path, number, f"{source.name}:{number}:{name}")
