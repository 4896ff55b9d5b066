"""An index of a million articles: latency of a check, speed of a durable ingest, memory, disk, opening; and ten million posted.

    python benchmarks/index.py build CORPORA INDEX --articles 1000000 [--no-text]
    python benchmarks/index.py check CORPORA INDEX [--postings 10000000]
    python benchmarks/index.py ingest CORPORA INDEX
    python benchmarks/index.py windows CORPORA INDEX

Where real text runs out, an index is padded with rows drawn from the real distribution: each posted term of a synthetic article
comes from a random article within 50 of one real article of the same source, and terms that only one real article has become
terms that nobody has. It is stored with that real article's text, so that a candidate costs what it costs to be
looked at. Articles that are checked or ingested are held out.
"""

import argparse
import os
import resource
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from pathlib import Path

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import numpy as np
from numpy.typing import NDArray

import newsclf
from newsclf.duplicates.columns import stacked
from newsclf.duplicates.postings import Postings, find_posted, merged, post
from newsclf.duplicates.rows import shortened
from newsclf.duplicates.samples import HASH_BITS, MAX_LIST, Samples, sampled
from newsclf.index.database import Database
from newsclf.index.encoding import encoded_samples, packed_text
from newsclf.index.matching import prepared
from newsclf.index.posted import PostedArticles
from newsclf.text.tokens import Hashes

N_HELD_OUT = 24_000
NEIGHBOURS = 50
BLOCK = 512
SEED = 1


def corpus(folder: Path) -> tuple[list[newsclf.Article], list[newsclf.Article]]:
    """The real articles, source by source, and those held out, in a random order."""
    articles = list(newsclf.read_articles(sorted((folder / "unlabelled").glob("*.jsonl.gz"))))
    held_out = np.random.default_rng(SEED).permutation(len(articles))[:N_HELD_OUT]
    chosen = set(held_out.tolist())
    return [a for i, a in enumerate(articles) if i not in chosen], [articles[i] for i in held_out.tolist()]


def samples_of(articles: Sequence[newsclf.Article], model: newsclf.NewsModel) -> Samples:
    """What is posted of real articles."""
    vocabulary = shortened(model.vocabulary)
    parts, counts = [], PostedCounts()
    for start in range(0, len(articles), BLOCK):
        terms = prepared(articles[start : start + BLOCK], model, vocabulary).terms
        parts.append(sampled(terms, counts.of(terms.hashes)))
        counts.add(parts[-1].hashes)
    return stacked(parts)


class PostedCounts:
    """How many articles have posted each term, told apart by 24 bits of its hash."""

    def __init__(self) -> None:
        self._counts = np.zeros(1 << 24, np.int64)

    def of(self, hashes: Hashes) -> NDArray[np.int64]:
        return self._counts.take(self._places(hashes))

    def add(self, hashes: Hashes) -> None:
        np.add.at(self._counts, self._places(hashes), 1)

    @staticmethod
    def _places(hashes: Hashes) -> NDArray[np.int64]:
        return (hashes >> np.uint64(HASH_BITS - 24)).view(np.int64)


def synthetic(real: Samples, bases: NDArray[np.int64], counts: PostedCounts, rng: np.random.Generator) -> Samples:
    """Samples of synthetic articles, one for each real article in ``bases``; what is posted often becomes a fresh term too."""
    sizes = real.sizes.astype(np.int64)
    ends = np.cumsum(sizes)
    wanted = sizes.take(bases)
    near = np.repeat(bases, wanted) + rng.integers(-NEIGHBOURS, NEIGHBOURS + 1, int(wanted.sum()))
    near = np.clip(near, 0, len(real) - 1)
    near = np.where(sizes.take(near) > 0, near, np.repeat(bases, wanted))
    places = (ends - sizes).take(near) + (rng.random(len(near)) * sizes.take(near)).astype(np.int64)
    hashes = real.hashes.take(places)
    fresh = rng.integers(0, 1 << HASH_BITS, len(hashes), dtype=np.uint64)
    hashes = np.where(is_lonely(real).take(places) | (counts.of(hashes) > MAX_LIST), fresh, hashes)
    counts.add(hashes)
    owners = np.repeat(np.arange(len(bases), dtype=np.uint64), wanted)
    keys = np.sort((owners << np.uint64(HASH_BITS)) | hashes)
    others = (values.take(bases) for values in (real.scales, real.weights, real.totals))
    return Samples(real.sizes.take(bases), keys & np.uint64((1 << HASH_BITS) - 1), *others)


_LONELY: dict[int, NDArray[np.bool_]] = {}


def is_lonely(real: Samples) -> NDArray[np.bool_]:
    """Which posted terms stand in one real article only, the term for the whole text among them."""
    if id(real) not in _LONELY:
        _, places, counts = np.unique(real.hashes, return_inverse=True, return_counts=True)
        _LONELY[id(real)] = counts.take(places) == 1
    return _LONELY[id(real)]


def rows_of(
    articles: Sequence[newsclf.Article], samples: Samples, n_articles: int, keeps_text: bool
) -> Iterator[tuple[list[tuple[object, ...]], list[tuple[int, int]]]]:
    """Rows for the tables, a thousand articles at a time: the real ones first, then synthetic ones."""
    rng, counts = np.random.default_rng(SEED), PostedCounts()
    counts.add(samples.hashes)
    texts = [packed_text(article.text) if keeps_text else None for article in articles]
    for start in range(0, n_articles, 1000):
        numbers = np.arange(start, min(start + 1000, n_articles))
        bases = numbers if numbers[-1] < len(articles) else rng.integers(0, len(articles), len(numbers))
        is_real = bases is numbers
        blobs = encoded_samples(samples.take(bases) if is_real else synthetic(samples, bases, counts, rng))
        yield (
            [row(int(n) + 1, articles[b], blob, texts[b], is_real) for n, b, blob in zip(numbers, bases, blobs, strict=True)],
            [(int(n) + 1, int(n) + 1) for n in numbers],
        )


def row(number: int, article: newsclf.Article, sample: bytes, text: bytes | None, is_real: bool) -> tuple[object, ...]:
    """A canonical's row of the table of articles."""
    id_ = article.id if is_real else f"{article.id}-{number}"
    place = (number, f"{number:016x}", number, None, None)
    about = ("politics", 0.9, article.published, article.source, article.url)
    title = None if text is None else article.title
    return (number, id_, number, *place, *about, os.urandom(16), sample, title, text)


def build(arguments: argparse.Namespace) -> None:
    """Makes the index; its postings are then rebuilt as after a loss of all segments."""
    model = newsclf.load()
    real, _ = corpus(arguments.corpora)
    samples = samples_of(real, model)
    with newsclf.open_index(arguments.index, model, keep_text=not arguments.no_text):
        pass
    database = Database(arguments.index, read_only=False, sync="normal")
    start = time.perf_counter()
    for articles, canonicals in rows_of(real, samples, arguments.articles, not arguments.no_text):
        with database.writing():
            database.run_many(f"INSERT INTO articles VALUES ({', '.join('?' * 17)})", articles)
            database.run_many("INSERT INTO canonicals VALUES (?, ?)", canonicals)
    print(f"rows written in {time.perf_counter() - start:.0f} s, {len(real):,} of them real")
    start = time.perf_counter()
    posted = PostedArticles(database)
    with database.writing():
        posted.rebuild()
    with database.writing():
        posted.tidy()
    print(f"postings built in {time.perf_counter() - start:.0f} s, peak memory {peak_megabytes():.0f} MB")
    database.close()
    print_sizes(arguments.index)


def print_sizes(index: Path) -> None:
    """Disk and memory-mapped size."""
    with newsclf.open_index(index, read_only=True) as opened:
        stats = opened.stats()
    sizes = f"database {stats.database_bytes / 1e6:,.0f} MB, postings {stats.postings_bytes / 1e6:,.0f} MB"
    print(f"{stats.n_articles:,} articles: {sizes}")


def peak_megabytes() -> float:
    """Peak memory of this process, memory-mapped pages included."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def check(arguments: argparse.Namespace) -> None:
    """Latency of a check with decision and evidence, of held-out articles, after the first hundreds have warmed it up."""
    model = newsclf.load()
    _, held_out = corpus(arguments.corpora)
    before = peak_megabytes()
    start = time.perf_counter()
    index = newsclf.open_index(arguments.index, model, read_only=True)
    print(f"opened in {time.perf_counter() - start:.3f} s")
    if arguments.postings:
        index._posted = Padded(index._posted, arguments.postings, samples_of(corpus(arguments.corpora)[0], model))  # type: ignore[assignment]
        index._placer._posted = index._posted
    seconds, duplicates = [], 0
    for number, article in enumerate(islice(held_out, arguments.checks)):
        start = time.perf_counter()
        duplicates += index.check(article).duplicate
        if number >= arguments.checks // 10:
            seconds.append(time.perf_counter() - start)
    p50, p90, p99 = (1000 * float(np.percentile(seconds, p)) for p in (50, 90, 99))
    print(f"check: p50 {p50:.2f}, p90 {p90:.2f}, p99 {p99:.2f} ms of {len(seconds):,}; {duplicates} duplicates")
    print(f"peak memory {peak_megabytes():.0f} MB, of it {before:.0f} model and held-out articles")


class Padded:
    """The postings of an index and synthetic ones beside them, whose candidates are in no table."""

    def __init__(self, posted: PostedArticles, n_articles: int, real: Samples) -> None:
        self._posted = posted
        rng, counts = np.random.default_rng(SEED), PostedCounts()
        counts.add(real.hashes)
        n_more = n_articles - sum(len(part) for part in posted.parts)
        first = 1 << 40
        parts: list[Postings] = []
        for start in range(0, n_more, 500_000):
            bases = rng.integers(0, len(real), min(500_000, n_more - start))
            parts.append(post(synthetic(real, bases, counts, rng), first + start + np.arange(len(bases))))
        half = len(parts) // 2
        self._more = [merged(some, lambda name, length, dtype: np.empty(length, dtype)) for some in (parts[:half], parts[half:])]
        print(f"{n_articles:,} articles posted")

    def refresh(self) -> None:
        self._posted.refresh()

    def find(self, terms):  # type: ignore[no-untyped-def]
        return find_posted([*self._posted.parts, *self._more], terms)

    def wait(self) -> None:
        self._posted.wait()


def ingest(arguments: argparse.Namespace) -> None:
    """Durable ingest of held-out articles: the index grows by them."""
    model = newsclf.load()
    _, held_out = corpus(arguments.corpora)
    stamp = time.time_ns()  # new ids, however often this runs
    articles = [
        replace(article, id=f"{stamp}-{number}") for number, article in enumerate(held_out[: arguments.articles or 20_000])
    ]
    n_duplicates = 0
    with newsclf.open_index(arguments.index, model, sync=arguments.sync) as index:
        start, cpu = time.perf_counter(), time.process_time()
        for first in range(0, len(articles), 256):
            n_duplicates += sum(sighting.duplicate for sighting in index.add_many(articles[first : first + 256]))
        wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    rates = f"{len(articles) / wall:,.0f} a second, {len(articles) / cpu:,.0f} a CPU second"
    print(f"{len(articles):,} articles, {n_duplicates} duplicates: {rates}")


def windows(arguments: argparse.Namespace) -> None:
    """Memory and disk of a new index over ten windows of a steady feed, an article a second."""
    size = arguments.articles or 5000
    model = newsclf.load()
    articles = np.random.default_rng(SEED).permutation(np.array(corpus(arguments.corpora)[0], object))[: 10 * size]
    now = 1.7e9
    with newsclf.open_index(arguments.index, model, window=timedelta(seconds=size), clock=lambda: now) as index:
        for number in range(0, len(articles), 100):
            index.add_many(articles[number : number + 100])
            now += 100
            if (number + 100) % size == 0:
                stats = index.stats()
                disk = (stats.database_bytes + stats.postings_bytes) / 1e6
                sizes = f"{disk:.1f} MB on disk, {megabytes():.0f} MB in memory"
                print(f"window {(number + 100) // size}: {stats.n_articles:,} articles, {sizes}")


def megabytes() -> float:
    """Memory of this process now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["build", "check", "ingest", "windows"])
    parser.add_argument("corpora", type=Path)
    parser.add_argument("index", type=Path)
    parser.add_argument("--articles", type=int, default=0)
    parser.add_argument("--checks", type=int, default=5000)
    parser.add_argument("--postings", type=int, default=0)
    parser.add_argument("--sync", default="normal")
    parser.add_argument("--no-text", action="store_true")
    arguments = parser.parse_args()
    {"build": build, "check": check, "ingest": ingest, "windows": windows}[arguments.what](arguments)


if __name__ == "__main__":
    main()
