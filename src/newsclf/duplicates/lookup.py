"""Look-up of features in the articles of a block: a bucketed hash table for each article, all in one array."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from newsclf.text.tokens import Hashes, Positions

HASH_BITS = 48  # of a feature's key; the bits above name the article


@dataclass(frozen=True)
class Buckets:
    """Where the features of each article begin, by the first bits of their hashes; about three buckets a feature.

    Attributes:
        shifts: uint64, shape (n_articles,): how far to shift a hash to get its bucket.
        bases: int64, shape (n_articles,): the article's first bucket.
        starts: int32, shape (n_buckets,): the first feature that is in this bucket or in a later one.
    """

    shifts: Hashes
    bases: Positions
    starts: NDArray[np.int32]


def bucket(keys: Hashes, offsets: Positions) -> Buckets:
    """The buckets of ascending keys, article i's being ``keys[offsets[i]:offsets[i + 1]]``."""
    sizes = np.diff(offsets)
    n_bits = np.ceil(np.log2(np.maximum(sizes, 1))).astype(np.int64) + 1
    ends = np.cumsum(1 << n_bits)
    bases, shifts = ends - (1 << n_bits), (HASH_BITS - n_bits).astype(np.uint64)
    places = (hash_bits(keys) >> np.repeat(shifts, sizes)).astype(np.int64) + np.repeat(bases, sizes)
    n_buckets = int(ends[-1]) if len(ends) else 0
    counts = np.bincount(places, minlength=n_buckets)
    return Buckets(shifts, bases, (np.cumsum(counts) - counts).astype(np.int32))


def find(keys: Hashes, buckets: Buckets, owners: Positions, sizes: Positions, hashes: Hashes) -> Positions:
    """Where hashes stand among the features of articles.

    Args:
        keys: uint64, ascending.
        buckets: made from the same keys.
        owners: int64, shape (n_runs,): the articles to look in, one for each run of hashes.
        sizes: int64, shape (n_runs,): the lengths of the runs.
        hashes: uint64, shape (sum of sizes,): 48-bit hashes.

    Returns:
        int64, the shape of hashes: indices of keys; -1 where the article lacks the feature.
    """
    wanted = np.repeat(owners.astype(np.uint64) << np.uint64(HASH_BITS), sizes) | hashes
    places = (hashes >> np.repeat(buckets.shifts.take(owners), sizes)).view(np.int64)
    places += np.repeat(buckets.bases.take(owners), sizes)
    found = buckets.starts.take(places).astype(np.int64)
    padded = np.append(keys, np.uint64(2**64 - 1))  # no walk goes past the end
    there = padded.take(found)
    walking = np.flatnonzero(there < wanted)
    while len(walking):
        found[walking] += 1
        there[walking] = padded.take(found[walking])
        walking = walking.take(np.flatnonzero(there[walking] < wanted[walking]))
    found[np.flatnonzero(there != wanted)] = -1
    return found


def hash_bits(keys: Hashes) -> Hashes:
    """The lower bits of keys, without the article."""
    return keys & np.uint64((1 << HASH_BITS) - 1)
