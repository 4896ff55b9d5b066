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

from newsclf.duplicates.rows import HashRows
from newsclf.text.tokens import Hashes

N_SAMPLED = 32  # of decided duplicates 2.0 % have too little in common with the sample to be found, at 24 2.1 and at 40 2.0 %
HASH_BITS = 40  # of a term: among 40 million postings a chance meeting in one look-up of 30,000
MAX_RARE_SHARE = 0.002  # of the articles that the model learned from: a term in more says little, and its list is long
MIN_SAMPLED = 8  # an article with fewer rare terms is filled up with commoner ones
MAX_COMMON_STEP = 3  # doublings of the rare share: terms in over 1.6 % of all articles are never looked up

WHOLE = -1  # the step of the term that stands for the whole text
WHOLE_WEIGHT = 16384.0  # more than all terms of a sample together, and enough on its own

_ODD = np.uint64(0xD6E8FEB86659FD93)  # mixer of rrmxmx
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_OWNER_BITS, _STEP_BITS = 10, 3  # of what orders the terms


@dataclass(frozen=True)
class RareTerms:
    """The terms of some articles that can be posted, article by article.

    Attributes:
        owners: int64, shape (n_terms,), ascending; the number of the article in its block.
        hashes: uint64, shape (n_terms,), below ``2**HASH_BITS``.
        weights: float32, shape (n_terms,); squared idf.
        steps: int64, shape (n_terms,); 0 for a rare term, else by how many doublings it is too common; ``WHOLE``.
        totals: float32, shape (n_articles,); squared idf summed over all terms of each article, common ones included.
    """

    owners: NDArray[np.int64]
    hashes: Hashes
    weights: NDArray[np.float32]
    steps: NDArray[np.int64]
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
        entries = np.arange(int(chosen.sum())) + np.repeat(starts - (np.cumsum(chosen) - chosen), chosen)
        others = (values.take(indices) for values in (self.scales, self.weights, self.totals))
        return Samples(self.sizes.take(indices), self.hashes.take(entries), *others)

    def as_terms(self) -> RareTerms:
        """What is known of the articles' terms where no text is at hand: those posted, each with the mean weight."""
        owners = np.repeat(np.arange(len(self)), self.sizes)
        means = self.weights / np.maximum(self.sizes.astype(np.float32) - 1, 1)
        return RareTerms(owners, self.hashes, means.astype(np.float32).take(owners), np.zeros(len(owners), np.int64), self.totals)


def rare_terms(rows: HashRows, n_articles: int) -> RareTerms:
    """The terms of a block's rows that can be posted.

    Args:
        rows: as ``hash_rows`` gives them.
        n_articles: number of articles that the vocabulary of their weights has counted.
    """
    owners = np.repeat(np.arange(len(rows.sizes)), rows.sizes)
    weights = rows.idf * rows.idf
    totals = np.bincount(owners, weights=weights, minlength=len(rows.sizes)).astype(np.float32)
    # An idf is ln((1 + n) / (1 + df)) + 1, so the doublings of the rare share are a difference of idf.
    rare_idf = np.log((1 + n_articles) / (1 + MAX_RARE_SHARE * n_articles)) + 1
    steps = np.ceil(np.maximum(rare_idf - rows.idf, 0) / np.log(2)).astype(np.int64)
    kept = np.flatnonzero(steps <= MAX_COMMON_STEP)
    filled = np.flatnonzero(rows.sizes)
    hashes = np.concatenate([rows.hashes.take(kept), _whole_hashes(rows)])
    hashes = (hashes ^ (hashes >> np.uint64(29))) * _ODD
    owners = np.concatenate([owners.take(kept), filled])
    order = np.argsort(owners, kind="stable")
    return RareTerms(
        owners=owners.take(order),
        hashes=(hashes >> np.uint64(64 - HASH_BITS)).take(order),
        weights=np.concatenate([weights.take(kept), np.full(len(filled), WHOLE_WEIGHT, np.float32)]).take(order),
        steps=np.concatenate([steps.take(kept), np.full(len(filled), WHOLE)]).take(order),
        totals=totals,
    )


def _whole_hashes(rows: HashRows) -> Hashes:
    """A hash of each row that is not empty: of its terms and their values."""
    mixed = (rows.hashes | rows.values.view(np.uint32)) * _GOLDEN
    sums = np.concatenate((np.zeros(1, np.uint64), np.cumsum(mixed ^ (mixed >> np.uint64(32)))))
    ends = np.cumsum(rows.sizes)
    hashes: Hashes = (sums[ends] - sums[ends - rows.sizes])[np.flatnonzero(rows.sizes)]
    return hashes


def sampled(terms: RareTerms) -> Samples:
    """What is posted of each article: of its rare terms ``N_SAMPLED``, chosen by a hash; with too few, commoner ones too."""
    n_articles = len(terms.totals)
    order = np.argsort(_priorities(terms), kind="stable")
    owners = terms.owners.take(order)
    ranks = np.arange(len(order)) - np.searchsorted(owners, owners)
    is_rare = terms.steps.take(order) <= 0
    kept = order.take(np.flatnonzero((ranks <= N_SAMPLED) & (is_rare | (ranks <= MIN_SAMPLED))))  # the first is the whole text
    kept = kept.take(np.argsort((terms.owners.take(kept).astype(np.uint64) << np.uint64(HASH_BITS)) | terms.hashes.take(kept)))
    owners = terms.owners.take(kept)
    sizes = np.bincount(owners, minlength=n_articles)
    n_rare = np.bincount(terms.owners.take(np.flatnonzero(terms.steps == 0)), minlength=n_articles)
    n_posted = np.maximum(sizes - 1, 0)
    is_term = terms.steps.take(kept) != WHOLE
    return Samples(
        sizes=sizes.astype(np.uint8),
        hashes=terms.hashes.take(kept),
        scales=(np.maximum(n_rare, n_posted) / np.maximum(n_posted, 1)).astype(np.float32),
        weights=np.bincount(owners, weights=terms.weights.take(kept) * is_term, minlength=n_articles).astype(np.float32),
        totals=terms.totals,
    )


def _priorities(terms: RareTerms) -> Hashes:
    """What orders the terms of each article: rare ones first, then by a hash; one number, for it sorts several times faster."""
    hashes = (terms.hashes * _GOLDEN) >> np.uint64(_OWNER_BITS + _STEP_BITS)
    steps = (terms.steps - WHOLE).astype(np.uint64) << np.uint64(64 - _OWNER_BITS - _STEP_BITS)
    priorities: Hashes = (terms.owners.astype(np.uint64) << np.uint64(64 - _OWNER_BITS)) | steps | hashes
    return priorities
