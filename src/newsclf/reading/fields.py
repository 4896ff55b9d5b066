"""Named fields, of a JSON object or a table row, to an Article."""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from newsclf.article import Article
from newsclf.errors import InputError

TEXT_FIELDS = ("text", "body", "content")  # the first that is there counts

_OPTIONAL_FIELDS = ("id", "label", "published", "source", "url")
_ALSO_NUMBERS = ("id", "label", "published")  # a running number, a coded topic, seconds since 1970
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class Placed(NamedTuple):
    """An article, without an id where the input gives it none, and its place in the input: `corpus.jsonl:17`."""

    article: Article
    place: str


def to_article(fields: Mapping[str, Any], path: str, line: int, default_id: str | None = None) -> Article:
    r"""The article that the fields describe; fields of other names are ignored.

    JSON can hold half of a character that takes two escapes (`"\ud83d"`), which no file can: it becomes U+FFFD.

    Raises:
        InputError: if there is no text, or a field has the wrong type.
    """
    try:
        optional = {name: _optional(fields, name) for name in _OPTIONAL_FIELDS}
        optional["id"] = optional["id"] or default_id
        title = fields.get("title")
        return Article(
            text=_text(fields[_text_field(fields)], _text_field(fields)),
            title="" if title is None else _text(title, "title"),
            weight=_weight(fields.get("weight")),
            **optional,
        )
    except ValueError as error:
        raise InputError(path, str(error), line) from error


def without_lone_surrogates(text: str) -> str:
    """The text with U+FFFD in the place of each half of a character, which no file can hold."""
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)


def missing_text(names: Iterable[str], kind: str) -> str:
    """The message for fields or columns among which there is no text."""
    return f"no {kind} {_listed(TEXT_FIELDS, 'or')}; there is {_listed(names, 'and') or 'none'}"


def _text_field(fields: Mapping[str, Any]) -> str:
    found = next((name for name in TEXT_FIELDS if fields.get(name) is not None), None)
    if found is None:
        raise ValueError(missing_text(fields, "field"))
    return found


def _listed(names: Iterable[str], last: str) -> str:
    quoted = [repr(name) for name in names][:20]
    return f" {last} ".join(filter(None, (", ".join(quoted[:-1]), *quoted[-1:])))


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"field {name!r} must be text, not {_kind(value)}")
    return without_lone_surrogates(value)


def _optional(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if name in _ALSO_NUMBERS and isinstance(value, int | float) and not isinstance(value, bool):
        return None if value != value else str(value)  # NaN is how pandas writes that there is none
    return None if value is None or value == "" else _text(value, name)


def _weight(value: object) -> float:
    if value is None or value == "":
        return 1.0
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"field 'weight' must be a number, not {_kind(value)}")
    try:
        weight = float(value)
    except (ValueError, OverflowError):
        weight = math.nan
    if not 0 <= weight < math.inf:
        raise ValueError(f"field 'weight' must be a number of at least 0, not {str(value)[:40]!r}")
    return weight


def _kind(value: object) -> str:
    names = {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object", str: "text"}
    return names.get(type(value), "null")
