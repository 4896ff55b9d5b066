"""Texts to 64-bit term hashes, a block of articles at a time, in NumPy alone.

A block of texts becomes one array of code points. A table marks the characters that make words; where the mark changes, a
token starts or ends. With ``P[i]`` the prefix sum of ``code[i] * B**i`` modulo 2**64, the polynomial hash of the token from
``start`` to ``end`` is ``(P[end] - P[start]) * B**-start``: no token is ever made as a Python string. B is odd and so has an
inverse modulo 2**64. A bigram's hash is mixed from its two neighbours' hashes.

Spaced scripts get the tokens of scikit-learn's ``CountVectorizer``: the lower-cased runs of two or more ``\\w`` characters.
Scripts written without spaces, and Hangul, become overlapping character bigrams.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

BASE = 0x9E3779B97F4A7C15  # odd; the golden ratio's bits have no short period
INVERSE_BASE = pow(BASE, -1, 2**64)
MIX_FIRST, MIX_SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB  # splitmix64 (Steele, Lea, Flood 2014)
BIGRAM_FACTOR = 0xD6E8FEB86659FD93  # odd and unlike BASE, so that "ab c" and "a bc" differ

BLOCK_CHARACTERS = 1 << 18  # measured: smaller blocks lose to the cost of a NumPy call, larger ones to the cache
MAX_KEPT_POWERS = 1 << 21  # 32 MiB; those of a longer block, one huge text, are made anew and given back
SPACED, UNSPACED = 1, 2
BIGRAM_SCRIPTS = (  # inclusive ranges of Thai, Hangul, Kana, Bopomofo and Han
    (0x0E01, 0x0E5B),
    (0x1100, 0x11FF),
    (0x2E80, 0x2FDF),
    (0x3005, 0x3007),
    (0x3021, 0x3029),
    (0x3041, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xA960, 0xA97F),
    (0xAC00, 0xD7FF),
    (0xF900, 0xFAFF),
    (0xFF66, 0xFFDC),
    (0x1AFF0, 0x1B16F),
    (0x20000, 0x3FFFD),
)
THAI_MARKS = r"\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"  # vowels and tones: not \w, yet part of the word

Codes = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.uint32]
Hashes = NDArray[np.uint64]
Positions = NDArray[np.int64]


@dataclass(frozen=True)
class Tokens:
    """The tokens of a block of texts, in reading order.

    Attributes:
        hashes: uint64, shape (n_tokens,).
        starts: int64, shape (n_tokens,); where each begins in its own lower-cased text, in characters.
        ends: int64, shape (n_tokens,); one past its last character.
        articles: int64, shape (n_tokens,), ascending; the index of the text it stands in.
    """

    hashes: Hashes
    starts: Positions
    ends: Positions
    articles: Positions


@dataclass(frozen=True)
class TermHashes:
    """Every occurrence of every term (token or bigram) in a block of texts, not yet counted.

    Attributes:
        hashes: uint64, shape (n_occurrences,); the tokens of the block first, then its bigrams.
        articles: int64, shape (n_occurrences,); the index in the block of the text each occurs in.
        n_tokens: how many of the occurrences are tokens.
        n_articles: number of texts in the block, those without a term included.
    """

    hashes: Hashes
    articles: Positions
    n_tokens: int
    n_articles: int


def hash_terms(texts: Sequence[str]) -> TermHashes:
    """The hashes of all tokens and bigrams of a block of texts.

    Args:
        texts: cleaned texts; any strings, lone surrogates included. A block of no text or of empty texts has no terms.

    >>> hash_terms(["Rain, rain!"]).hashes.tolist() == [hash_term("rain")] * 2 + [hash_term("rain rain")]
    True
    """
    return term_hashes(tokenize(texts), len(texts))


def term_hashes(tokens: Tokens, n_articles: int) -> TermHashes:
    """The hashes of a block's tokens, then of its bigrams, in the order of ``bigram_firsts``."""
    firsts = bigram_firsts(tokens)
    bigrams = bigram_hashes(tokens.hashes).take(firsts)
    return TermHashes(
        hashes=np.concatenate([tokens.hashes, bigrams]),
        articles=np.concatenate([tokens.articles, tokens.articles.take(firsts)]),
        n_tokens=len(tokens.hashes),
        n_articles=n_articles,
    )


def bigram_firsts(tokens: Tokens) -> Positions:
    """The positions of the tokens that another one of the same article follows, int64, ascending."""
    return np.flatnonzero(tokens.articles[1:] == tokens.articles[:-1])  # positions and take: ten times a mask's speed


def hash_term(term: str) -> int:
    """The hash of one term: a token, or two tokens with a space between them.

    Raises:
        ValueError: if the string is neither one token nor two.

    >>> hash_term("wheat") == hash_term("WHEAT")
    True
    """
    terms = hash_terms([term])
    if len(terms.hashes) not in (1, 3):
        raise ValueError(f"a term has one token or two; {term!r} is neither")
    return int(terms.hashes[-1])


def blocks(texts: Sequence[str]) -> Iterator[slice]:
    """Slices that cut a list of texts into blocks of about ``BLOCK_CHARACTERS`` characters, whole texts each.

    >>> list(blocks(["a" * 300_000, "b", "c"]))
    [slice(0, 1, None), slice(1, 3, None)]
    """
    start = size = 0
    for index, text in enumerate(texts):
        size += len(text)
        if size >= BLOCK_CHARACTERS:
            yield slice(start, index + 1)
            start, size = index + 1, 0
    if start < len(texts):
        yield slice(start, len(texts))


def tokenize(texts: Sequence[str]) -> Tokens:
    """The tokens of a block of texts, with their places.

    >>> tokens = tokenize(["The U.S. cut rates"])
    >>> tokens.starts.tolist(), tokens.ends.tolist()
    ([0, 9, 13], [3, 12, 18])
    """
    lowered = [text.lower() for text in texts]  # str.lower knows the final sigma and what else a table of folds would miss
    codes = code_points("\n" + "\n".join([*lowered, ""]))
    starts, ends = _token_bounds(codes)
    lengths = np.fromiter(map(len, lowered), np.int64, len(lowered)) + 1
    text_ends = np.cumsum(lengths)
    n_tokens = np.diff(np.searchsorted(starts, text_ends), prepend=0)
    offsets = np.repeat(text_ends - lengths + 1, n_tokens)
    return Tokens(
        hashes=_token_hashes(codes, starts, ends),
        starts=starts - offsets,
        ends=ends - offsets,
        articles=np.repeat(np.arange(len(texts)), n_tokens),
    )


def code_points(joined: str) -> Codes:
    """The code points of a string in the narrowest unsigned type that holds them all."""
    if joined.isascii():
        return np.frombuffer(joined.encode("ascii"), np.uint8)
    narrow = np.frombuffer(joined.encode("utf-16-le", "surrogatepass"), np.uint16)
    if len(narrow) == len(joined):
        return narrow
    return np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)


def _token_bounds(codes: Codes) -> tuple[Positions, Positions]:
    """Starts and ends of the tokens in reading order; the first and last code are line feeds."""
    kinds = _kinds(codes)
    edges = np.flatnonzero(kinds[1:] != kinds[:-1]) + 1
    if codes.dtype == np.uint8:  # ASCII has one kind of word: an edge that is not a start is an end
        starts, ends = edges[::2], edges[1::2]
        is_token = np.flatnonzero(ends - starts >= 2)
        return starts.take(is_token), ends.take(is_token)
    return _mixed_bounds(kinds, edges)


def _kinds(codes: Codes) -> NDArray[np.uint8]:
    table = _kinds_table(codes.dtype.itemsize)
    if codes.dtype == np.uint8:
        return np.frombuffer(codes.tobytes().translate(table.tobytes()), np.uint8)  # three times a gather's speed
    return table.take(codes, mode="clip")  # beyond the table stand no words


def _mixed_bounds(kinds: NDArray[np.uint8], edges: Positions) -> tuple[Positions, Positions]:
    """Token bounds where runs of spaced and unspaced script may touch each other."""
    starts, ends, run_kinds = edges[:-1], edges[1:], kinds[edges[:-1]]
    lengths = ends - starts
    words = np.flatnonzero((run_kinds == SPACED) & (lengths >= 2))
    unspaced = np.flatnonzero(run_kinds == UNSPACED)
    if not len(unspaced):
        return starts.take(words), ends.take(words)
    n_bigrams = np.maximum(lengths.take(unspaced) - 1, 1)  # a lone character stands for itself
    first_bigrams = np.cumsum(n_bigrams) - n_bigrams
    bigram_starts = np.arange(n_bigrams.sum()) + np.repeat(starts.take(unspaced) - first_bigrams, n_bigrams)
    bigram_ends = np.minimum(bigram_starts + 2, np.repeat(ends.take(unspaced), n_bigrams))
    all_starts = np.concatenate([starts.take(words), bigram_starts])
    order = np.argsort(all_starts)
    return all_starts.take(order), np.concatenate([ends.take(words), bigram_ends]).take(order)


def _token_hashes(codes: Codes, starts: Positions, ends: Positions) -> Hashes:
    powers, inverse_powers = _powers(1 << (len(codes) - 1).bit_length())
    prefix_sums = codes.astype(np.uint64)
    prefix_sums *= powers[: len(codes)]
    np.cumsum(prefix_sums, out=prefix_sums)
    hashes = prefix_sums.take(ends - 1)
    hashes -= prefix_sums.take(starts - 1)  # never -1: a line feed stands before the first token
    hashes *= inverse_powers.take(starts)
    return _mixed(hashes)


def bigram_hashes(hashes: Hashes) -> Hashes:
    """The hash of each token with the one that follows, shape (n_tokens - 1,)."""
    pairs = hashes[:-1] * np.uint64(BIGRAM_FACTOR)
    pairs += hashes[1:]
    return _mixed(pairs)


def _mixed(hashes: Hashes) -> Hashes:
    """splitmix64's finaliser, in place: a bijection that lets every bit depend on every other."""
    hashes ^= hashes >> np.uint64(30)
    hashes *= np.uint64(MIX_FIRST)
    hashes ^= hashes >> np.uint64(27)
    hashes *= np.uint64(MIX_SECOND)
    hashes ^= hashes >> np.uint64(31)
    return hashes


def _powers(length: int) -> tuple[Hashes, Hashes]:
    """``BASE**i`` and ``BASE**-i`` modulo 2**64 for i below the length, a power of two so that few are ever made."""
    return _kept_powers(length) if length <= MAX_KEPT_POWERS else _new_powers(length)


@cache
def _kept_powers(length: int) -> tuple[Hashes, Hashes]:
    return _new_powers(length)


def _new_powers(length: int) -> tuple[Hashes, Hashes]:
    powers, inverse_powers = np.full(length, BASE, np.uint64), np.full(length, INVERSE_BASE, np.uint64)
    powers[0] = inverse_powers[0] = 1
    return np.cumprod(powers), np.cumprod(inverse_powers)


@cache
def _kinds_table(itemsize: int) -> NDArray[np.uint8]:
    """For each code point of one, two or four bytes: 0 between words, SPACED or UNSPACED inside one."""
    size = {1: 0x80, 2: 0x10000, 4: 0x40000}[itemsize]  # planes 4 and up hold no letters
    characters = "".join(map(chr, range(size)))
    table = np.zeros(max(size, 256), np.uint8)  # bytes.translate wants 256 entries
    for run in re.finditer(rf"[\w{THAI_MARKS}]+", characters):
        table[run.start() : run.end()] = SPACED
    for first, last in BIGRAM_SCRIPTS:
        table[first : last + 1] *= UNSPACED
    return table
