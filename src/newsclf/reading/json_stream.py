"""JSON Lines, and JSON arrays that need not fit into memory."""

import json
import re
from collections.abc import Iterator
from typing import Any

from newsclf.errors import InputError
from newsclf.reading.fields import Placed, to_article
from newsclf.reading.lines import MAX_LINE_BYTES, read_lines
from newsclf.reading.source import Source, decoded_chunks

_GAP = re.compile(r"[\s,]*")


def read_jsonl(source: Source) -> Iterator[Placed | InputError]:
    """One article a line; blank lines are skipped, broken ones give an error, and the stream goes on."""
    for number, value in json_lines(source):
        yield value if isinstance(value, InputError) else _placed(value, source, number, f"{source.name}:{number}")


def json_lines(source: Source) -> Iterator[tuple[int, Any]]:
    """The number and the JSON value of each line that is not blank; in its place an InputError where it cannot be read."""
    for line in read_lines(source):
        if line.error:
            yield line.number, line.error
        elif line.text.strip():
            yield line.number, _value_of_line(line.text, source, line.number)


def read_json(source: Source) -> Iterator[Placed | InputError]:
    """An array of objects, or one object, or several one after the other, read piece by piece.

    A broken object ends the reading, for nobody knows where the next one starts.
    """
    for number, (line, value) in enumerate(_values(source), start=1):
        yield _placed(value, source, line, f"{source.name}:{number}")


def _value_of_line(text: str, source: Source, number: int) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        return InputError(source.path, f"not valid JSON: {_reason(error)}", number)


def _placed(value: Any, source: Source, line: int, place: str) -> Placed | InputError:
    if not isinstance(value, dict):
        return InputError(source.path, f"expected a JSON object, got {type(value).__name__}", line)
    try:
        return Placed(to_article(value, source.path, line), place)
    except InputError as error:
        return error


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at column {error.colno}"
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)


def _values(source: Source) -> Iterator[tuple[int, Any]]:
    """The values of a JSON text, each with the number of the line on which it starts."""
    window = _Window(source)
    in_array = False
    while character := window.next_character():
        if character == ("]" if in_array else "["):
            in_array = not in_array
            window.advance(window.position + 1)
        else:
            line = window.line
            yield line, window.take_value()
    if in_array:
        raise InputError(source.path, "the array breaks off: its closing ] is missing", window.line)


class _Window:
    """The piece of a JSON text that is in memory, and a place in it."""

    def __init__(self, source: Source) -> None:
        self.path = source.path
        self.line = 1
        self.position = 0
        self._text = ""
        self._chunks = decoded_chunks(source)
        self._decoder = json.JSONDecoder()

    def next_character(self) -> str:
        """The next character that is neither white space nor a comma; "" at the end."""
        while True:
            gap = _GAP.match(self._text, self.position)
            self.advance(gap.end() if gap else self.position)
            if self.position < len(self._text):
                return self._text[self.position]
            if not self._read_on():
                return ""

    def take_value(self) -> Any:
        """The value at the place, which moves behind it."""
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self.position)
            except (ValueError, RecursionError) as error:
                if self._is_hopeless(error) or not self._read_on():
                    raise InputError(self.path, f"not valid JSON: {_reason(error)}", self.line) from error
                continue
            if end < len(self._text) or not self._read_on():  # 12 may be the start of 123
                self.advance(end)
                return value

    def advance(self, position: int) -> None:
        self.line += self._text.count("\n", self.position, position)
        self.position = position

    def _is_hopeless(self, error: Exception) -> bool:
        return isinstance(error, RecursionError) or len(self._text) - self.position > MAX_LINE_BYTES

    def _read_on(self) -> bool:
        chunk = next(self._chunks, None)
        self._text, self.position = self._text[self.position :] + (chunk or ""), 0
        return chunk is not None
