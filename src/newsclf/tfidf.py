"""Term hashes to weighted rows.

A row has, for each term of the vocabulary that its article holds, ``(1 + ln(tf)) * idf`` with
``idf = ln((1 + n_articles) / (1 + document_frequency)) + 1``, scaled to a Euclidean norm of 1: the weights of scikit-learn's
``TfidfVectorizer(sublinear_tf=True)``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from newsclf.text.tokens import Hashes, TermHashes, blocks, hash_terms

MAX_TABLED_TF = 1024
SUBLINEAR_TF = (1 + np.log(np.maximum(np.arange(MAX_TABLED_TF), 1))).astype(np.float32)  # a look-up costs an eighth of a log
MAX_PENDING = 20_000_000  # hashes that wait to be counted: 160 MB


@dataclass(frozen=True)
class Rows:
    """TF-IDF rows in compressed sparse form.

    Attributes:
        offsets: int64, shape (n_rows + 1,); row i is ``columns[offsets[i]:offsets[i + 1]]`` and the values beside it.
        columns: int32, shape (n_values,), ascending within a row.
        values: float32, shape (n_values,); each row has norm 1, or no value at all.
        n_columns: the size of the vocabulary.
    """

    offsets: NDArray[np.int64]
    columns: NDArray[np.int32]
    values: NDArray[np.float32]
    n_columns: int

    def __len__(self) -> int:
        return len(self.offsets) - 1


@dataclass(frozen=True)
class Vocabulary:
    """The terms that a model knows and how common they were in its training corpus.

    Attributes:
        hashes: uint64, shape (n_terms,), ascending, each once; the position is the term's column.
        document_frequencies: int32, shape (n_terms,); in how many articles each was seen.
        n_articles: number of articles that were counted.
    """

    hashes: Hashes
    document_frequencies: NDArray[np.int32]
    n_articles: int

    def __len__(self) -> int:
        return len(self.hashes)

    @cached_property
    def idf(self) -> NDArray[np.float32]:
        """float32, shape (n_terms,): ``ln((1 + n_articles) / (1 + document_frequency)) + 1``."""
        shares = (1 + self.n_articles) / (1 + self.document_frequencies.astype(np.float64))
        return (np.log(shares) + 1).astype(np.float32)

    @cached_property
    def idf_or_unseen(self) -> NDArray[np.float32]:
        """The same with one value more, at the place of column -1: ``ln(1 + n_articles) + 1``, for a term that was never seen."""
        return np.append(self.idf, np.float32(np.log1p(self.n_articles) + 1))

    def columns(self, hashes: Hashes) -> NDArray[np.int32]:
        """The column of each hash, int32, of the hashes' shape; -1 for a term that is not in the vocabulary.

        The first bits of a hash name a bucket of the sorted vocabulary; most buckets hold one term or none.
        """
        starts, keys = self._buckets
        columns = starts.take((hashes >> self._shift).view(np.int64))
        found = keys.take(columns)
        walking = np.flatnonzero(found < hashes)
        while len(walking):
            columns[walking] += 1
            found[walking] = keys.take(columns[walking])
            walking = walking.take(np.flatnonzero(found[walking] < hashes[walking]))
        columns[np.flatnonzero((found != hashes) | (columns == len(self)))] = -1
        return columns

    @cached_property
    def _shift(self) -> np.uint64:
        return np.uint64(64 - max(len(self).bit_length() + 1, 4))  # two to four buckets a term

    @cached_property
    def _buckets(self) -> tuple[NDArray[np.int32], Hashes]:
        """The first column of each bucket, and the hashes with a sentinel behind them that no walk can pass."""
        n_buckets = 1 << (64 - int(self._shift))
        sizes = np.bincount((self.hashes >> self._shift).view(np.int64), minlength=n_buckets)
        starts = (np.cumsum(sizes) - sizes).astype(np.int32)
        return starts, np.append(self.hashes, np.uint64(2**64 - 1))


def tfidf_rows(texts: Sequence[str], vocabulary: Vocabulary) -> Rows:
    """The TF-IDF rows of cleaned texts, in their order.

    >>> vocabulary = count_terms(["wheat rain", "wheat sun"], min_document_frequency=2)
    >>> tfidf_rows(["Wheat, wheat", ""], vocabulary).values.tolist()
    [1.0]
    """
    return join_rows([weigh(hash_terms(texts[block]), vocabulary) for block in blocks(texts)], len(vocabulary))


def weigh(terms: TermHashes, vocabulary: Vocabulary) -> Rows:
    """Counts a block's terms and weighs them: one row an article, terms outside the vocabulary left out."""
    return weigh_columns(terms, vocabulary.columns(terms.hashes), vocabulary)


def weigh_columns(terms: TermHashes, columns: NDArray[np.int32], vocabulary: Vocabulary) -> Rows:
    """The same where the column of each occurrence (-1 if unknown) is at hand already."""
    n_columns = max(len(vocabulary), 1)
    known = np.flatnonzero(columns >= 0)
    is_small = terms.n_articles * n_columns < 2**32
    keys: NDArray[Any] = terms.articles.take(known).astype(
        np.uint32 if is_small else np.uint64
    )  # 32 bits sort three times as fast
    np.multiply(keys, keys.dtype.type(n_columns), out=keys)
    np.add(keys, columns.take(known).view(np.uint32), out=keys)
    keys, tf = _counted(keys)
    articles, distinct_columns = np.divmod(keys, keys.dtype.type(n_columns))
    offsets = np.searchsorted(articles, np.arange(terms.n_articles + 1, dtype=keys.dtype))
    values = sublinear_tf(tf) * vocabulary.idf.take(distinct_columns.astype(np.int64))
    return Rows(offsets, distinct_columns.astype(np.int32), _normalized(values, offsets), len(vocabulary))


def count_known_tokens(terms: TermHashes, columns: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many tokens each article of a block has, and how many of them the vocabulary knows; int64, shape (n_articles,) both."""
    articles = terms.articles[: terms.n_tokens]
    known = articles.take(np.flatnonzero(columns[: terms.n_tokens] >= 0))
    return np.bincount(articles, minlength=terms.n_articles), np.bincount(known, minlength=terms.n_articles)


def join_rows(parts: Sequence[Rows], n_columns: int) -> Rows:
    """Rows of one vocabulary, one part after the other; no part gives no rows."""
    sizes = np.concatenate([np.zeros(1, np.int64), *(np.diff(part.offsets) for part in parts)])
    return Rows(
        offsets=np.cumsum(sizes),
        columns=np.concatenate([np.zeros(0, np.int32), *(part.columns for part in parts)]),
        values=np.concatenate([np.zeros(0, np.float32), *(part.values for part in parts)]),
        n_columns=n_columns,
    )


def count_terms(texts: Sequence[str], min_document_frequency: int, max_terms: int | None = None) -> Vocabulary:
    """The vocabulary of the terms that stand in at least so many of the texts; of more than ``max_terms`` the most common.

    A minimum of 2 or more keeps rare names of a private corpus out of a model. Of equally common terms the lower hashes are kept.

    >>> len(count_terms(["wheat rain", "wheat sun"], min_document_frequency=1))
    5
    """
    hashes, frequencies = np.zeros(0, np.uint64), np.zeros(0, np.int32)
    pending: list[Hashes] = []
    n_pending = 0
    for block in blocks(texts):
        pending.append(_distinct_hashes(hash_terms(texts[block])))
        n_pending += len(pending[-1])
        if n_pending > MAX_PENDING:
            hashes, frequencies = _add_counts(hashes, frequencies, pending)
            pending, n_pending = [], 0
    hashes, frequencies = _add_counts(hashes, frequencies, pending)
    kept = np.flatnonzero(frequencies >= min_document_frequency)
    if max_terms is not None and len(kept) > max_terms:
        kept = np.sort(kept[np.argsort(-frequencies[kept], kind="stable")[:max_terms]])
    return Vocabulary(hashes.take(kept), frequencies.take(kept), len(texts))


def _distinct_hashes(terms: TermHashes) -> Hashes:
    """The hashes of a block, each as often as there are articles that hold it."""
    order = np.lexsort((terms.articles, terms.hashes))
    hashes, articles = terms.hashes.take(order), terms.articles.take(order)
    is_first = np.ones(len(hashes), bool)
    is_first[1:] = (hashes[1:] != hashes[:-1]) | (articles[1:] != articles[:-1])
    return hashes.take(np.flatnonzero(is_first))


def _add_counts(hashes: Hashes, frequencies: NDArray[np.int32], pending: Sequence[Hashes]) -> tuple[Hashes, NDArray[np.int32]]:
    """Sorted hashes and their frequencies, with the pending hashes counted in."""
    new, counts = _counted(np.concatenate([np.zeros(0, np.uint64), *pending]))
    merged = np.concatenate([hashes, new])
    order = np.argsort(merged, kind="stable")
    merged = merged.take(order)
    both = np.concatenate([frequencies, counts.astype(np.int32)]).take(order)
    firsts = _first_positions(merged)
    return merged.take(firsts), np.add.reduceat(both, firsts).astype(np.int32) if len(firsts) else both


def _counted(keys: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The distinct keys, ascending, and how often each stands in the array; sorts the array itself."""
    keys.sort()
    firsts = _first_positions(keys)
    return keys.take(firsts), np.diff(firsts, append=len(keys))


def _first_positions(ascending: NDArray[Any]) -> NDArray[np.int64]:
    is_first = np.ones(len(ascending), bool)
    np.not_equal(ascending[1:], ascending[:-1], out=is_first[1:])
    return np.flatnonzero(is_first)


def sublinear_tf(tf: NDArray[np.int64]) -> NDArray[np.float32]:
    """``1 + ln(tf)`` of counts of 1 and more, float32, of their shape."""
    if len(tf) and tf.max() >= MAX_TABLED_TF:
        return (1 + np.log(tf)).astype(np.float32)
    return SUBLINEAR_TF.take(tf)


def _normalized(values: NDArray[np.float32], offsets: NDArray[np.int64]) -> NDArray[np.float32]:
    """The values with every row scaled to norm 1; an empty row stays empty."""
    sizes = np.diff(offsets)
    filled = np.flatnonzero(sizes)
    if not len(filled):
        return values
    squares: NDArray[np.float64] = np.add.reduceat(values * values, offsets[:-1].take(filled), dtype=np.float64)
    norms = np.sqrt(squares).astype(np.float32)
    return np.divide(values, np.repeat(norms, sizes.take(filled)), dtype=np.float32)
