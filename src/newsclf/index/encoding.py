"""How samples and texts are written into the database."""

import hashlib
import struct
import zlib
from collections.abc import Sequence

import numpy as np

from newsclf.article import Article
from newsclf.duplicates.samples import HASH_BITS, Samples

_NUMBERS = struct.Struct("<Bfff")  # number of terms, scale, weight, total
_HASH_BYTES = HASH_BITS // 8
ZLIB_LEVEL = 1  # 6 saves a tenth of the space and takes half as long again


def encoded_samples(samples: Samples) -> list[bytes]:
    """Each article's sample as bytes: four numbers, then five bytes a term."""
    raw = samples.hashes.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :_HASH_BYTES].tobytes()
    ends = (np.cumsum(samples.sizes, dtype=np.int64) * _HASH_BYTES).tolist()
    numbers = zip(samples.sizes.tolist(), samples.scales.tolist(), samples.weights.tolist(), samples.totals.tolist(), strict=True)
    return [_NUMBERS.pack(*values) + raw[start:end] for values, start, end in zip(numbers, [0, *ends], ends, strict=False)]


def decoded_samples(blobs: Sequence[bytes]) -> Samples:
    """The samples that ``encoded_samples`` wrote.

    Raises:
        ValueError: if one was not written by it.
    """
    numbers = [_NUMBERS.unpack_from(blob) if len(blob) >= _NUMBERS.size else (0, 0, 0, 0) for blob in blobs]
    if any(len(blob) != _NUMBERS.size + values[0] * _HASH_BYTES for blob, values in zip(blobs, numbers, strict=True)):
        raise ValueError("a sample is damaged")
    raw = np.frombuffer(b"".join(blob[_NUMBERS.size :] for blob in blobs), np.uint8).reshape(-1, _HASH_BYTES)
    padded = np.zeros((len(raw), 8), np.uint8)
    padded[:, :_HASH_BYTES] = raw
    sizes, scales, weights, totals = np.array(numbers, np.float64).reshape(-1, 4).T
    return Samples(
        sizes=sizes.astype(np.uint8),
        hashes=padded.view("<u8").ravel().astype(np.uint64),
        scales=scales.astype(np.float32),
        weights=weights.astype(np.float32),
        totals=totals.astype(np.float32),
    )


def packed_text(text: str) -> bytes:
    """A text as zlib data."""
    return zlib.compress(text.encode("utf-8", "surrogatepass"), ZLIB_LEVEL)


def unpacked_text(packed: bytes) -> str:
    """The text that ``packed_text`` packed.

    Raises:
        ValueError: if the data is damaged.
    """
    try:
        return zlib.decompress(packed).decode("utf-8", "surrogatepass")
    except (zlib.error, UnicodeDecodeError) as error:
        raise ValueError(f"a text is damaged: {error}") from error


def digest_of(article: Article) -> bytes:
    """16 bytes that say whether two articles have the same title and text."""
    both = f"{article.title}\0{article.text}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(both, digest_size=16).digest()
