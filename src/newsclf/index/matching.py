"""A block of articles against the canonicals of an index, and against one another: which copies which."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from newsclf.article import Article
from newsclf.duplicates.candidates import LENGTH_RATIO, MIN_CONTAINMENT, ROUNDING
from newsclf.duplicates.cluster import Stars
from newsclf.duplicates.columns import ranks_within, stacked, taken
from newsclf.duplicates.decide import KINDS
from newsclf.duplicates.find import MIN_COSINE
from newsclf.duplicates.overlap import hash_overlaps
from newsclf.duplicates.postings import NOTHING_FOUND, Found, find_posted, post
from newsclf.duplicates.rows import HashRows, hash_rows, term_rows
from newsclf.duplicates.samples import RareTerms, Samples, rare_terms
from newsclf.duplicates.verify import DuplicatePairs, duplicate_pairs
from newsclf.index.encoding import digest_of
from newsclf.model import NewsModel, Prediction
from newsclf.text.clean import CleanArticle, clean, feature_text
from newsclf.text.tokens import hash_terms
from newsclf.tfidf import Vocabulary

MAX_CANDIDATES = 16  # of one article that are compared in full, those of the highest estimates: templates have thousands
MAX_DECIDED = 8  # of them, those that are most similar


@dataclass(frozen=True)
class Prepared:
    """A block of articles, cleaned and counted once for both halves."""

    articles: Sequence[Article]
    cleaned: list[CleanArticle]
    predictions: list[Prediction]
    digests: list[bytes]
    rows: HashRows
    terms: RareTerms

    def __len__(self) -> int:
        return len(self.articles)

    @property
    def ids(self) -> list[str]:
        """The articles' ids."""
        return [article.id or "" for article in self.articles]


@dataclass(frozen=True)
class Pairs:
    """Pairs to decide: an article of a block, and a canonical or an earlier article of the block that it may copy.

    Attributes:
        left: int64, shape (n_pairs,): the earlier; index in the stored canonicals, followed by the articles of the block.
        right: int64, shape (n_pairs,): the later.
        estimates: float32, shape (n_pairs,); as in ``Found``, and so the next.
        is_whole: bool, shape (n_pairs,).
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    estimates: NDArray[np.float32]
    is_whole: NDArray[np.bool_]

    def take(self, indices: NDArray[np.int64]) -> "Pairs":
        """Some of the pairs."""
        return taken(self, indices)


@dataclass(frozen=True, slots=True)
class Stored:
    """A canonical as the index holds it.

    Attributes:
        post: its number in the postings.
        number: its number among the articles.
        id: the article's id.
        cluster: the id of its cluster.
        digest: of its title and text.
        article: None where the index keeps no text.
    """

    post: int
    number: int
    id: str
    cluster: str
    digest: bytes
    article: Article | None


@dataclass(frozen=True, slots=True)
class Copy:
    """That an article copies a canonical.

    Attributes:
        canonical: index in the stored canonicals, followed by the articles of the block.
        probability: that the two are duplicates.
        kind: of duplicate.
        cosine: of their TF-IDF rows.
        containment: the larger share of one article's words that the other has too.
    """

    canonical: int
    probability: float
    kind: str
    cosine: float
    containment: float


def prepared(articles: Sequence[Article], model: NewsModel, short_vocabulary: Vocabulary) -> Prepared:
    """Cleans, counts and judges a block of articles."""
    cleaned = [clean(article) for article in articles]
    terms = hash_terms([feature_text(article) for article in cleaned])
    rows = term_rows(terms, short_vocabulary)
    rare = rare_terms(rows, short_vocabulary.n_articles)
    return Prepared(articles, cleaned, model.predict_terms(terms), [digest_of(a) for a in articles], rows, rare)


def prepared_samples(articles: Sequence[Article], digests: Sequence[bytes], samples: Samples) -> Prepared:
    """A block of articles whose texts are not at hand: what is known of their terms are the samples."""
    nothing = HashRows(np.zeros(0, np.int64), np.zeros(0, np.uint64), *np.zeros((2, 0), np.float32))
    return Prepared(articles, [], [], list(digests), nothing, samples.as_terms())


def best(found: Found) -> Found:
    """The best ``MAX_CANDIDATES`` of what was found for each article, by article, then post."""
    order = np.lexsort((found.posts, -found.estimates, found.queries))
    ranks = ranks_within(found.queries.take(order))
    return found.take(np.sort(order.take(np.flatnonzero(ranks < MAX_CANDIDATES))))


Decide = Callable[[Pairs, Sequence[Stored], Prepared], DuplicatePairs]


def copies(
    block: Prepared,
    samples: Samples,
    found: Found,
    stored: Sequence[Stored],
    is_placed: NDArray[np.bool_],
    decide: Decide,
) -> list[Copy | None]:
    """For each article of the block the canonical that it copies, by the rule of ``Stars`` with the order of arrival as rank.

    Args:
        block: the articles, in order of arrival.
        samples: of the articles.
        found: candidates among the stored canonicals.
        stored: those canonicals, by post; candidates that are not among them are gone, and left out.
        is_placed: bool, shape (n_articles,); False for articles of the block that are neither to copy nor to be copied.
        decide: gives those of the pairs that are duplicates.
    """
    among = _among_block(block, samples, is_placed)
    pairs = _pairs(found, among, stored, is_placed)
    if not len(pairs.left):  # as of most single articles, which are not to wait for work on nothing
        return [None] * len(block)
    digests = [canonical.digest for canonical in stored] + block.digests
    same = [digests[a] == digests[b] for a, b in zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)]
    is_same = np.array(same, bool)
    # What copies a canonical to the character needs no other; an article of the block may turn out to be no canonical.
    is_open = ~is_same & ~np.isin(pairs.right, pairs.right[is_same & (pairs.left < len(stored))])
    duplicates = stacked([decide(pairs.take(np.flatnonzero(is_open)), stored, block), _same(pairs.take(np.flatnonzero(is_same)))])
    stars = Stars(np.arange(len(stored) + len(block)))
    stars.add(duplicates.left, duplicates.right, duplicates.probability, duplicates.kind)
    columns = (duplicates.left, duplicates.right, duplicates.cosine, duplicates.containment)
    likeness = {(one, other): values for one, other, *values in zip(*(column.tolist() for column in columns), strict=True)}
    return [_copy(stars, number, likeness) for number in range(len(stored), len(stored) + len(block))]


def _pairs(found: Found, among: Found, stored: Sequence[Stored], is_placed: NDArray[np.bool_]) -> Pairs:
    posts = np.array([canonical.post for canonical in stored], np.int64)
    n_stored = len(stored)
    there = found.take(np.flatnonzero(np.isin(found.posts, posts) & is_placed.take(found.queries)))
    return Pairs(
        left=np.concatenate([np.searchsorted(posts, there.posts), among.posts + n_stored]),
        right=np.concatenate([there.queries, among.queries]) + n_stored,
        estimates=np.concatenate([there.estimates, among.estimates]),
        is_whole=np.concatenate([there.is_whole, among.is_whole]),
    )


def _among_block(block: Prepared, samples: Samples, is_placed: NDArray[np.bool_]) -> Found:
    """Candidates among the articles of the block themselves, each before the one that it is a candidate of."""
    if len(block) == 1:
        return NOTHING_FOUND
    found = find_posted([post(samples, np.arange(len(block)))], block.terms)
    is_kept = (found.posts < found.queries) & is_placed.take(found.posts) & is_placed.take(found.queries)
    return best(found.take(np.flatnonzero(is_kept)))


@dataclass(frozen=True)
class _Texts:
    """Cleaned articles by number."""

    articles: Sequence[CleanArticle]

    def read(self, indices: Sequence[int]) -> list[CleanArticle]:
        """The articles of these numbers."""
        return [self.articles[index] for index in indices]


def decided_by_texts(
    pairs: Pairs, stored: Sequence[Stored], block: Prepared, *, model: NewsModel, short_vocabulary: Vocabulary
) -> DuplicatePairs:
    """The duplicates among pairs, as in a corpus: of those that are similar enough in full the model decides."""
    cleaned = [clean(canonical.article or Article("")) for canonical in stored]
    rows = hash_rows([feature_text(article) for article in cleaned], short_vocabulary)
    similar = pairs.take(_most_similar(stacked([rows, block.rows]), pairs.left, pairs.right))
    return duplicate_pairs(similar.left, similar.right, _Texts(cleaned + block.cleaned), model.vocabulary, model.decision)


def _most_similar(rows: HashRows, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Indices of the pairs that ``candidate_blocks`` would give; of each right row at most ``MAX_DECIDED``, the most similar."""
    cosine, left_share, right_share = hash_overlaps(rows, left, right)
    left_sizes, right_sizes = rows.sizes.take(left), rows.sizes.take(right)
    is_left_cut = (left_share >= MIN_CONTAINMENT) & (left_sizes * LENGTH_RATIO <= right_sizes)
    is_right_cut = (right_share >= MIN_CONTAINMENT) & (right_sizes * LENGTH_RATIO <= left_sizes)
    order = np.lexsort((left, -np.maximum(cosine, is_left_cut | is_right_cut), right))
    order = order.take(np.flatnonzero(((cosine >= MIN_COSINE - ROUNDING) | is_left_cut | is_right_cut).take(order)))
    return np.sort(order.take(np.flatnonzero(ranks_within(right.take(order)) < MAX_DECIDED)))


def decided_by_samples(pairs: Pairs, stored: Sequence[Stored], block: Prepared) -> DuplicatePairs:
    """The same where texts are not kept: what has the same words as often is a copy, and of the rest nothing can be said.

    Of pairs with eight tenths of the sample in common three in ten are duplicates by their texts: templates share as much.
    """
    return _same(pairs.take(np.flatnonzero(pairs.is_whole)))


def _same(pairs: Pairs) -> DuplicatePairs:
    """Pairs with the same words, as often."""
    ones = np.ones(len(pairs.left), np.float32)
    return DuplicatePairs(pairs.left, pairs.right, ones, np.full(len(ones), KINDS.index("exact"), np.int8), ones, ones)


def _copy(stars: Stars, number: int, likeness: dict[tuple[int, int], list[float]]) -> Copy | None:
    canonical = int(stars.canonical[number])
    if canonical == number:
        return None
    cosine, containment = likeness[canonical, number]
    return Copy(canonical, float(stars.probability[number]), KINDS[stars.kind[number]], cosine, containment)
