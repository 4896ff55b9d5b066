"""What a large corpus leaves on disk while it is searched: arrays and texts in temporary files that vanish with the process."""

import tempfile
from array import array
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from newsclf.text.clean import CleanArticle

FOLDER_PREFIX = "newsclf-"


class ArraySpool:
    """One growing array in a file: appended block by block, read back by ranges or as a whole."""

    def __init__(self, dtype: DTypeLike) -> None:
        self.dtype = np.dtype(dtype)
        self.size = 0
        self._file = tempfile.TemporaryFile(prefix=FOLDER_PREFIX)  # noqa: SIM115 (closed by close)

    def append(self, values: NDArray[Any]) -> None:
        """Writes values at the end.

        Raises:
            OSError: if the disk is full.
        """
        self._file.write(np.ascontiguousarray(values, self.dtype).data)
        self.size += len(values)

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """A copy of the values from start to stop, exclusive."""
        self._file.seek(start * self.dtype.itemsize)
        return np.frombuffer(self._file.read((stop - start) * self.dtype.itemsize), self.dtype)

    def mapped(self) -> NDArray[Any]:
        """All values, memory-mapped and read-only: the system may drop them from memory and read them again."""
        self._file.flush()
        if not self.size:
            return np.zeros(0, self.dtype)
        return np.memmap(self._file, self.dtype, "r", shape=(self.size,)).view(np.ndarray)  # memmap slices slowly

    def close(self) -> None:
        """Closes the file; the disk space comes back when no mapped array is left."""
        self._file.close()


class RecordSpool:
    """Strings in a file, each to be had again by the number under which it went in; a lone surrogate comes back as it was."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix=FOLDER_PREFIX)  # noqa: SIM115 (closed by close)
        self._ends = array("q", [0])  # in bytes

    def __len__(self) -> int:
        return len(self._ends) - 1

    def append(self, record: str) -> None:
        """Writes a string at the end.

        Raises:
            OSError: if the disk is full.
        """
        self._ends.append(self._ends[-1] + self._file.write(record.encode("utf-8", "surrogatepass")))

    def read(self, index: int) -> str:
        """The string of this number."""
        start, end = self._ends[index : index + 2]
        self._file.seek(start)
        return self._file.read(end - start).decode("utf-8", "surrogatepass")

    def close(self) -> None:
        """Gives the disk space back."""
        self._file.close()


class TextSpool:
    """Cleaned articles in a file: title and body, without the tags."""

    def __init__(self) -> None:
        self._records = RecordSpool()

    def append(self, articles: Iterable[CleanArticle]) -> None:
        """Writes articles at the end.

        Raises:
            OSError: if the disk is full.
        """
        for article in articles:
            self._records.append(article.title)
            self._records.append(article.body)

    def read(self, indices: Sequence[int]) -> list[CleanArticle]:
        """The articles of these numbers, in this order."""
        return [CleanArticle(self._records.read(2 * index), self._records.read(2 * index + 1)) for index in indices]

    def close(self) -> None:
        """Gives the disk space back."""
        self._records.close()
