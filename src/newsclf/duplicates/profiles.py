"""What of an article the duplicate decision looks at: its terms, 3-grams, numbers, dates and names, as sorted hashes.

All are features of one table. A pair's signals then come from one look-up of the smaller article's features in the larger
one's, vectorised over thousands of pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from newsclf.duplicates.features import (
    BIGRAM,
    N_KINDS,
    REPEATED,
    Features,
    features_of,
)
from newsclf.duplicates.lookup import HASH_BITS, Buckets, bucket
from newsclf.text.clean import CleanArticle
from newsclf.text.tokens import Hashes, Positions
from newsclf.tfidf import Vocabulary

N_QUARTERS = 4  # an edited copy is like its source throughout; a follow-up has parts that are all new


@dataclass(frozen=True)
class Profiles:
    """The features of a block of at most 65,536 articles.

    Attributes:
        offsets: int64, shape (n_articles + 1,); where each article's features stand.
        keys: uint64, shape (n_features,), ascending: article in the upper 16 bits, hash in the lower 48.
        kinds: uint8, shape (n_features,), below ``N_KINDS``.
        weights: float32, shape (n_features,): idf of terms, weight of numbers, 1 of the rest.
        values: float32, shape (n_features,): TF-IDF of terms, norm 1 an article; 0 of the rest.
        positions: int32, shape (n_features,): the token at which a term or 3-gram first occurs.
        totals: float32, shape (n_articles, N_KINDS): sums of the weights.
        quarter_totals: float32, shape (n_articles, N_QUARTERS): sums of the weights of the tokens that first stand there.
        n_tokens: int64, shape (n_articles,).
        trigrams: int64, shape (n_trigrams,): the 3-grams in reading order, as indices of features.
        trigram_offsets: int64, shape (n_articles + 1,).
        buckets: for the look-up of keys.
    """

    offsets: Positions
    keys: Hashes
    kinds: NDArray[np.uint8]
    weights: NDArray[np.float32]
    values: NDArray[np.float32]
    positions: NDArray[np.int32]
    totals: NDArray[np.float32]
    quarter_totals: NDArray[np.float32]
    n_tokens: Positions
    trigrams: Positions
    trigram_offsets: Positions
    buckets: Buckets


def profile(articles: Sequence[CleanArticle], vocabulary: Vocabulary) -> Profiles:
    """The profiles of a block of cleaned articles; an article without a word has no features.

    Args:
        articles: at most 65,536.
        vocabulary: gives each term its idf; a term it lacks counts as never seen.

    Raises:
        ValueError: if there are too many articles for one block.
    """
    if len(articles) > 1 << (64 - HASH_BITS):
        raise ValueError(f"a block holds at most {1 << (64 - HASH_BITS)} articles, not {len(articles)}")
    return _sorted_profiles(*features_of(articles, vocabulary))


def joined(parts: Sequence[Profiles]) -> Profiles:
    """The profiles of one block after the other as those of one block; together at most 65,536 articles, one part or more."""
    n_articles = _before([len(part.n_tokens) for part in parts])
    n_features = _before([len(part.keys) for part in parts])
    n_trigrams = _before([len(part.trigrams) for part in parts])
    n_buckets = _before([len(part.buckets.starts) for part in parts])
    numbered = list(zip(parts, n_articles, n_features, n_trigrams, n_buckets, strict=True))
    return Profiles(
        offsets=np.concatenate([np.zeros(1, np.int64), *(part.offsets[1:] + first for part, _, first, *_ in numbered)]),
        keys=np.concatenate([part.keys + (np.uint64(first) << np.uint64(HASH_BITS)) for part, first, *_ in numbered]),
        kinds=np.concatenate([part.kinds for part in parts]),
        weights=np.concatenate([part.weights for part in parts]),
        values=np.concatenate([part.values for part in parts]),
        positions=np.concatenate([part.positions for part in parts]),
        totals=np.concatenate([part.totals for part in parts]),
        quarter_totals=np.concatenate([part.quarter_totals for part in parts]),
        n_tokens=np.concatenate([part.n_tokens for part in parts]),
        trigrams=np.concatenate([part.trigrams + first for part, _, first, *_ in numbered]),
        trigram_offsets=np.concatenate(
            [np.zeros(1, np.int64), *(part.trigram_offsets[1:] + first for part, _, _, first, _ in numbered)]
        ),
        buckets=Buckets(
            shifts=np.concatenate([part.buckets.shifts for part in parts]),
            bases=np.concatenate([part.buckets.bases + first for part, *_, first in numbered]),
            starts=np.concatenate([part.buckets.starts + np.int32(first) for part, _, first, *_ in numbered]),
        ),
    )


def _before(sizes: Sequence[int]) -> list[int]:
    """How many there are before each part."""
    return np.cumsum([0, *sizes])[:-1].tolist()  # type: ignore[no-any-return]


def _sorted_profiles(features: Features, n_tokens: Positions) -> Profiles:
    """One entry for each feature of an article: marks joined, first position kept, occurrences counted."""
    order, ascending = _stably_sorted(features.keys)
    is_first = np.ones(len(ascending), bool)
    np.not_equal(ascending[1:], ascending[:-1], out=is_first[1:])
    firsts = np.flatnonzero(is_first)
    tf = np.diff(firsts, append=len(ascending))
    keys, sources = ascending.take(firsts), order.take(firsts)
    weights, positions = features.weights.take(sources), features.positions.take(sources)
    kinds = _joined_kinds(features.kinds.take(order), firsts, tf)
    owners = (keys >> np.uint64(HASH_BITS)).view(np.int64)
    offsets = np.searchsorted(owners, np.arange(len(n_tokens) + 1))
    trigram_sizes = np.maximum(n_tokens - 2, 0)
    return Profiles(
        offsets=offsets,
        keys=keys,
        kinds=kinds,
        weights=weights,
        values=_tfidf_values(tf, kinds, weights, owners, len(n_tokens)),
        positions=positions,
        totals=_totals(owners * N_KINDS + kinds, weights, len(n_tokens), N_KINDS),
        quarter_totals=_quarter_totals(kinds, weights, positions, owners, n_tokens),
        n_tokens=n_tokens,
        trigrams=_feature_indices(order, is_first)[len(order) - int(trigram_sizes.sum()) :],  # the 3-grams stand last
        trigram_offsets=np.concatenate([np.zeros(1, np.int64), np.cumsum(trigram_sizes)]),
        buckets=bucket(keys, offsets),
    )


def _stably_sorted(keys: Hashes) -> tuple[Positions, Hashes]:
    """The order that sorts keys, equal ones as they come, and the keys in it.

    Numbers sort in half the time that their order takes. So the index of each key is written over its lowest bits, and the two
    are sorted as one number; where those bits would have decided, once in thousands of blocks, the keys themselves are sorted.
    """
    n_index_bits = len(keys).bit_length()
    n_spare_bits = 64 - int(keys.max(initial=0)).bit_length()
    packed = keys << np.uint64(min(n_spare_bits, 63))
    packed >>= np.uint64(n_index_bits)
    packed <<= np.uint64(n_index_bits)
    packed |= np.arange(len(keys), dtype=np.uint64)
    packed.sort()
    packed &= np.uint64((1 << n_index_bits) - 1)
    order = packed.view(np.int64)
    ascending = keys.take(order)
    if (ascending[1:] < ascending[:-1]).any():
        order = np.argsort(keys, kind="stable")
        ascending = keys.take(order)
    return order, ascending


def _joined_kinds(kinds: NDArray[np.uint8], firsts: Positions, tf: Positions) -> NDArray[np.uint8]:
    """The marks of all occurrences of each feature together, and whether it is a token that occurs again."""
    if not len(firsts):
        return kinds
    joined_kinds = np.bitwise_or.reduceat(kinds, firsts)
    joined_kinds += ((tf > 1) & (joined_kinds < BIGRAM)).view(np.uint8) * np.uint8(REPEATED)
    return joined_kinds


def _tfidf_values(
    tf: Positions, kinds: NDArray[np.uint8], weights: NDArray[np.float32], owners: Positions, n_articles: int
) -> NDArray[np.float32]:
    terms = np.flatnonzero(kinds <= BIGRAM)
    term_owners, logarithms = owners.take(terms), np.log(np.arange(1, tf.max(initial=1) + 1))
    values = (1 + logarithms).take(tf.take(terms) - 1) * weights.take(terms)
    norms = np.sqrt(np.bincount(term_owners, weights=values**2, minlength=n_articles))
    scaled = np.zeros(len(kinds), np.float32)
    scaled[terms] = values / norms.take(term_owners)
    return scaled


def _totals(cells: Positions, weights: NDArray[np.float32], n_articles: int, width: int) -> NDArray[np.float32]:
    """The weights summed in cells of a table of articles."""
    sums = np.bincount(cells, weights=weights, minlength=n_articles * width)
    return sums.reshape(n_articles, width).astype(np.float32)


def _quarter_totals(
    kinds: NDArray[np.uint8], weights: NDArray[np.float32], positions: NDArray[np.int32], owners: Positions, n_tokens: Positions
) -> NDArray[np.float32]:
    tokens = np.flatnonzero(kinds < BIGRAM)
    token_owners = owners.take(tokens)
    quarters = quarters_of(positions.take(tokens), n_tokens.take(token_owners))
    return _totals(token_owners * N_QUARTERS + quarters, weights.take(tokens), len(n_tokens), N_QUARTERS)


def quarters_of(positions: NDArray[np.int32], n_tokens: Positions) -> Positions:
    """The quarter of its text in which each token stands, 0 to 3."""
    return positions.astype(np.int64) * N_QUARTERS // np.maximum(n_tokens, 1)


def _feature_indices(order: Positions, is_first: NDArray[np.bool_]) -> Positions:
    """For each occurrence, in the order in which they came, the index of its feature."""
    indices = np.empty(len(order), np.int64)
    indices[order] = np.cumsum(is_first) - 1
    return indices
