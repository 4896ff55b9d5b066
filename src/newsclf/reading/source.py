"""One opened input: a name for messages and ids, and its bytes, unpacked and in UTF-8."""

import codecs
import errno
import gzip
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from newsclf.errors import InputError

STDIN = "-"

_CHUNK_BYTES = 1 << 20
_UTF8_BOM = b"\xef\xbb\xbf"
_OTHER_STARTS = (
    (b"\xff\xfe", "looks like UTF-16; name it with --encoding utf-16"),
    (b"\xfe\xff", "looks like UTF-16; name it with --encoding utf-16"),
    (b"\x1f\x8b", "is gzip data; its name must end in .gz (or unpack it first: zcat FILE | newsclf ... -)"),
)


@dataclass(frozen=True, slots=True)
class Source:
    """An opened input.

    Attributes:
        path: as the user named it; what errors call it.
        name: the last part of the path, or "stdin"; what ids start with.
        stream: its bytes, in UTF-8 unless the input breaks that promise.
    """

    path: str
    name: str
    stream: IO[bytes]


@contextmanager
def open_source(path: str, encoding: str) -> Iterator[Source]:
    """Open a file, or standard input for "-"; unpack it if its name ends in .gz; recode it to UTF-8 if it needs that.

    Raises:
        OSError: if the file cannot be opened.
    """
    if path == STDIN:
        if sys.stdin is None:  # closed by the caller
            raise OSError(errno.EBADF, "standard input is closed")
        yield Source("standard input", "stdin", _in_utf8(sys.stdin.buffer, "standard input", encoding))
        return
    with Path(path).open("rb") as file:
        stream: Any = gzip.GzipFile(fileobj=file) if path.lower().endswith(".gz") else file
        name = os.fsencode(Path(path).name).decode("utf-8", "replace")  # an id must be printable
        yield Source(path, name, _in_utf8(stream, path, encoding))


def without_bom(start: bytes, path: str) -> bytes:
    """The first bytes of an input without a UTF-8 byte order mark.

    Raises:
        InputError: if they show that the input is UTF-16 or packed.
    """
    for sign, reason in _OTHER_STARTS:
        if start.startswith(sign):
            raise InputError(path, reason, byte_offset=0)
    return start.removeprefix(_UTF8_BOM)


def decoded_chunks(source: Source) -> Iterator[str]:
    """The text of a source, about a megabyte at a time.

    Raises:
        InputError: with the byte offset, where it is not UTF-8.
    """
    return _decode(source.stream, source.path, "utf-8")


def not_decodable(path: str, error: UnicodeDecodeError, start_byte: int, line: int | None = None) -> InputError:
    """The error for bytes that are not text in their encoding; start_byte is the offset of the decoded piece."""
    wrong = error.object[error.start]
    reason = f"byte 0x{wrong:02x} is not {error.encoding.upper()}; if the input has another encoding, name it with --encoding"
    return InputError(path, reason, line, start_byte + error.start)


def _in_utf8(stream: IO[bytes], path: str, encoding: str) -> IO[bytes]:
    if codecs.lookup(encoding).name in ("utf-8", "utf-8-sig"):
        return stream
    return io.BufferedReader(_Recoded(_decode(stream, path, encoding)))


def _decode(stream: Any, path: str, encoding: str) -> Iterator[str]:
    is_pipe = sys.stdin is not None and stream is sys.stdin.buffer
    read = stream.read1 if is_pipe else stream.read  # a pipe gives what is there, for it may stay open without more
    decoder = codecs.getincrementaldecoder(encoding)()
    n_read = 0
    while True:
        chunk = read(_CHUNK_BYTES)
        start_byte = n_read - len(decoder.getstate()[0])  # the decoder keeps back a character that a chunk has cut
        n_read += len(chunk)
        if start_byte == 0 and encoding == "utf-8":
            start_byte = len(chunk) - len(chunk := without_bom(chunk, path))
        try:
            decoded = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            raise not_decodable(path, error, start_byte) from error
        except UnicodeError as error:  # UTF-16 without its byte order mark
            raise InputError(path, f"is not {encoding}: {error}", byte_offset=start_byte) from error
        yield decoded
        if not chunk:
            return


class _Recoded(io.RawIOBase):
    """Decoded pieces of text, read as a stream of UTF-8 bytes."""

    def __init__(self, chunks: Iterator[str]) -> None:
        self._chunks = chunks
        self._pending = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._pending:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._pending = chunk.encode("utf-8", "replace")  # UTF-7 can spell half a character
        size = min(len(buffer), len(self._pending))
        buffer[:size], self._pending = self._pending[:size], self._pending[size:]
        return size
