"""The features of articles as they occur: terms, 3-grams, numbers, dates, names and stages, each with its hash and kind."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from newsclf.duplicates.characters import CAPITAL, ENDS_SENTENCE, Marks, character_marks, number_starts
from newsclf.duplicates.facts import MONTHS, SPELLED_NUMBERS, STAGES, WEEKDAYS, number_at, number_weight
from newsclf.duplicates.lookup import HASH_BITS
from newsclf.text.clean import CleanArticle, feature_text
from newsclf.text.tokens import Hashes, Positions, Tokens, bigram_hashes, hash_term, tokenize
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

_FACTOR = np.uint64(0x9FB21C651E98DF25)  # odd
_FIRST_BITS = np.uint64(16)  # of a hash, which rule out nearly all tokens before the search among the words that are facts


@dataclass(frozen=True)
class _Words:
    """Words to find among tokens.

    Attributes:
        hashes: uint64, ascending.
        has_first_bits: bool, shape (2**16,): whether a word's hash begins so.
    """

    hashes: Hashes
    has_first_bits: NDArray[np.bool_]


def _words(hashes: list[int]) -> _Words:
    ascending = np.sort(np.array(hashes, np.uint64))
    has_first_bits = np.zeros(1 << int(_FIRST_BITS), bool)
    has_first_bits[_first_bits(ascending)] = True
    return _Words(ascending, has_first_bits)


def _first_bits(hashes: Hashes) -> Positions:
    return (hashes >> (np.uint64(64) - _FIRST_BITS)).view(np.int64)


def _fact_hash(kind: int, value: str) -> int:
    """A 48-bit hash of a fact; crc32 is quick, the same everywhere, and wide enough for the facts of two articles."""
    return (kind << 40) | zlib.crc32(value.encode("utf-8", "surrogatepass"))


_DATE_WORDS = _words([hash_term(word) for word in (*MONTHS, *WEEKDAYS)])
_WEEKDAY_WORDS = _words([hash_term(word) for word in WEEKDAYS])
_spelled = sorted((hash_term(word), str(number)) for word, number in SPELLED_NUMBERS.items())
_SPELLED_WORDS = _words([term for term, _ in _spelled])
_SPELLED_FACTS = np.array([_fact_hash(NUMBER, value) for _, value in _spelled], np.uint64)
_SPELLED_ROUNDED = np.array([_fact_hash(ROUNDED, value) for _, value in _spelled], np.uint64)
_SPELLED_WEIGHTS = np.array([number_weight(value) for _, value in _spelled], np.float32)
_stages = sorted((hash_term(word), stage) for word, stage in STAGES.items())
_STAGE_WORDS = _words([term for term, _ in _stages])
_STAGE_FACTS = np.array([(STAGE << 40) + stage for _, stage in _stages], np.uint64)


@dataclass(frozen=True)
class Features:
    """Occurrences of features, not yet sorted.

    Attributes:
        keys: uint64, shape (n_occurrences,): article in the upper 16 bits, hash in the lower 48.
        kinds: uint8, shape (n_occurrences,).
        weights: float32, shape (n_occurrences,).
        positions: int32, shape (n_occurrences,): the token at which each stands; where a term occurs again, a later one.
    """

    keys: Hashes
    kinds: NDArray[np.uint8]
    weights: NDArray[np.float32]
    positions: NDArray[np.int32]


def features_of(articles: Sequence[CleanArticle], vocabulary: Vocabulary) -> tuple[Features, Positions]:
    """The features of a block of cleaned articles, the 3-grams last in reading order, and each article's number of tokens."""
    texts = [even_cased(feature_text(article)) for article in articles]
    tokens = tokenize(texts)
    marks, begins = character_marks(texts)
    n_tokens = np.bincount(tokens.articles, minlength=len(texts))
    places = _places(n_tokens)
    n_title = _n_title_tokens(articles, tokens)
    is_title = places < n_title.take(tokens.articles)
    is_name = _name_marks(marks, begins, tokens, is_title)
    parts = [
        _token_features(tokens, places, n_title, is_name, vocabulary),
        _bigram_features(tokens, places, vocabulary),
        *_fact_features(articles, texts, marks, begins),
        _spelled_features(tokens),
        _stage_features(tokens, places),
        _trigram_features(tokens, places, n_title),
    ]
    return _joined(parts), n_tokens


def even_cased(text: str) -> str:
    """The text, changed only so that its lower case is as long as itself.

    U+0130 is the one character whose lower case is longer; it becomes I and a combining dot, with the same lower case.
    """
    return text.replace("\u0130", "I\u0307") if "\u0130" in text else text


def _token_features(
    tokens: Tokens, places: Positions, n_title: Positions, is_name: NDArray[np.bool_], vocabulary: Vocabulary
) -> Features:
    n_before = n_title.take(tokens.articles)
    is_title = places < n_before
    is_lead = (places < n_before + N_LEAD_TOKENS) & ~is_title
    idf = idf_of(tokens.hashes, vocabulary)
    kinds = (
        is_name * np.uint8(NAME) + is_lead * np.uint8(LEAD) + is_title * np.uint8(TITLE) + (idf >= MIN_RARE_IDF) * np.uint8(RARE)
    )
    return _features(_keys(tokens.articles, tokens.hashes), kinds, idf, places)


def _n_title_tokens(articles: Sequence[CleanArticle], tokens: Tokens) -> Positions:
    """How many tokens of each article stand in its title; they come first."""
    title_lengths = np.array([len(even_cased(article.title)) for article in articles], np.int64)
    is_title = tokens.starts < title_lengths.take(tokens.articles)
    return np.bincount(tokens.articles[is_title], minlength=len(articles))


def _bigram_features(tokens: Tokens, places: Positions, vocabulary: Vocabulary) -> Features:
    firsts = np.flatnonzero(tokens.articles[1:] == tokens.articles[:-1])
    hashes = bigram_hashes(tokens.hashes).take(firsts)
    keys = _keys(tokens.articles.take(firsts), hashes)
    return _features(keys, BIGRAM, idf_of(hashes, vocabulary), places.take(firsts))


def _trigram_features(tokens: Tokens, places: Positions, n_title: Positions) -> Features:
    """All 3-grams of tokens, in reading order."""
    firsts = np.flatnonzero(tokens.articles[2:] == tokens.articles[:-2])
    hashes = (tokens.hashes[:-2] * _FACTOR + tokens.hashes[1:-1]) * _FACTOR + tokens.hashes[2:]
    owners, starts = tokens.articles.take(firsts), places.take(firsts)
    kinds = np.where(starts < n_title.take(owners), np.uint8(TITLE_TRIGRAM), np.uint8(TRIGRAM))
    return _features(_keys(owners, hashes.take(firsts)), kinds, 1.0, starts)


def _fact_features(articles: Sequence[CleanArticle], texts: Sequence[str], marks: Marks, begins: Positions) -> Iterator[Features]:
    """Numbers written in digits, and what the words around them make of them: the day of a month, a slot and its filling."""
    starts = number_starts(marks)
    owners = np.searchsorted(begins, starts, side="right") - 1
    starts -= begins.take(owners)
    lead_ends = np.array([len(article.title) + N_LEAD_CHARACTERS for article in articles], np.int64)
    rounded_kinds = np.where(starts < lead_ends.take(owners), np.uint8(LEAD_ROUNDED), np.uint8(ROUNDED))
    numbers = [number_at(texts[owner], start) for owner, start in zip(owners.tolist(), starts.tolist(), strict=True)]
    facts = [_number_facts(number.value, number.rounded) for number in numbers]
    yield _number_features(owners, NUMBER, [value for value, _ in facts])
    yield _number_features(owners, rounded_kinds, [rounded for _, rounded in facts])
    dated = [index for index, number in enumerate(numbers) if number.date]
    yield _context_features(owners.take(dated), DATE, [numbers[index].date for index in dated])
    slotted = [index for index, number in enumerate(numbers) if len(number.slot) > 1]
    yield _context_features(owners.take(slotted), SLOT, [numbers[index].slot for index in slotted])
    filled = [f"{numbers[index].slot} {numbers[index].value}" for index in slotted]
    yield _context_features(owners.take(slotted), FILLED_SLOT, filled)


def _number_features(owners: Positions, kinds: NDArray[np.uint8] | int, facts: Sequence[tuple[int, float]]) -> Features:
    hashes = np.array([fact for fact, _ in facts], np.uint64)
    return _features(_fact_keys(owners, hashes), kinds, np.array([weight for _, weight in facts], np.float32), 0)


@lru_cache(1 << 16)
def _number_facts(value: str, rounded: str) -> tuple[tuple[int, float], tuple[int, float]]:
    """Hash and weight of a number as it is and rounded."""
    return (_fact_hash(NUMBER, value), number_weight(value)), (_fact_hash(ROUNDED, rounded), number_weight(rounded))


def _context_features(owners: Positions, kind: int, facts: Sequence[str]) -> Features:
    hashes = np.array([_fact_hash(kind, fact) for fact in facts], np.uint64)
    return _features(_fact_keys(owners, hashes), kind, 1.0, 0)


def _spelled_features(tokens: Tokens) -> Features:
    """Numbers written as words, and the days of the week."""
    is_spelled, spelled = _found(tokens.hashes, _SPELLED_WORDS)
    is_weekday, weekdays = _found(tokens.hashes, _WEEKDAY_WORDS)
    days = weekdays.astype(np.uint64) + np.uint64(DATE << 40)
    facts = np.concatenate([_SPELLED_FACTS.take(spelled), _SPELLED_ROUNDED.take(spelled), days])
    owners = tokens.articles.take(np.concatenate([is_spelled, is_spelled, is_weekday]))
    kinds = np.repeat([NUMBER, ROUNDED, DATE], [len(spelled), len(spelled), len(weekdays)])
    spelled_weights = _SPELLED_WEIGHTS.take(spelled)
    weights = np.concatenate([spelled_weights, spelled_weights, np.ones(len(weekdays), np.float32)])
    return _features(_fact_keys(owners, facts), kinds, weights, 0)


def _stage_features(tokens: Tokens, places: Positions) -> Features:
    """The stages that the first ``N_HEAD_TOKENS`` tokens, title included, say a story has reached."""
    is_stage, stages = _found(tokens.hashes, _STAGE_WORDS)
    heads = np.flatnonzero(places.take(is_stage) < N_HEAD_TOKENS)
    owners = tokens.articles.take(is_stage.take(heads))
    return _features(_fact_keys(owners, _STAGE_FACTS.take(stages.take(heads))), STAGE, 1.0, 0)


def name_marks(texts: Sequence[str], tokens: Tokens, is_title: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which tokens are capitalised though they start no sentence; dates and titles apart. Bool, shape (n_tokens,)."""
    return _name_marks(*character_marks(texts), tokens, is_title)


def _name_marks(marks: Marks, begins: Positions, tokens: Tokens, is_title: NDArray[np.bool_]) -> NDArray[np.bool_]:
    starts = tokens.starts + begins.take(tokens.articles)
    is_body_capital = (marks.take(starts) & CAPITAL > 0) & ~is_title
    firsts = np.searchsorted(starts, np.flatnonzero(marks & ENDS_SENTENCE > 0))  # the last may be one past the last token
    is_inside = np.ones(len(starts) + 1, bool)
    is_inside[firsts] = False
    is_date = np.zeros(len(starts), bool)
    is_date[_found(tokens.hashes, _DATE_WORDS)[0]] = True
    n_body = np.bincount(tokens.articles[~is_title], minlength=len(begins))
    is_shouted = np.bincount(tokens.articles[is_body_capital], minlength=len(begins)) > MAX_NAME_SHARE * n_body
    return np.asarray(is_body_capital & is_inside[:-1] & ~is_shouted.take(tokens.articles) & ~is_date)


def idf_of(hashes: Hashes, vocabulary: Vocabulary) -> NDArray[np.float32]:
    """The idf of each term, ``ln(1 + n_articles) + 1`` where the vocabulary lacks it."""
    return vocabulary.idf_or_unseen.take(vocabulary.columns(hashes))  # column -1 takes the last


def _features(
    keys: Hashes, kinds: NDArray[Any] | int, weights: NDArray[np.float32] | float, positions: NDArray[Any] | int
) -> Features:
    return Features(
        keys,
        np.broadcast_to(np.asarray(kinds, np.uint8), keys.shape),
        np.broadcast_to(np.asarray(weights, np.float32), keys.shape),
        np.broadcast_to(np.asarray(positions, np.int32), keys.shape),
    )


def _joined(parts: Sequence[Features]) -> Features:
    return Features(
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


def _found(hashes: Hashes, words: _Words) -> tuple[Positions, Positions]:
    """Which hashes are words of a list, and where in it."""
    likely = np.flatnonzero(words.has_first_bits.take(_first_bits(hashes)))
    wanted = hashes.take(likely)
    places = np.searchsorted(words.hashes, wanted)
    hits = np.flatnonzero(words.hashes.take(places, mode="clip") == wanted)
    return likely.take(hits), places.take(hits)
