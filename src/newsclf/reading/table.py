"""Tables with a header: comma-separated and tab-separated."""

import csv
from collections.abc import Iterator

from newsclf.errors import InputError
from newsclf.reading.fields import TEXT_FIELDS, Placed, missing_text, to_article
from newsclf.reading.lines import MAX_LINE_BYTES, Line, read_lines
from newsclf.reading.source import Source


def read_csv(source: Source) -> Iterator[Placed | InputError]:
    """One article a row of a comma-separated table."""
    return _read_table(source, ",")


def read_tsv(source: Source) -> Iterator[Placed | InputError]:
    """One article a row of a tab-separated table, quoted as in a comma-separated one."""
    return _read_table(source, "\t")


def _read_table(source: Source, delimiter: str) -> Iterator[Placed | InputError]:
    # The limit belongs to the process; it is only ever raised, so that no other reader loses by it.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_LINE_BYTES))
    lines = _Lines(read_lines(source))
    rows = _rows(csv.reader(lines, delimiter=delimiter, strict=True), lines, source)
    header: list[str] = []
    for number, row in rows:
        if isinstance(row, InputError):
            yield row
        elif header:
            yield _placed(header, row, source, number)
        else:
            header = _checked_header(row, source.path)


class _Lines:
    """The texts of lines, for the csv module; errors wait in `errors`, for a row with a damaged line is no row."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self.number = 0
        self.errors: list[InputError] = []
        self._lines = lines

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.number = line.number
        if line.error:
            self.errors.append(line.error)
        return line.text


def _rows(reader: Iterator[list[str]], lines: _Lines, source: Source) -> Iterator[tuple[int, list[str] | InputError]]:
    """Every row that is not blank, or what is wrong with it, and the number of the line on which it starts."""
    while True:
        number = lines.number + 1
        row: list[str] | InputError | None
        try:
            row = next(reader, None)
        except csv.Error as error:
            row = InputError(source.path, f"broken row: {error}", number)
        if lines.errors:
            yield from ((number, error) for error in lines.errors)
            lines.errors = []
        elif row:
            yield number, row
        if row is None:
            return


def _checked_header(row: list[str], path: str) -> list[str]:
    header = [name.strip().lower() for name in row]
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise InputError(path, f"the header has {twice[0]!r} more than once", 1)
    if not any(name in header for name in TEXT_FIELDS):
        hint = "; is the delimiter a semicolon? It must be a comma" if len(header) == 1 and ";" in header[0] else ""
        raise InputError(path, missing_text(header, "column") + hint, 1)
    return header


def _placed(header: list[str], row: list[str], source: Source, number: int) -> Placed | InputError:
    if len(row) != len(header):
        reason = f"the row has {len(row)} columns, the header {len(header)}; check its quotes"
        return InputError(source.path, reason, number)
    try:
        return Placed(to_article(dict(zip(header, row, strict=True)), source.path, number), f"{source.name}:{number}")
    except InputError as error:
        return error
