"""A corpus to its clusters of near-duplicates: rows, candidate pairs, decisions and stars, with all that is large on disk."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from newsclf.article import Article
from newsclf.duplicates.candidates import CandidatePairs, candidate_blocks
from newsclf.duplicates.cluster import Clusters, Stars, cluster_digest
from newsclf.duplicates.decide import DuplicateModel
from newsclf.duplicates.identical import first_of_identical
from newsclf.duplicates.rows import MAX_BLOCK_ARTICLES, HashRows, RowSpool, hash_rows, shortened
from newsclf.duplicates.spool import TextSpool
from newsclf.duplicates.verify import DuplicatePairs, duplicate_pairs
from newsclf.text.blocks import article_blocks
from newsclf.text.clean import CleanArticle, clean, feature_text
from newsclf.tfidf import Rows, Vocabulary

MIN_COSINE = 0.45  # of a candidate pair: .5 would lose one translation in twenty, .4 have twice the pairs
DECIDED_AT_ONCE = 1 << 15  # pairs; twice as many profile a tenth fewer articles, but what is a member is then known later

Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]  # left and right articles
Decide = Callable[[NDArray[np.int64], NDArray[np.int64]], DuplicatePairs]
Progress = Callable[[str, int, int | None], None]  # the step, how many articles are done, and of how many where that is known


@dataclass(frozen=True)
class _Block:
    """Some articles of the corpus, ready to be put away."""

    articles: list[CleanArticle]
    rows: HashRows
    keys: list[tuple[bool, str, int, str, int]]  # what ranks an article: dated, date, length, id, digest


def find_clusters(
    articles: Iterable[Article],
    vocabulary: Vocabulary,
    decision: DuplicateModel,
    *,
    n_jobs: int,
    max_memory_bytes: int,
    progress: Progress,
) -> Clusters:
    """The clusters of a corpus; see `newsclf.find_duplicates`."""
    keys: list[tuple[bool, str, int, str, int]] = []
    with closing(TextSpool()) as texts, closing(RowSpool()) as row_spool:
        for block in _blocks(articles, shortened(vocabulary), n_jobs):
            texts.append(block.articles)
            row_spool.append(block.rows)
            keys += block.keys
            progress("reading", len(keys), None)
        ranks = _ranks(keys)
        rows = row_spool.shared_rows(max_memory_bytes // 2)
        decide = partial(duplicate_pairs, texts=texts, vocabulary=vocabulary, decision=decision, n_jobs=n_jobs)
        stars = _stars(rows, ranks, decide, max_memory_bytes // 2, n_jobs, progress)
    return Clusters(stars.canonical, stars.probability, stars.kind, np.array([key[-1] for key in keys], np.uint64))


def _stars(rows: Rows, ranks: NDArray[np.int64], decide: Decide, max_memory_bytes: int, n_jobs: int, progress: Progress) -> Stars:
    stars = Stars(ranks)
    blocks = candidate_blocks(
        rows, MIN_COSINE, ranks=ranks, is_member=stars.is_member, max_memory_bytes=max_memory_bytes, n_jobs=n_jobs
    )
    for left, right in _gathered(blocks):
        found = decide(left, right)
        stars.add(found.left, found.right, found.probability, found.kind)
        progress("comparing", int(ranks[left[-1]]) + 1, len(ranks))
    equal_rows = _equal_rows(rows, ranks)
    for pairs_of in (_copies_of_members, _copies_left_over):
        found = decide(*pairs_of(stars, *equal_rows))
        stars.add(found.left, found.right, found.probability, found.kind)
    progress("comparing", len(ranks), len(ranks))
    return stars


def _equal_rows(rows: Rows, ranks: NDArray[np.int64]) -> Pairs:
    """The first of several equal rows, by rank, and each of the others: the search compares the first alone with others."""
    order = np.argsort(ranks)
    firsts = order[first_of_identical(rows, order)]
    is_copy = firsts != order
    return firsts[is_copy], order[is_copy]


def _copies_of_members(stars: Stars, firsts: NDArray[np.int64], copies: NDArray[np.int64]) -> Pairs:
    """Where the first of equal rows has become a member: its canonical with each of its copies."""
    is_open = stars.is_member[firsts] & ~stars.is_member[copies]
    return stars.canonical[firsts[is_open]], copies[is_open]


def _copies_left_over(stars: Stars, firsts: NDArray[np.int64], copies: NDArray[np.int64]) -> Pairs:
    """Copies that still belong to no cluster, with the earliest such copy of the same rows."""
    is_open = ~stars.is_member[copies]
    copies = copies[is_open]
    _, places, group = np.unique(firsts[is_open], return_index=True, return_inverse=True)
    earliest = copies[places][group]
    return earliest[earliest != copies], copies[earliest != copies]


def _gathered(blocks: Iterable[CandidatePairs]) -> Iterator[Pairs]:
    """The pairs of several blocks together: articles that stand in many pairs are then profiled less often."""
    waiting: list[CandidatePairs] = []
    for block in blocks:
        waiting.append(block)
        if sum(map(len, waiting)) >= DECIDED_AT_ONCE:
            yield _columns(waiting)
            waiting = []
    if waiting:
        yield _columns(waiting)


def _columns(blocks: Sequence[CandidatePairs]) -> Pairs:
    left, right = (np.concatenate([getattr(block, side) for block in blocks]) for side in ("left", "right"))
    return left.astype(np.int64), right.astype(np.int64)


def _blocks(articles: Iterable[Article], short_vocabulary: Vocabulary, n_jobs: int) -> Iterator[_Block]:
    batches = article_blocks(articles, MAX_BLOCK_ARTICLES)
    if n_jobs == 1:
        yield from (_block(batch, short_vocabulary) for batch in batches)
        return
    from joblib import Parallel, delayed  # imported where needed: a third of a second at start-up

    yield from Parallel(n_jobs=n_jobs, return_as="generator")(delayed(_block)(batch, short_vocabulary) for batch in batches)


def _block(articles: Sequence[Article], short_vocabulary: Vocabulary) -> _Block:
    cleaned = [clean(article) for article in articles]
    texts = [feature_text(article) for article in cleaned]
    keys = [_key(*pair) for pair in zip(articles, texts, strict=True)]
    return _Block(cleaned, hash_rows(texts, short_vocabulary), keys)


def _key(article: Article, text: str) -> tuple[bool, str, int, str, int]:
    """Sorts the article that is to be canonical first: the earliest published, then the longest, then the lowest id.

    Of two that are equal in all that, the lower hash goes first; what the input has first only where the texts are equal too.
    """
    published = article.published or ""
    return not published, published, -len(text), article.id or "", cluster_digest(article.id or "", text)


def _ranks(keys: Sequence[tuple[bool, str, int, str, int]]) -> NDArray[np.int64]:
    ranks = np.empty(len(keys), np.int64)
    ranks[sorted(range(len(keys)), key=keys.__getitem__)] = np.arange(len(keys))
    return ranks
