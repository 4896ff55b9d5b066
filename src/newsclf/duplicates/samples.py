"""A sample of each article's rare terms: all that an index of millions of articles holds in memory to find a copy by.

The prefix filter of ``candidates`` needs some 300 postings an article and meets more the larger the corpus. Here 32 terms of an
article are posted, and an article that is looked for comes with all of its own: where it has a share c of the posted terms,
all of them missing has probability (1 - c)**32. Which terms are posted is decided by a hash of the term, so it is
a fair sample of the rare ones, and what is shared of the sample says about what is shared of the whole. Candidates found so are
compared in full before anything is decided. One term more stands for the whole text, so that a copy to the word is always found.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from newsclf.duplicates.columns import ranks_within, run_indices
from newsclf.duplicates.rows import HashRows
from newsclf.text.tokens import Hashes

N_SAMPLED = 32  # of decided duplicates 2.0 % have too little in common with the sample to be found, at 24 2.1 and at 40 2.0 %
N_LOOKED_UP = 128  # in the same order: of articles that are not much shorter all that they share with the sample
HASH_BITS = 40  # of a term: among 40 million postings a chance meeting in one look-up of 30,000
MAX_RARE_SHARE = 0.002  # of the articles that the model learned from: a term in more says little, and its list is long
MIN_SAMPLED = 8  # an article with fewer rare terms is filled up with commoner ones
MAX_LIST = 256  # articles that have a term posted, about; one more says little and would make every look-up longer
MAX_COMMON_STEP = 3  # doublings of the rare share: terms in over 1.6 % of all articles are never looked up

WHOLE = -1  # the step of the term that stands for the whole text
WHOLE_WEIGHT = 16384.0  # more than all terms of a sample together, and enough on its own

_ODD = np.uint64(0xD6E8FEB86659FD93)  # mixer of rrmxmx
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_OWNER_BITS, _STEP_BITS = 10, 3  # of what orders the terms


@dataclass(frozen=True)
class RareTerms:
    """The terms of some articles that are posted or looked up, article by article: at most ``N_LOOKED_UP`` of each.

    Attributes:
        owners: int64, shape (n_terms,), ascending; the number of the article in its block.
        hashes: uint64, shape (n_terms,), below ``2**HASH_BITS``; of each article in the order of choice: the term for
            the whole text, then the rare ones by a hash, then commoner ones.
        weights: float32, shape (n_terms,); squared idf.
        is_rare: bool, shape (n_terms,).
        n_rare: int64, shape (n_articles,); number of rare terms, those left out here included.
        totals: float32, shape (n_articles,); squared idf summed over all terms of each article, common ones included.
    """

    owners: NDArray[np.int64]
    hashes: Hashes
    weights: NDArray[np.float32]
    is_rare: NDArray[np.bool_]
    n_rare: NDArray[np.int64]
    totals: NDArray[np.float32]


@dataclass(frozen=True)
class Samples:
    """What is posted of some articles.

    Attributes:
        sizes: uint8, shape (n_articles,); number of terms posted. An article without a term has none.
        hashes: uint64, shape (n_values,), article by article, ascending within one.
        scales: float32, shape (n_articles,); how many rare terms there are for each one posted.
        weights: float32, shape (n_articles,); squared idf summed over the posted terms.
        totals: float32, shape (n_articles,); the same over all terms.
    """

    sizes: NDArray[np.uint8]
    hashes: Hashes
    scales: NDArray[np.float32]
    weights: NDArray[np.float32]
    totals: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.sizes)

    def take(self, indices: NDArray[np.int64]) -> "Samples":
        """The samples of some of the articles."""
        sizes = self.sizes.astype(np.int64)
        chosen = sizes.take(indices)
        starts = (np.cumsum(sizes) - sizes).take(indices)
        entries = run_indices(starts, chosen)
        others = (values.take(indices) for values in (self.scales, self.weights, self.totals))
        return Samples(self.sizes.take(indices), self.hashes.take(entries), *others)

    def as_terms(self) -> RareTerms:
        """What is known of the articles' terms where no text is at hand: those posted, each with the mean weight."""
        owners = np.repeat(np.arange(len(self)), self.sizes)
        n_posted = np.maximum(self.sizes.astype(np.int64) - 1, 1)
        weights = (self.weights / n_posted).astype(np.float32).take(owners)
        n_rare = np.rint(self.scales * n_posted).astype(np.int64)
        return RareTerms(owners, self.hashes, weights, np.ones(len(owners), bool), n_rare, self.totals)


NO_SAMPLES = Samples(np.zeros(0, np.uint8), np.zeros(0, np.uint64), *np.zeros((3, 0), np.float32))


def rare_terms(rows: HashRows, n_articles: int) -> RareTerms:
    """The terms of a block's rows by which near-duplicates are found.

    Args:
        rows: as ``hash_rows`` gives them.
        n_articles: number of articles that the vocabulary of their weights has counted.
    """
    owners = np.repeat(np.arange(len(rows.sizes)), rows.sizes)
    weights = rows.idf * rows.idf
    # An idf is ln((1 + n) / (1 + df)) + 1, so the doublings of the rare share are a difference of idf.
    rare_idf = np.log((1 + n_articles) / (1 + MAX_RARE_SHARE * n_articles)) + 1
    steps = np.ceil(np.maximum(rare_idf - rows.idf, 0) / np.log(2)).astype(np.int64)
    kept, filled = np.flatnonzero(steps <= MAX_COMMON_STEP), np.flatnonzero(rows.sizes)
    hashes = np.concatenate([rows.hashes.take(kept), _whole_hashes(rows)])
    hashes = ((hashes ^ (hashes >> np.uint64(29))) * _ODD) >> np.uint64(64 - HASH_BITS)
    all_steps = np.concatenate([steps.take(kept), np.full(len(filled), WHOLE)])
    order = _first_of_each(np.concatenate([owners.take(kept), filled]), all_steps, hashes)
    return RareTerms(
        owners=np.concatenate([owners.take(kept), filled]).take(order),
        hashes=hashes.take(order),
        weights=np.concatenate([weights.take(kept), np.full(len(filled), WHOLE_WEIGHT, np.float32)]).take(order),
        is_rare=all_steps.take(order) <= 0,
        n_rare=np.bincount(owners.take(np.flatnonzero(steps == 0)), minlength=len(rows.sizes)),
        totals=np.bincount(owners, weights=weights, minlength=len(rows.sizes)).astype(np.float32),
    )


def _first_of_each(owners: NDArray[np.int64], steps: NDArray[np.int64], hashes: Hashes) -> NDArray[np.int64]:
    """Indices of the terms that are looked up, by article, then in the order in which they are chosen."""
    # One number for article, step and hash: it sorts several times faster than three.
    priorities = (hashes * _GOLDEN) >> np.uint64(_OWNER_BITS + _STEP_BITS)
    priorities |= (steps - WHOLE).astype(np.uint64) << np.uint64(64 - _OWNER_BITS - _STEP_BITS)
    priorities |= owners.astype(np.uint64) << np.uint64(64 - _OWNER_BITS)
    order = np.argsort(priorities)  # no two are equal, but by a chance that makes no difference
    return order.take(np.flatnonzero(ranks_within(owners.take(order)) <= N_LOOKED_UP))


def _whole_hashes(rows: HashRows) -> Hashes:
    """A hash of each row that is not empty: of its terms and their values."""
    mixed = (rows.hashes | rows.values.view(np.uint32)) * _GOLDEN
    sums = np.concatenate((np.zeros(1, np.uint64), np.cumsum(mixed ^ (mixed >> np.uint64(32)))))
    ends = np.cumsum(rows.sizes)
    hashes: Hashes = (sums[ends] - sums[ends - rows.sizes])[np.flatnonzero(rows.sizes)]
    return hashes


def sampled(terms: RareTerms, list_lengths: NDArray[np.int64]) -> Samples:
    """What is posted of each article: of its rare terms the first ``N_SAMPLED``; with too few, commoner ones too.

    Args:
        terms: of the articles.
        list_lengths: int, shape (n_terms,); how many articles have each term posted by now. A term that the model thinks rare may
            be the boilerplate of a feed.
    """
    n_articles = len(terms.totals)
    is_rare = terms.is_rare & ((list_lengths <= MAX_LIST) | (terms.weights == WHOLE_WEIGHT))
    order = np.lexsort((~is_rare, terms.owners))  # stable: the rare ones first, each kind in its order
    ranks = ranks_within(terms.owners)
    kept = order.take(np.flatnonzero((ranks <= N_SAMPLED) & (is_rare.take(order) | (ranks <= MIN_SAMPLED))))
    kept = kept.take(np.argsort((terms.owners.take(kept).astype(np.uint64) << np.uint64(HASH_BITS)) | terms.hashes.take(kept)))
    owners = terms.owners.take(kept)
    sizes = np.bincount(owners, minlength=n_articles)
    n_posted = np.maximum(sizes - 1, 0)  # without the term for the whole text
    weights = np.where(terms.weights.take(kept) == WHOLE_WEIGHT, 0, terms.weights.take(kept))
    return Samples(
        sizes=sizes.astype(np.uint8),
        hashes=terms.hashes.take(kept),
        scales=(np.maximum(terms.n_rare, n_posted) / np.maximum(n_posted, 1)).astype(np.float32),
        weights=np.bincount(owners, weights=weights, minlength=n_articles).astype(np.float32),
        totals=terms.totals,
    )
