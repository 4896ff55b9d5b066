"""Lines of a stream, one at a time, however long the stream or a line is."""

from collections.abc import Iterator
from dataclasses import dataclass

from newsclf.errors import InputError
from newsclf.reading.source import Source, not_decodable, without_bom

MAX_LINE_BYTES = 16 << 20  # thousands of times an article; more is a file without line ends
_SKIP_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Line:
    """A line: its number from 1, its text with the line end, and what is wrong with it (its text is then "")."""

    number: int
    text: str
    error: InputError | None = None


def read_lines(source: Source) -> Iterator[Line]:
    """All lines of a source. A line that is too long or not UTF-8 comes with its error, and the lines go on.

    Raises:
        InputError: if the source starts as UTF-16 or gzip does.
    """
    offset = number = 0
    while raw := source.stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(raw) > MAX_LINE_BYTES and not raw.endswith(b"\n"):
            n_bytes = len(raw) + _skip_line(source)
            yield Line(number, "", _too_long(source, number, n_bytes))
        else:
            n_bytes = len(raw)
            yield _decoded(source, raw, number, offset)
        offset += n_bytes


def _decoded(source: Source, raw: bytes, number: int, offset: int) -> Line:
    if number == 1:
        offset = len(raw) - len(raw := without_bom(raw, source.path))
    try:
        return Line(number, raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        return Line(number, "", not_decodable(source.path, error, offset, number))


def _skip_line(source: Source) -> int:
    n_bytes = 0
    while raw := source.stream.readline(_SKIP_BYTES):
        n_bytes += len(raw)
        if raw.endswith(b"\n"):
            break
    return n_bytes


def _too_long(source: Source, number: int, n_bytes: int) -> InputError:
    reason = f"the line has {n_bytes:,} bytes, more than {MAX_LINE_BYTES:,}; it was skipped"
    return InputError(source.path, reason, number)
