"""Posted samples in sorted arrays: which articles share rare terms with one that is looked for, and about how much.

A term's hash has 40 bits. The upper ones are a place in a table of starts, the rest stand in the sorted entries, so that an
entry takes six bytes where there are millions. Arrays may be memory-mapped files; nothing here writes to them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from newsclf.duplicates.columns import run_indices, stacked, taken
from newsclf.duplicates.samples import HASH_BITS, WHOLE_WEIGHT, RareTerms, Samples
from newsclf.text.tokens import Hashes

MIN_START_BITS, MAX_START_BITS = 8, 24
MAX_MET = 8192  # entries looked at for one article, the shortest lists first
ARTICLES_AT_ONCE = 16  # looked for together: their meetings stay in the cache
MIN_SHARED = 3  # posted terms: one or two are shared by chance
ARTICLE_BITS, WEIGHT_BITS = 32, 21  # of a meeting; the article looked for has ten
WEIGHT_POINT = 6  # bits behind the point of a weight; a squared idf is some 140
MIN_COSINE_ESTIMATE = 0.18  # of candidates with cosine .45, one in fifty is estimated lower
MIN_SHARED_WEIGHT = 0.3  # of the posted terms: of a text cut from the one that is looked for, whose cosine is low

_ARTICLE_MASK, _WEIGHT_MASK = (1 << ARTICLE_BITS) - 1, (1 << WEIGHT_BITS) - 1


@dataclass(frozen=True)
class Postings:
    """Some articles' samples, by term.

    Attributes:
        posts: int64, shape (n_articles,), ascending; what the caller calls each article.
        scales: float32, shape (n_articles,); as in ``Samples``, and so the next two.
        weights: float32, shape (n_articles,).
        totals: float32, shape (n_articles,).
        starts: uint32, shape (2**n_start_bits + 1,); where the entries with each upper part of the hash start.
        lows: uint16 or uint32, shape (n_entries,); the rest of the hash.
        articles: uint32, shape (n_entries,); index in ``posts``.
    """

    posts: NDArray[np.int64]
    scales: NDArray[np.float32]
    weights: NDArray[np.float32]
    totals: NDArray[np.float32]
    starts: NDArray[np.uint32]
    lows: NDArray[np.uint16] | NDArray[np.uint32]
    articles: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.posts)

    @property
    def n_low_bits(self) -> int:
        """Bits of a hash that ``lows`` holds."""
        return HASH_BITS - (len(self.starts) - 1).bit_length() + 1


@dataclass(frozen=True)
class Found:
    """Posted articles that may be near-duplicates of some that were looked for.

    Attributes:
        queries: int64, shape (n_found,); number of the article looked for, in its block.
        posts: int64, shape (n_found,).
        estimates: float32, shape (n_found,); for an order: about the cosine, or half of the share of the posted terms.
        is_whole: bool, shape (n_found,); True where both have the same terms, as often.
    """

    queries: NDArray[np.int64]
    posts: NDArray[np.int64]
    estimates: NDArray[np.float32]
    is_whole: NDArray[np.bool_]

    def take(self, indices: NDArray[np.int64]) -> "Found":
        """Some of what was found."""
        return taken(self, indices)


NOTHING_FOUND = Found(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32), np.zeros(0, bool))
NewArray = Callable[[str, int, np.dtype], NDArray]  # type: ignore[type-arg]  # name, length, type


def n_start_bits_for(n_entries: int) -> int:
    """How many upper bits of a hash the table of starts tells apart, so that a place has two to four entries."""
    return min(max(n_entries.bit_length() - 2, MIN_START_BITS), MAX_START_BITS)


def post(samples: Samples, posts: NDArray[np.int64]) -> Postings:
    """The postings of some samples, in memory; ``posts``, ascending, names their articles."""
    articles = np.repeat(np.arange(len(samples), dtype=np.uint32), samples.sizes)
    order = np.argsort(samples.hashes, kind="stable")
    hashes = samples.hashes.take(order)
    n_start_bits = n_start_bits_for(len(hashes))
    return Postings(
        posts=posts,
        scales=samples.scales,
        weights=samples.weights,
        totals=samples.totals,
        starts=_starts(hashes, n_start_bits),
        lows=_lows(hashes, n_start_bits),
        articles=articles.take(order),
    )


def _starts(hashes: Hashes, n_start_bits: int) -> NDArray[np.uint32]:
    edges = np.arange((1 << n_start_bits) + 1, dtype=np.uint64) << np.uint64(HASH_BITS - n_start_bits)
    return np.searchsorted(hashes, edges).astype(np.uint32)


def _lows(hashes: Hashes, n_start_bits: int) -> NDArray[np.uint16] | NDArray[np.uint32]:
    n_low_bits = HASH_BITS - n_start_bits
    lows = hashes & np.uint64((1 << n_low_bits) - 1)
    return lows.astype(np.uint16) if n_low_bits <= 16 else lows.astype(np.uint32)


def find_posted(parts: Sequence[Postings], terms: RareTerms) -> Found:
    """The posted articles that share enough with each article of a block, by article, then as they stand in the parts."""
    befores = np.cumsum([0, *map(len, parts)])
    edges = np.searchsorted(terms.owners, np.arange(0, len(terms.totals) + ARTICLES_AT_ONCE, ARTICLES_AT_ONCE)).tolist()
    found = [_found(parts, befores, terms, np.arange(*edge)) for edge in pairwise(edges)]
    return stacked([NOTHING_FOUND, *found])


def _found(parts: Sequence[Postings], befores: NDArray[np.int64], terms: RareTerms, some: NDArray[np.int64]) -> Found:
    """What is found for the articles whose terms these are."""
    hashes = terms.hashes.take(some)
    runs = [_runs(postings, hashes) for postings in parts]
    totals = sum((last - first for first, last in runs), np.zeros(len(some), np.int64))
    chosen = _shortest_lists(terms.owners.take(some), totals)
    sources, articles = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for postings, before, (first, last) in zip(parts, befores.tolist(), runs, strict=False):
        starts, lengths = first.take(chosen), (last - first).take(chosen)
        entries = run_indices(starts, lengths)
        lows = hashes.take(chosen) & np.uint64((1 << postings.n_low_bits) - 1)
        same = np.flatnonzero(postings.lows.take(entries) == np.repeat(lows.astype(postings.lows.dtype), lengths))
        sources.append(np.repeat(some.take(chosen), lengths).take(same))
        articles.append(postings.articles.take(entries.take(same)) + np.int64(before))
    return _enough_shared(parts, befores, terms, np.concatenate(sources), np.concatenate(articles))


def list_lengths(parts: Sequence[Postings], hashes: Hashes) -> NDArray[np.int64]:
    """How many articles have each term posted, about: terms whose hashes start alike count together."""
    lengths = np.zeros(len(hashes), np.int64)
    for postings in parts:
        first, last = _runs(postings, hashes)
        lengths += last - first
    return lengths


def _runs(postings: Postings, hashes: Hashes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Start and end of the entries that have the same upper part of each hash."""
    places = (hashes >> np.uint64(postings.n_low_bits)).view(np.int64)
    return postings.starts.take(places).astype(np.int64), postings.starts.take(places + 1).astype(np.int64)


def _shortest_lists(owners: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """The terms whose lists are looked at: of each article the shortest, ``MAX_MET`` entries in all."""
    filled = np.flatnonzero(lengths)
    if lengths.sum() <= MAX_MET:
        return filled
    order = filled.take(np.argsort((owners.take(filled) << 32) | lengths.take(filled), kind="stable"))
    ends = np.cumsum(lengths.take(order))
    owner = owners.take(order)
    before = np.concatenate(([0], ends)).take(np.searchsorted(owner, owner))
    kept: NDArray[np.int64] = order.take(np.flatnonzero(ends - before <= MAX_MET))
    return kept


def _enough_shared(
    parts: Sequence[Postings],
    befores: NDArray[np.int64],
    terms: RareTerms,
    sources: NDArray[np.int64],
    articles: NDArray[np.int64],
) -> Found:
    """The pairs of article and posted article that share enough, of all meetings in a term."""
    # Numbers sort several times faster than their order is found, so a meeting is one: article, posted article, weight.
    units = (terms.weights.take(sources) * np.float32(1 << WEIGHT_POINT)).astype(np.int64)
    meetings = (((terms.owners.take(sources) << ARTICLE_BITS) | articles) << WEIGHT_BITS) | units
    meetings.sort()
    keys = meetings >> WEIGHT_BITS
    firsts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1]))) if len(keys) else np.zeros(0, np.int64)
    shared = np.add.reduceat(meetings & _WEIGHT_MASK, firsts) / (1 << WEIGHT_POINT) if len(firsts) else np.zeros(0)
    several = np.flatnonzero((np.diff(firsts, append=len(keys)) >= MIN_SHARED) | (shared >= WHOLE_WEIGHT))
    pairs, shared = keys.take(firsts.take(several)), shared.take(several)
    queries, found = pairs >> ARTICLE_BITS, pairs & _ARTICLE_MASK
    posts, (scales, weights, totals) = _of_articles(parts, befores, found)
    cosines = shared * scales / np.maximum(np.sqrt(terms.totals.take(queries).astype(np.float64) * totals), 1e-9)
    shares = shared / np.maximum(weights, 1e-9)
    kept = np.flatnonzero((cosines >= MIN_COSINE_ESTIMATE) | (shares >= MIN_SHARED_WEIGHT) | (shared >= WHOLE_WEIGHT))
    estimates = np.maximum(cosines, shares / 2).astype(np.float32)
    return Found(queries.take(kept), posts.take(kept), estimates.take(kept), shared.take(kept) >= WHOLE_WEIGHT)


def _of_articles(
    parts: Sequence[Postings], befores: NDArray[np.int64], articles: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Posts, and float32, shape (3, n): scales, weights and totals, of articles that are numbered through all parts."""
    part_numbers = np.searchsorted(befores, articles, side="right") - 1
    posts, numbers = np.zeros(len(articles), np.int64), np.zeros((3, len(articles)), np.float32)
    for number in np.unique(part_numbers).tolist():
        here = np.flatnonzero(part_numbers == number)
        places, part = articles.take(here) - befores[number], parts[number]
        posts[here] = part.posts.take(places)
        numbers[:, here] = part.scales.take(places), part.weights.take(places), part.totals.take(places)
    return posts, numbers


def merged(parts: Sequence[Postings], new_array: NewArray) -> Postings:
    """The postings of several sets as one, a slice of the hashes at a time, so that it takes little memory beside the result.

    Args:
        parts: one or more; the posts of each are all before those of the next.
        new_array: gives an array to be filled, in memory or in a file.
    """
    n_entries, n_articles = sum(len(part.lows) for part in parts), sum(map(len, parts))
    n_start_bits = n_start_bits_for(n_entries)
    low_type = np.dtype(np.uint16 if HASH_BITS - n_start_bits <= 16 else np.uint32)
    columns = {}
    for name in ("posts", "scales", "weights", "totals"):
        columns[name] = new_array(name, n_articles, getattr(parts[0], name).dtype)
        np.concatenate([getattr(part, name) for part in parts], out=columns[name])
    starts = new_array("starts", (1 << n_start_bits) + 1, np.dtype(np.uint32))
    lows, articles = new_array("lows", n_entries, low_type), new_array("articles", n_entries, np.dtype(np.uint32))
    befores = np.cumsum([0, *map(len, parts)]).tolist()
    n_done, step = 0, 1 << (n_start_bits - MIN_START_BITS)
    for number in range(1 << MIN_START_BITS):
        pieces = [_slice(part, number) for part in parts]
        hashes = np.concatenate([hashes for hashes, _ in pieces])
        order = np.argsort(hashes, kind="stable")
        hashes = hashes.take(order)
        stop = n_done + len(hashes)
        edges = np.arange(number * step, (number + 1) * step, dtype=np.uint64) << np.uint64(HASH_BITS - n_start_bits)
        starts[number * step : (number + 1) * step] = n_done + np.searchsorted(hashes, edges)
        lows[n_done:stop] = _lows(hashes, n_start_bits)
        shifted = [numbers + np.uint32(before) for (_, numbers), before in zip(pieces, befores, strict=False)]
        articles[n_done:stop] = np.concatenate(shifted).take(order)
        n_done = stop
    starts[-1] = n_done
    return Postings(**columns, starts=starts, lows=lows, articles=articles)


def _slice(part: Postings, number: int) -> tuple[Hashes, NDArray[np.uint32]]:
    """Hashes, ascending, and articles of the entries whose hashes start with these ``MIN_START_BITS`` bits."""
    n_places = (len(part.starts) - 1) >> MIN_START_BITS
    starts = part.starts[number * n_places : (number + 1) * n_places + 1].astype(np.int64)
    here = slice(int(starts[0]), int(starts[-1]))
    places = np.repeat(np.arange(number * n_places, (number + 1) * n_places, dtype=np.uint64), np.diff(starts))
    return (places << np.uint64(part.n_low_bits)) | part.lows[here], part.articles[here]
