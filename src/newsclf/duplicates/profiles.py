"""What of an article the duplicate decision looks at: its terms, 3-grams, numbers, dates and names, as sorted hashes.

All are features of one table. A pair's signals then come from one look-up of the smaller article's features in the larger
one's, vectorised over thousands of pairs.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from newsclf.duplicates.facts import MONTHS, SPELLED_NUMBERS, STAGES, WEEKDAYS, Number, number_weight, numbers
from newsclf.duplicates.lookup import HASH_BITS, Buckets, bucket
from newsclf.text.clean import CleanArticle
from newsclf.text.tokens import Hashes, Positions, Tokens, hash_term, tokenize
from newsclf.text.tokens import _bigram_hashes as bigram_hashes
from newsclf.tfidf import Vocabulary

# Kinds of feature. A token's kind is the sum of its marks.
NAME, LEAD, TITLE, RARE, REPEATED = 1, 2, 4, 8, 16
BIGRAM, NUMBER, ROUNDED, LEAD_ROUNDED, DATE, SLOT, FILLED_SLOT = range(32, 39)  # LEAD_ROUNDED has all bits of ROUNDED
TRIGRAM, TITLE_TRIGRAM = 40, 41  # and one of both kinds takes the higher
STAGE, N_KINDS = 42, 43

N_QUARTERS = 4  # an edited copy is like its source throughout; a follow-up has parts that are all new
N_LEAD_CHARACTERS = 250
N_HEAD_TOKENS = 50  # title and lead, whether or not the title is marked as one
N_LEAD_TOKENS = 40  # the first two sentences: what sets a follow-up apart from the article that it quotes
MIN_RARE_IDF = 7.0  # in one article of 400, or fewer
MAX_NAME_SHARE = 0.5  # a text in capitals throughout has no names to tell
SENTENCE_ENDS = '\n.!?:;"“”•'

_FACTOR = np.uint64(0x9FB21C651E98DF25)  # odd
_DATE_WORDS = np.sort(np.array([hash_term(word) for word in (*MONTHS, *WEEKDAYS)], np.uint64))
_WEEKDAY_HASHES = np.sort(np.array([hash_term(word) for word in WEEKDAYS], np.uint64))


def _fact_hash(kind: int, value: str) -> int:
    """A 48-bit hash of a fact; crc32 is quick, the same everywhere, and wide enough for the facts of two articles."""
    return (kind << 40) | zlib.crc32(value.encode("utf-8", "surrogatepass"))


_spelled = sorted((hash_term(word), str(number)) for word, number in SPELLED_NUMBERS.items())
_SPELLED_HASHES = np.array([term for term, _ in _spelled], np.uint64)
_SPELLED_FACTS = np.array([_fact_hash(NUMBER, value) for _, value in _spelled], np.uint64)
_SPELLED_ROUNDED = np.array([_fact_hash(ROUNDED, value) for _, value in _spelled], np.uint64)
_SPELLED_WEIGHTS = np.array([number_weight(value) for _, value in _spelled], np.float32)
_stages = sorted((hash_term(word), stage) for word, stage in STAGES.items())
_STAGE_HASHES = np.array([term for term, _ in _stages], np.uint64)
_STAGE_FACTS = np.array([(STAGE << 40) + stage for _, stage in _stages], np.uint64)


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


@dataclass(frozen=True)
class _Features:
    """Occurrences of features, not yet sorted."""

    keys: Hashes
    kinds: NDArray[np.uint8]
    weights: NDArray[np.float32]
    positions: NDArray[np.int32]


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
    texts = [even_cased(f"{article.title}\n{article.body}") for article in articles]
    tokens = tokenize(texts)
    n_tokens = np.bincount(tokens.articles, minlength=len(texts))
    trigram_keys, trigram_positions = _trigrams(tokens)
    trigram_sizes = np.maximum(n_tokens - 2, 0)
    trigram_kinds = np.where(
        trigram_positions < np.repeat(_n_title_tokens(articles, tokens), trigram_sizes), TITLE_TRIGRAM, TRIGRAM
    )
    features = _joined(
        [
            _token_features(articles, texts, tokens, n_tokens, vocabulary),
            _bigram_features(tokens, n_tokens, vocabulary),
            _fact_features(articles, texts),
            _spelled_features(tokens),
            _stage_features(tokens, n_tokens),
            _features(trigram_keys, trigram_kinds, 1.0, trigram_positions),
        ]
    )
    return _sorted_profiles(features, n_tokens)  # the 3-grams stand last


def even_cased(text: str) -> str:
    """The text, changed only so that its lower case is as long as itself.

    U+0130 is the one character whose lower case is longer; it becomes I and a combining dot, with the same lower case.
    """
    return text.replace("\u0130", "I\u0307") if "\u0130" in text else text


def _token_features(
    articles: Sequence[CleanArticle], texts: Sequence[str], tokens: Tokens, n_tokens: Positions, vocabulary: Vocabulary
) -> _Features:
    places = _places(n_tokens)
    n_title = _n_title_tokens(articles, tokens)[tokens.articles]
    is_title = places < n_title
    is_lead = (places < n_title + N_LEAD_TOKENS) & ~is_title
    idf = idf_of(tokens.hashes, vocabulary)
    is_name = name_marks(texts, tokens, is_title)
    kinds = is_name * NAME + is_lead * LEAD + is_title * TITLE + (idf >= MIN_RARE_IDF) * RARE
    return _features(_keys(tokens.articles, tokens.hashes), kinds, idf, places)


def _n_title_tokens(articles: Sequence[CleanArticle], tokens: Tokens) -> Positions:
    """How many tokens of each article stand in its title; they come first."""
    title_lengths = np.array([len(even_cased(article.title)) for article in articles], np.int64)
    is_title = tokens.starts < title_lengths.take(tokens.articles)
    return np.bincount(tokens.articles[is_title], minlength=len(articles))


def _bigram_features(tokens: Tokens, n_tokens: Positions, vocabulary: Vocabulary) -> _Features:
    firsts = np.flatnonzero(tokens.articles[1:] == tokens.articles[:-1])
    hashes = bigram_hashes(tokens.hashes).take(firsts)
    keys = _keys(tokens.articles.take(firsts), hashes)
    return _features(keys, BIGRAM, idf_of(hashes, vocabulary), _places(n_tokens).take(firsts))


def _fact_features(articles: Sequence[CleanArticle], texts: Sequence[str]) -> _Features:
    hashes: list[int] = []
    kinds: list[int] = []
    weights: list[float] = []
    n_hashes = np.zeros(len(texts), np.int64)
    for index, text in enumerate(texts):
        lead_end = len(articles[index].title) + N_LEAD_CHARACTERS
        for number in numbers(text):
            hashes.extend(_number_hashes(number.value, number.rounded))
            kinds += [NUMBER, LEAD_ROUNDED if number.start < lead_end else ROUNDED]
            weights.extend(_number_weights(number.value, number.rounded))
            for kind, fact in _contexts(number):
                hashes.append(_fact_hash(kind, fact))
                kinds.append(kind)
                weights.append(1.0)
        n_hashes[index] = len(hashes)
    owners = np.repeat(np.arange(len(texts)), np.diff(n_hashes, prepend=0))
    return _features(_fact_keys(owners, np.array(hashes, np.uint64)), kinds, np.array(weights, np.float32), 0)


def _contexts(number: Number) -> Iterator[tuple[int, str]]:
    """What the words around a number make of it: the day of a month, a slot and its filling."""
    if number.date:
        yield DATE, number.date
    if len(number.slot) > 1:
        yield SLOT, number.slot
        yield FILLED_SLOT, f"{number.slot} {number.value}"


@lru_cache(1 << 16)
def _number_hashes(value: str, rounded: str) -> tuple[int, int]:
    return _fact_hash(NUMBER, value), _fact_hash(ROUNDED, rounded)


@lru_cache(1 << 16)
def _number_weights(value: str, rounded: str) -> tuple[float, float]:
    return number_weight(value), number_weight(rounded)


def _spelled_features(tokens: Tokens) -> _Features:
    """Numbers written as words, and the days of the week."""
    is_spelled, spelled = _found(tokens.hashes, _SPELLED_HASHES)
    is_weekday, weekdays = _found(tokens.hashes, _WEEKDAY_HASHES)
    days = weekdays.astype(np.uint64) + np.uint64(DATE << 40)
    facts = np.concatenate([_SPELLED_FACTS.take(spelled), _SPELLED_ROUNDED.take(spelled), days])
    owners = tokens.articles.take(np.concatenate([is_spelled, is_spelled, is_weekday]))
    kinds = np.repeat([NUMBER, ROUNDED, DATE], [len(spelled), len(spelled), len(weekdays)])
    spelled_weights = _SPELLED_WEIGHTS.take(spelled)
    weights = np.concatenate([spelled_weights, spelled_weights, np.ones(len(weekdays), np.float32)])
    return _features(_fact_keys(owners, facts), kinds, weights, 0)


def _stage_features(tokens: Tokens, n_tokens: Positions) -> _Features:
    """The stages that the first ``N_HEAD_TOKENS`` tokens, title included, say a story has reached."""
    is_stage, stages = _found(tokens.hashes, _STAGE_HASHES)
    heads = np.flatnonzero(_places(n_tokens).take(is_stage) < N_HEAD_TOKENS)
    owners = tokens.articles.take(is_stage.take(heads))
    return _features(_fact_keys(owners, _STAGE_FACTS.take(stages.take(heads))), STAGE, 1.0, 0)


def _trigrams(tokens: Tokens) -> tuple[Hashes, NDArray[np.int32]]:
    """Keys and places of all 3-grams of tokens, in reading order."""
    firsts = np.flatnonzero(tokens.articles[2:] == tokens.articles[:-2])
    hashes = (tokens.hashes[:-2] * _FACTOR + tokens.hashes[1:-1]) * _FACTOR + tokens.hashes[2:]
    owners = tokens.articles.take(firsts)
    n_tokens = np.bincount(tokens.articles)
    return _keys(owners, hashes.take(firsts)), _places(n_tokens).take(firsts).astype(np.int32)


def name_marks(texts: Sequence[str], tokens: Tokens, is_title: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which tokens are capitalised though they start no sentence; dates and titles apart. Bool, shape (n_tokens,)."""
    if not len(tokens.hashes):
        return np.zeros(0, bool)
    joined = "\n".join(texts)
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    lowered = np.frombuffer("\n".join(text.lower() for text in texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    lengths = np.array([len(text) + 1 for text in texts], np.int64)
    shifts = np.repeat(np.cumsum(lengths) - lengths, np.bincount(tokens.articles, minlength=len(texts)))
    starts, ends = tokens.starts + shifts, tokens.ends + shifts
    n_ends = np.cumsum(np.isin(codes, [ord(mark) for mark in SENTENCE_ENDS]))
    is_capital = codes[starts] != lowered[starts]
    is_inside = np.zeros(len(starts), bool)
    is_inside[1:] = n_ends[starts[1:]] == n_ends[ends[:-1] - 1]
    is_date = np.zeros(len(starts), bool)
    is_date[_found(tokens.hashes, _DATE_WORDS)[0]] = True
    is_body_capital = is_capital & ~is_title
    n_body = np.bincount(tokens.articles[~is_title], minlength=len(texts))
    is_shouted = np.bincount(tokens.articles[is_body_capital], minlength=len(texts)) > MAX_NAME_SHARE * n_body
    return np.asarray(is_body_capital & is_inside & ~is_shouted[tokens.articles] & ~is_date)


def idf_of(hashes: Hashes, vocabulary: Vocabulary) -> NDArray[np.float32]:
    """The idf of each term, ``ln(1 + n_articles) + 1`` where the vocabulary lacks it."""
    unseen = np.float32(np.log1p(vocabulary.n_articles) + 1)
    return np.append(vocabulary.idf, unseen).take(vocabulary.columns(hashes))  # column -1 takes the last


def _sorted_profiles(features: _Features, n_tokens: Positions) -> Profiles:
    """One entry for each feature of an article: marks joined, first position kept, occurrences counted."""
    order = np.argsort(features.keys)
    ascending = features.keys.take(order)
    is_first = np.ones(len(ascending), bool)
    is_first[1:] = ascending[1:] != ascending[:-1]
    firsts = np.flatnonzero(is_first)
    tf = np.diff(firsts, append=len(ascending))
    keys, weights = ascending.take(firsts), features.weights.take(order.take(firsts))
    kinds = _reduced(np.bitwise_or, features.kinds.take(order), firsts)
    kinds += ((tf > 1) & (kinds < BIGRAM)).astype(np.uint8) * np.uint8(REPEATED)
    owners = (keys >> np.uint64(HASH_BITS)).view(np.int64)
    offsets = np.searchsorted(owners, np.arange(len(n_tokens) + 1))
    positions = _reduced(np.minimum, features.positions.take(order), firsts)
    quarters = owners * N_QUARTERS + quarters_of(positions, n_tokens.take(owners))
    trigram_sizes = np.maximum(n_tokens - 2, 0)
    return Profiles(
        offsets=offsets,
        keys=keys,
        kinds=kinds,
        weights=weights,
        values=_tfidf_values(tf, kinds, weights, owners, len(n_tokens)),
        positions=positions,
        totals=_totals(owners * N_KINDS + kinds, weights, len(n_tokens), N_KINDS),
        quarter_totals=_totals(quarters, weights * (kinds < BIGRAM), len(n_tokens), N_QUARTERS),
        n_tokens=n_tokens,
        trigrams=_feature_indices(order, is_first)[len(order) - int(trigram_sizes.sum()) :],
        trigram_offsets=np.concatenate([np.zeros(1, np.int64), np.cumsum(trigram_sizes)]),
        buckets=bucket(keys, offsets),
    )


def _reduced(operation: np.ufunc, sorted_values: NDArray[Any], firsts: Positions) -> NDArray[Any]:
    return operation.reduceat(sorted_values, firsts) if len(firsts) else sorted_values


def _tfidf_values(
    tf: Positions, kinds: NDArray[np.uint8], weights: NDArray[np.float32], owners: Positions, n_articles: int
) -> NDArray[np.float32]:
    values = np.where(kinds <= BIGRAM, (1 + np.log(tf)) * weights, 0)
    norms = np.sqrt(np.bincount(owners, weights=values**2, minlength=n_articles))
    norms[norms == 0] = 1.0  # "4.2" has a number and no token
    return (values / norms.take(owners)).astype(np.float32)


def _totals(cells: Positions, weights: NDArray[np.float32], n_articles: int, width: int) -> NDArray[np.float32]:
    """The weights summed in cells of a table of articles."""
    sums = np.bincount(cells, weights=weights, minlength=n_articles * width)
    return sums.reshape(n_articles, width).astype(np.float32)


def quarters_of(positions: NDArray[np.int32], n_tokens: Positions) -> Positions:
    """The quarter of its text in which each token stands, 0 to 3."""
    return positions.astype(np.int64) * N_QUARTERS // np.maximum(n_tokens, 1)


def _feature_indices(order: Positions, is_first: NDArray[np.bool_]) -> Positions:
    """For each occurrence, in the order in which they came, the index of its feature."""
    indices = np.empty(len(order), np.int64)
    indices[order] = np.cumsum(is_first) - 1
    return indices


def _features(
    keys: Hashes, kinds: NDArray[Any] | list[int] | int, weights: NDArray[np.float32] | float, positions: NDArray[Any] | int
) -> _Features:
    return _Features(
        keys,
        np.broadcast_to(np.asarray(kinds, np.uint8), keys.shape),
        np.broadcast_to(np.asarray(weights, np.float32), keys.shape),
        np.broadcast_to(np.asarray(positions, np.int32), keys.shape),
    )


def _joined(parts: Sequence[_Features]) -> _Features:
    return _Features(
        np.concatenate([part.keys for part in parts]),
        np.concatenate([part.kinds for part in parts]),
        np.concatenate([part.weights for part in parts]),
        np.concatenate([part.positions for part in parts]),
    )


def _keys(owners: Positions, hashes: Hashes) -> Hashes:
    return (owners.astype(np.uint64) << np.uint64(HASH_BITS)) | (hashes >> np.uint64(64 - HASH_BITS))


def _fact_keys(owners: Positions, facts: Hashes) -> Hashes:
    """Facts spread over all 48 bits, as terms are."""
    return _keys(owners, facts * _FACTOR)


def _places(n_tokens: Positions) -> Positions:
    """The place of each token in its own text."""
    return np.arange(n_tokens.sum()) - np.repeat(np.cumsum(n_tokens) - n_tokens, n_tokens)


def _found(hashes: Hashes, ascending: Hashes) -> tuple[Positions, Positions]:
    """Which hashes stand in an ascending array, and where in it."""
    places = np.searchsorted(ascending, hashes)
    hits = np.flatnonzero(ascending.take(places, mode="clip") == hashes)
    return hits, places.take(hits)
