"""What can go wrong, as exceptions that a caller can act on.

    NewsclfError
    ├── InputError        an input file, or one article in it, cannot be read (also a ValueError)
    ├── CorpusError       a corpus that cannot be trained on
    ├── ModelFileError    a model file that is cut, changed, of another format, or hostile
    └── IndexFileError    an index that cannot be read or written, is damaged, or was made with another model

Anything else that leaves the library is a bug in it, or a wrong type in the call.
"""


class NewsclfError(Exception):
    """Base of all errors that newsclf raises on purpose."""


class InputError(NewsclfError, ValueError):
    """An input file, or one article in it, cannot be read.

    Its message reads `path, line 17: reason`, or `path, byte 1234: reason`, or both.

    >>> str(InputError("news.jsonl", "not valid JSON", line=17))
    'news.jsonl, line 17: not valid JSON'
    """

    def __init__(
        self,
        path: str,
        reason: str,
        line: int | None = None,
        byte_offset: int | None = None,
    ) -> None:
        # All of them are args, or the error could not be pickled on its way back from a worker.
        super().__init__(path, reason, line, byte_offset)
        self.path = path
        self.reason = reason
        self.line = line
        self.byte_offset = byte_offset

    def __str__(self) -> str:
        line = "" if self.line is None else f", line {self.line}"
        byte = "" if self.byte_offset is None else f", byte {self.byte_offset}"
        return f"{self.path}{line}{byte}: {self.reason}"


class CorpusError(NewsclfError):
    """A corpus that cannot be trained on or scored."""


class ModelFileError(NewsclfError):
    """A model file that is cut, changed, of another format, or hostile."""


class IndexFileError(NewsclfError):
    """An index that cannot be read or written, is damaged, or was made with another model; nothing acknowledged is lost by it."""
