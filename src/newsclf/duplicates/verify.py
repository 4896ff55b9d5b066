"""Candidate pairs to duplicate pairs: the signals of each pair, its probability, its kind."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from newsclf.duplicates.columns import stacked, taken
from newsclf.duplicates.decide import KINDS, MIN_PROBABILITY, DuplicateModel, kinds
from newsclf.duplicates.profiles import joined, profile
from newsclf.duplicates.signal_names import CONTAINMENT, COSINE
from newsclf.duplicates.signals import pair_signals
from newsclf.text.clean import CleanArticle
from newsclf.tfidf import Vocabulary

PAIRS_AT_ONCE = 1000  # the work on their signals takes some 40 MB, and most of it stays in the cache
PROFILED_TOGETHER = 128  # articles; in the cache, where 4,096 are not and take twice the time and half a gigabyte
PROFILED_AT_ONCE = 4096  # articles; 25 KB each where they have 400 words


class Texts(Protocol):
    """Cleaned articles by number."""

    def read(self, indices: Sequence[int]) -> list[CleanArticle]:
        """The articles of these numbers, in this order."""


@dataclass(frozen=True)
class DuplicatePairs:
    """Pairs that were decided to be duplicates.

    Attributes:
        left: int64, shape (n_pairs,).
        right: int64, shape (n_pairs,).
        probability: float32, shape (n_pairs,), ``MIN_PROBABILITY`` or more.
        kind: int8, shape (n_pairs,), index of ``KINDS``.
        cosine: float32, shape (n_pairs,): of the articles' TF-IDF rows.
        containment: float32, shape (n_pairs,): the larger share of one article's words, weighted by idf, that the other has too.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    probability: NDArray[np.float32]
    kind: NDArray[np.int8]
    cosine: NDArray[np.float32]
    containment: NDArray[np.float32]

    def take(self, indices: NDArray[np.int64]) -> "DuplicatePairs":
        """Some of the pairs."""
        return taken(self, indices)


def duplicate_pairs(
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    texts: Texts,
    vocabulary: Vocabulary,
    decision: DuplicateModel,
    n_jobs: int = 1,
) -> DuplicatePairs:
    """Those of the pairs that are duplicates, in their order.

    Args:
        left: int, shape (n_pairs,): numbers of articles.
        right: int, shape (n_pairs,).
        texts: where the articles are.
        vocabulary: gives each term its idf.
        decision: what decides.
        n_jobs: number of processes (joblib's meaning).
    """
    tasks = (
        _task(left[start:stop], right[start:stop], texts, vocabulary, decision)
        for start, stop in batches(left, right, PROFILED_AT_ONCE if n_jobs == 1 else PROFILED_AT_ONCE // 8)
    )
    return stacked([_NO_PAIRS, *_run(tasks, n_jobs)])


_NO_PAIRS = DuplicatePairs(
    left=np.zeros(0, np.int64),
    right=np.zeros(0, np.int64),
    probability=np.zeros(0, np.float32),
    kind=np.zeros(0, np.int8),
    cosine=np.zeros(0, np.float32),
    containment=np.zeros(0, np.float32),
)


@dataclass(frozen=True)
class _Task:
    """Pairs to decide, with their articles: what goes to another process."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    numbers: NDArray[np.int64]
    articles: list[CleanArticle]
    vocabulary: Vocabulary
    decision: DuplicateModel


def _task(
    left: NDArray[np.int64], right: NDArray[np.int64], texts: Texts, vocabulary: Vocabulary, decision: DuplicateModel
) -> _Task:
    numbers = np.unique(np.concatenate([left, right]))
    return _Task(left, right, numbers, texts.read(numbers.tolist()), vocabulary, decision)


def _run(tasks: Iterable[_Task], n_jobs: int) -> Iterable[DuplicatePairs]:
    if n_jobs == 1:
        return map(_decided, tasks)
    from joblib import Parallel, delayed  # imported where needed: a third of a second at start-up

    found: Iterable[DuplicatePairs] = Parallel(n_jobs=n_jobs, return_as="generator")(delayed(_decided)(task) for task in tasks)
    return found


def batches(left: NDArray[np.int64], right: NDArray[np.int64], n_articles: int = PROFILED_AT_ONCE) -> Iterator[tuple[int, int]]:
    """Ranges of pairs, last exclusive, each as long as it holds at most so many different articles; two or more.

    Articles of templates are candidates of thousands of others: the longer a batch, the fewer times each is profiled.
    """
    start, both = 0, np.column_stack([left, right]).ravel()
    while start < len(left):
        firsts = np.sort(np.unique(both[2 * start :], return_index=True)[1])
        stop = start + int(firsts[n_articles]) // 2 if len(firsts) > n_articles else len(left)
        yield start, stop
        start = stop


def _blocks(articles: Sequence[CleanArticle]) -> list[Sequence[CleanArticle]]:
    return [articles[start : start + PROFILED_TOGETHER] for start in range(0, len(articles), PROFILED_TOGETHER)]


def _decided(task: _Task) -> DuplicatePairs:
    profiles = joined([profile(block, task.vocabulary) for block in _blocks(task.articles)])
    left, right = (np.searchsorted(task.numbers, side) for side in (task.left, task.right))
    probability, kind = np.zeros(len(left), np.float32), np.full(len(left), -1, np.int8)
    likeness = np.zeros((len(left), 2), np.float32)
    for start in range(0, len(left), PAIRS_AT_ONCE):
        pairs = slice(start, min(start + PAIRS_AT_ONCE, len(left)))
        signals = pair_signals(profiles, left[pairs], right[pairs])
        likeness[pairs] = signals[:, [COSINE, CONTAINMENT]]
        probability[pairs] = task.decision.probabilities(signals)
        duplicates = np.flatnonzero(probability[pairs] >= np.float32(MIN_PROBABILITY))
        kind[start + duplicates] = [KINDS.index(name) for name in kinds(signals[duplicates])]
    kept = np.flatnonzero(kind >= 0)
    sides = task.left.take(kept), task.right.take(kept)
    return DuplicatePairs(*sides, probability.take(kept), kind.take(kept), *likeness[kept].T)
