"""Postings as files beside the database: a folder of arrays for each segment, written once, memory-mapped, checked on opening."""

import json
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Collection
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from newsclf.duplicates.postings import NewArray, Postings

PAGE_BYTES = 4096
HEADER_BYTES = 128  # of a file of one array; an empty one has no more, and cannot be mapped
UNNAMED = ".new-"  # and the process that writes it

ARRAYS = tuple(field.name for field in fields(Postings))


def write_segment(folder: Path, fill: Callable[[NewArray], Postings]) -> tuple[Path, str]:
    """Writes a segment into a folder of its own that has no name yet; an error leaves nothing of it.

    Args:
        folder: where the segments of an index are.
        fill: makes the postings in arrays that it is given.

    Returns:
        Where it was written, and the checksums of its arrays, as JSON.

    Raises:
        OSError: if the disk is full or the folder read-only.
    """
    folder.mkdir(exist_ok=True)
    unnamed = Path(tempfile.mkdtemp(dir=folder, prefix=f"{UNNAMED}{os.getpid()}-"))
    try:
        postings = fill(lambda array, length, dtype: _new_array(unnamed / f"{array}.npy", length, dtype))
        checksums = {array: checksum(getattr(postings, array)) for array in ARRAYS}
        for array in ARRAYS:
            _flush(getattr(postings, array))
        unnamed.chmod(0o755)
    except BaseException:
        shutil.rmtree(unnamed, ignore_errors=True)
        raise
    return unnamed, json.dumps(checksums)


def name_segment(unnamed: Path, name: str) -> None:
    """Gives a written segment its name, in the place of one that was left there by a process that was killed.

    Raises:
        OSError: if the folder is read-only.
    """
    named = unnamed.with_name(name)
    if named.exists():
        shutil.rmtree(named)
    unnamed.rename(named)


def remove_segments(folder: Path, kept: Collection[str]) -> None:
    """Removes all segments but some, and what dead processes were writing; what others are writing stays."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name not in kept and not _is_being_written(path.name):
            shutil.rmtree(path, ignore_errors=True)


def _is_being_written(name: str) -> bool:
    process = name.removeprefix(UNNAMED).partition("-")[0]
    if not name.startswith(UNNAMED) or not process.isdecimal():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is there, and somebody else's
        return True
    return True


def _new_array(path: Path, length: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    if not length:  # which cannot be mapped
        empty = np.zeros(0, dtype)
        np.save(path, empty)
        return empty
    mapped = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=(length,))
    with path.open("r+b") as file:  # a full disk must be an error here: written to through the map, it would be a bus error
        os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return mapped


def _flush(array: NDArray[Any]) -> None:
    if isinstance(array, np.memmap):
        array.flush()


def open_segment(folder: Path, name: str, checksums: str) -> Postings:
    """A segment's postings, memory-mapped.

    Raises:
        OSError: if it cannot be read.
        ValueError: if it is not what was written.
    """
    arrays = {array: _mapped(folder / name / f"{array}.npy") for array in ARRAYS}
    expected = json.loads(checksums)
    for array, values in arrays.items():
        if checksum(values) != expected[array]:
            raise ValueError(f"the checksum of {array} of segment {name} differs")
    return Postings(**arrays)


def _mapped(path: Path) -> NDArray[Any]:
    array = np.load(path, mmap_mode="r" if path.stat().st_size > HEADER_BYTES else None, allow_pickle=False)
    return np.asarray(array)


def checksum(array: NDArray[Any]) -> int:
    """CRC-32 of the sums of the array's pages, and of its type and length: at the speed of memory, unlike CRC-32 of all of it."""
    raw = np.ascontiguousarray(array).view(np.uint8)
    n_whole = len(raw) // PAGE_BYTES
    sums = raw[: n_whole * PAGE_BYTES].view(np.uint64).reshape(n_whole, PAGE_BYTES // 8).sum(axis=1, dtype=np.uint64)
    shape = f"{array.dtype.str} {len(array)}".encode()
    return zlib.crc32(raw[n_whole * PAGE_BYTES :].tobytes(), zlib.crc32(sums.tobytes(), zlib.crc32(shape)))
