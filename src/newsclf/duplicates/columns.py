"""Records whose fields are arrays of one length, or runs in such arrays."""

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Record = TypeVar("Record", bound="DataclassInstance")


def taken(record: Record, indices: NDArray[np.int64]) -> Record:
    """The same record of some of its entries; every field has one value an entry."""
    return type(record)(*(getattr(record, field.name).take(indices) for field in fields(record)))


def stacked(records: Sequence[Record]) -> Record:
    """The entries of one record after those of the other; one record or more."""
    return type(records[0])(*(np.concatenate([getattr(r, field.name) for r in records]) for field in fields(records[0])))


def run_indices(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """The indices of runs, one run after the other, given where each starts and how long it is.

    >>> run_indices(np.array([5, 0]), np.array([2, 3])).tolist()
    [5, 6, 0, 1, 2]
    """
    indices: NDArray[np.int64] = np.arange(int(lengths.sum()))
    indices += np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
    return indices


def ranks_within(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """The how-many-th of its group each entry is, from 0; groups ascend.

    >>> ranks_within(np.array([3, 3, 7])).tolist()
    [0, 1, 0]
    """
    ranks: NDArray[np.int64] = np.arange(len(groups)) - np.searchsorted(groups, groups)
    return ranks
