"""Clusters that are stars: every member is a duplicate of its canonical, nothing is joined through a chain."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from newsclf.duplicates.decide import KINDS

N_KINDS = len(KINDS)


def cluster_digest(article_id: str, text: str) -> int:
    """What names the cluster that stands on an article: a hash of its id and cleaned text, 64 bits."""
    return int.from_bytes(hashlib.sha256(f"{article_id}\0{text}".encode("utf-8", "surrogatepass")).digest()[:8])


class Stars:
    """Clusters that grow while pairs are being decided.

    Articles are taken in order of rank. One that is a duplicate of canonicals before it becomes a member of the one with
    the highest probability, of the earlier of several such; one that is not is a canonical. So every member makes a
    duplicate pair with its canonical and comes after it, and no two canonicals make one. The result depends on the ranks and
    not on the order in which pairs of one left article come, nor on pairs whose left article is a member: those need not even
    be looked for.

    Attributes:
        canonical: int64, shape (n_articles,); of each article; a canonical, and an article without duplicates, is its own.
        probability: float32, shape (n_articles,); of the pair with the canonical; 1 for a canonical.
        kind: int8, shape (n_articles,); the kind of that pair, as it was given; -1 for a canonical.
        is_member: bool, shape (n_articles,); True for what is not its own canonical.

    >>> stars = Stars(np.arange(4))
    >>> stars.add(np.array([0, 1, 2]), np.array([1, 2, 3]), np.array([.9, .9, .9], np.float32), np.zeros(3, np.int8))
    >>> stars.canonical.tolist()
    [0, 0, 2, 2]
    """

    def __init__(self, ranks: NDArray[np.int64]) -> None:
        """Every article is a canonical.

        Args:
            ranks: int64, shape (n_articles,), a permutation; 0 for the article that is to be canonical before all others.

        Raises:
            ValueError: if the ranks are no permutation.
        """
        if not np.array_equal(np.sort(ranks), np.arange(len(ranks))):
            raise ValueError(f"ranks must hold each of 0 to {len(ranks) - 1} once, one for each of the {len(ranks)} articles")
        self._ranks = ranks
        self.canonical: NDArray[np.int64] = np.arange(len(ranks))
        self.probability = np.ones(len(ranks), np.float32)
        self.kind = np.full(len(ranks), -1, np.int8)
        self.is_member = np.zeros(len(ranks), np.bool_)

    def add(
        self, left: NDArray[np.int64], right: NDArray[np.int64], probability: NDArray[np.float32], kind: NDArray[np.int8]
    ) -> None:
        """Takes in duplicate pairs, in any order.

        Args:
            left: int, shape (n_pairs,): the article of lower rank. When a pair is added, all pairs in which its left article
                is the right one must have been added before or be added with it.
            right: int, shape (n_pairs,).
            probability: float32, shape (n_pairs,).
            kind: int8, shape (n_pairs,).

        Raises:
            ValueError: if a left article does not come before its right one.
        """
        ranks = self._ranks.take(left)
        if not (ranks < self._ranks.take(right)).all():
            raise ValueError("of each pair, left must be the article of lower rank")
        order = np.lexsort((-probability, self._ranks.take(right), ranks))
        pairs = (left, right, probability, kind)
        # Each step depends on the ones before it, so this is a loop; it takes only pairs that are duplicates, a few an article.
        for one, other, chance, what in zip(*(values.take(order).tolist() for values in pairs), strict=True):
            if not self.is_member[one] and (not self.is_member[other] or chance > self.probability[other]):
                self.canonical[other], self.probability[other], self.kind[other] = one, chance, what
                self.is_member[other] = True


@dataclass(frozen=True, slots=True)
class Membership:
    """The cluster of one article.

    Attributes:
        cluster: the cluster's id, 16 hexadecimal digits: a hash of its canonical's id and text, whatever the rest of the corpus.
        canonical: number of the canonical in the corpus, from 0; the article's own where it is the one to keep.
        duplicate: True where the article is a duplicate of its canonical.
        kind: exact, retitled, cut, edited or retranslated; None where it is no duplicate.
        probability: that it is a duplicate of its canonical; None where it is no duplicate.
    """

    cluster: str
    canonical: int
    duplicate: bool
    kind: str | None
    probability: float | None


@dataclass(frozen=True, slots=True)
class Cluster:
    """Two or more articles that are near-duplicates.

    Attributes:
        cluster: its id, as in ``Membership``.
        canonical: number of the article to keep.
        members: numbers of its duplicates, ascending.
        lowest_probability: of its members' probabilities: how sure the cluster is where it is least sure.
    """

    cluster: str
    canonical: int
    members: tuple[int, ...]
    lowest_probability: float


@dataclass(frozen=True)
class Clusters:
    """The clusters of a corpus: a ``Membership`` for each article, in the order of the corpus.

    Attributes:
        canonical: int64, shape (n_articles,): number of the canonical of each article.
        probability: float32, shape (n_articles,): of the pair with the canonical; 1 for a canonical.
        kind: int8, shape (n_articles,): index of ``KINDS``; -1 for a canonical.
        digests: uint64, shape (n_articles,): hash of each article's id and text.
    """

    canonical: NDArray[np.int64]
    probability: NDArray[np.float32]
    kind: NDArray[np.int8]
    digests: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.canonical)

    def __getitem__(self, index: int) -> Membership:
        canonical, kind = int(self.canonical[index]), int(self.kind[index])
        cluster = f"{int(self.digests[canonical]):016x}"
        if kind < 0:
            return Membership(cluster, canonical, duplicate=False, kind=None, probability=None)
        return Membership(cluster, canonical, True, KINDS[kind], float(self.probability[index]))

    def __iter__(self) -> Iterator[Membership]:
        return (self[index] for index in range(len(self)))

    @property
    def n_duplicates(self) -> int:
        """How many articles are duplicates of another one."""
        return int(np.count_nonzero(self.kind >= 0))

    def count_kinds(self) -> dict[str, int]:
        """How many duplicates there are of each kind; all kinds, in the order of ``KINDS``."""
        counts = np.bincount(self.kind[self.kind >= 0], minlength=N_KINDS)
        return dict(zip(KINDS, counts.tolist(), strict=True))

    def with_duplicates(self) -> Iterator[Cluster]:
        """The clusters of two or more articles, by their canonicals' numbers."""
        members = np.flatnonzero(self.kind >= 0)
        members = members[np.argsort(self.canonical[members], kind="stable")]
        starts = np.flatnonzero(np.diff(self.canonical[members], prepend=-1))
        for group in np.split(members, starts[1:]) if len(members) else []:
            lowest = float(self.probability[group].min())
            yield Cluster(self[int(group[0])].cluster, int(self.canonical[group[0]]), tuple(group.tolist()), lowest)
