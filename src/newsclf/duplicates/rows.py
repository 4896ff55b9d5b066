"""The TF-IDF rows that duplicates are looked for by, made of all the terms of a corpus and not of the model's alone.

The names and numbers that set two articles apart are just what no vocabulary holds. So a row here has every term of its
article: ``(1 + ln(tf)) * idf`` with the model's frozen document frequencies, and ``idf = ln(1 + n_articles) + 1`` for a term that
the model has never seen, scaled to norm 1. Only then are the terms that no other article of the corpus has left out: they are
part of a norm and of no dot product.

Unknown bigrams cost recall of translations, which share few of them: without them 97 % of such pairs reach a cosine of .5, with
them 87 %, and 92 % one of .45. But they are what keeps templates apart and the search short: without them it has five times the
candidates.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from newsclf.duplicates.features import idf_of
from newsclf.duplicates.spool import ArraySpool
from newsclf.text.tokens import Hashes, TermHashes, hash_terms
from newsclf.tfidf import Rows, Vocabulary, sublinear_tf

ARTICLE_BITS = 10  # of a key; the rest is the term's hash. Two of 20 million terms share 54 bits once in a hundred corpora
MAX_BLOCK_ARTICLES = 1 << ARTICLE_BITS
SHORT = np.uint64(2**64 - MAX_BLOCK_ARTICLES)  # the bits of a hash that a key has room for
ENTRIES_AT_ONCE = 1 << 21  # read back from disk: 16 MB of hashes


@dataclass(frozen=True)
class HashRows:
    """Rows whose columns are hashes.

    Attributes:
        sizes: int64, shape (n_rows,); number of terms of each article.
        hashes: uint64, shape (n_values,), ascending within a row; the lowest ``ARTICLE_BITS`` bits are 0.
        values: float32, shape (n_values,); each row has norm 1, or no value at all.
        idf: float32, shape (n_values,); of each term.
    """

    sizes: NDArray[np.int64]
    hashes: Hashes
    values: NDArray[np.float32]
    idf: NDArray[np.float32]


def shortened(vocabulary: Vocabulary) -> Vocabulary:
    """The vocabulary with hashes as short as those of ``HashRows``."""
    return Vocabulary(vocabulary.hashes & SHORT, vocabulary.document_frequencies, vocabulary.n_articles)


def hash_rows(texts: Sequence[str], short_vocabulary: Vocabulary) -> HashRows:
    """The rows of at most ``MAX_BLOCK_ARTICLES`` cleaned texts.

    Args:
        texts: titles and bodies, as the model reads them.
        short_vocabulary: as ``shortened`` gives it.

    Raises:
        ValueError: if there are too many texts for one block.
    """
    return term_rows(hash_terms(texts), short_vocabulary)


def term_rows(terms: TermHashes, short_vocabulary: Vocabulary) -> HashRows:
    """The same of texts that were hashed already.

    Raises:
        ValueError: if there are too many texts for one block.
    """
    if terms.n_articles > MAX_BLOCK_ARTICLES:
        raise ValueError(f"a block holds at most {MAX_BLOCK_ARTICLES} texts, not {terms.n_articles}")
    keys = (terms.hashes >> np.uint64(ARTICLE_BITS)) | (terms.articles.astype(np.uint64) << np.uint64(64 - ARTICLE_BITS))
    keys.sort()
    firsts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1]))) if len(keys) else np.zeros(0, np.int64)
    tf = np.diff(firsts, append=len(keys))
    keys = keys.take(firsts)
    hashes = keys << np.uint64(ARTICLE_BITS)
    owners = (keys >> np.uint64(64 - ARTICLE_BITS)).astype(np.int64)
    idf = idf_of(hashes, short_vocabulary)
    values = sublinear_tf(tf) * idf
    norms = np.sqrt(np.bincount(owners, weights=values.astype(np.float64) ** 2, minlength=terms.n_articles))
    sizes = np.bincount(owners, minlength=terms.n_articles)
    return HashRows(sizes, hashes, (values / norms.take(owners)).astype(np.float32), idf)


class RowSpool:
    """The rows of a corpus while it is read: on disk, so that its size is not bounded by memory."""

    def __init__(self) -> None:
        self._sizes: list[NDArray[np.int64]] = []
        self._hashes = ArraySpool(np.uint64)
        self._values = ArraySpool(np.float32)

    def append(self, block: HashRows) -> None:
        """Adds the rows of a block.

        Raises:
            OSError: if the disk is full.
        """
        self._sizes.append(block.sizes)
        self._hashes.append(block.hashes)
        self._values.append(block.values)

    def shared_rows(self, max_memory_bytes: int) -> Rows:
        """All rows, without the terms that only one of them has; their norms may be under 1. Memory-mapped; closes the spool.

        Args:
            max_memory_bytes: about what may be used beside the terms that are shared, 8 bytes each.
        """
        shared = self._shared_hashes(max(max_memory_bytes // 16, ENTRIES_AT_ONCE))
        known = Vocabulary(shared, np.ones(len(shared), np.int32), 1)  # for its quick look-up
        ends = np.cumsum(np.concatenate([np.zeros(1, np.int64), *self._sizes]))
        kept_before = np.zeros(1, np.int64)
        kept_ends, columns, values = [kept_before], ArraySpool(np.int32), ArraySpool(np.float32)
        for first, last in _row_ranges(ends):
            start, stop = int(ends[first]), int(ends[last])
            found = known.columns(self._hashes.read(start, stop))
            kept = np.flatnonzero(found >= 0)
            columns.append(found.take(kept))
            values.append(self._values.read(start, stop).take(kept))
            kept_ends.append(kept_ends[-1][-1] + np.searchsorted(kept, ends[first + 1 : last + 1] - start))
        self.close()
        rows = Rows(np.concatenate(kept_ends), columns.mapped(), values.mapped(), max(len(shared), 1))
        columns.close()  # what is mapped outlives its file
        values.close()
        return rows

    def close(self) -> None:
        """Gives the disk space back."""
        self._hashes.close()
        self._values.close()

    def _shared_hashes(self, max_at_once: int) -> Hashes:
        """The hashes of the terms of two or more rows, ascending; as many passes as memory asks for, each over a range."""
        n_passes = -(-self._hashes.size // max_at_once)
        edges = [(2**64 * number) // n_passes for number in range(1, n_passes)] if n_passes else []
        shared = [np.zeros(0, np.uint64)]
        for low, high in zip([0, *edges], [*edges, 2**64], strict=True):
            shared.append(_repeated(self._hashes_between(low, high)))
        return np.concatenate(shared)

    def _hashes_between(self, low: int, high: int) -> Hashes:
        parts = [np.zeros(0, np.uint64)]
        for start in range(0, self._hashes.size, ENTRIES_AT_ONCE):
            hashes = self._hashes.read(start, min(start + ENTRIES_AT_ONCE, self._hashes.size))
            is_inside = (hashes >= np.uint64(low)) & (hashes <= np.uint64(high - 1))
            parts.append(hashes[is_inside])
        return np.concatenate(parts)


def _repeated(hashes: Hashes) -> Hashes:
    """The hashes that stand in the array more than once, ascending, each once; a row holds none twice."""
    ascending = np.sort(hashes)
    is_repeat = ascending[1:] == ascending[:-1]
    is_first = is_repeat.copy()
    is_first[1:] &= ~is_repeat[:-1]
    repeated: Hashes = ascending[1:][is_first]
    return repeated


def _row_ranges(ends: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Ranges of rows, last exclusive, with about ``ENTRIES_AT_ONCE`` entries each, at least one row."""
    ranges, first = [], 0
    while first < len(ends) - 1:
        last = int(np.searchsorted(ends, ends[first] + ENTRIES_AT_ONCE, side="right")) - 1
        last = min(max(last, first + 1), len(ends) - 1)
        ranges.append((first, last))
        first = last
    return ranges
