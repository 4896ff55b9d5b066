"""The corpora that benchmarks/duplicates.py searches, and what is true of them."""

import gzip
import itertools
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray

import newsclf
from newsclf.article import Article
from newsclf.duplicates import copies
from newsclf.text.clean import clean

SEED = 7
MIN_CHARACTERS = 300  # of an article that twins stand among or copies are made of
N_OTHERS = 20_000
N_COPIED = 1000
LOOK_ALIKES = (copies.refilled, copies.releaded, copies.followed_up)

Pairs = NDArray[np.int64]


@dataclass(frozen=True)
class Trial:
    """A corpus of which some pairs are known.

    Attributes:
        articles: cleaned.
        duplicates: kind to pairs that are duplicates, int64, shape (n_pairs, 2), the lower number first.
        others: kind to pairs that are none, likewise.
        n_known: of the first so many articles all duplicates are known.
    """

    articles: list[Article]
    duplicates: dict[str, Pairs]
    others: dict[str, Pairs]
    n_known: int


def senate_bulk(corpora: Path, n_articles: int | None = None) -> list[Article]:
    """So many of the press releases, drawn at random, in the order of the file; None for all."""
    articles = list(newsclf.read_articles([str(corpora / "unlabelled" / "senate_bulk.jsonl.gz")]))
    if n_articles is None or n_articles >= len(articles):
        return articles
    return [articles[number] for number in sorted(Random(SEED).sample(range(len(articles)), n_articles))]


def unlabelled(corpora: Path, n_articles: int) -> list[Article]:
    """So many articles of all sources, in an order drawn at random; a smaller number gives the first of a larger one's."""
    n_all = sum(1 for _ in _lines(corpora))
    drawn = Random(SEED).sample(range(n_all), n_all)[:n_articles]  # all are drawn: sample's method depends on the number
    places = {number: place for place, number in enumerate(drawn)}
    articles = [Article("")] * len(drawn)
    for number, line in enumerate(_lines(corpora)):
        if number in places:
            row = json.loads(line)
            articles[places[number]] = Article(row["text"], title=row["title"] or "", published=row.get("published"))
    return articles


def count_unlabelled(corpora: Path) -> int:
    return sum(1 for _ in _lines(corpora))


def twins(corpora: Path) -> Trial:
    """Articles in three translations each, among 20,000 others."""
    with gzip.open(corpora / "pairs" / "twins.jsonl.gz", "rt", encoding="utf-8") as lines:
        groups = [json.loads(line)["versions"] for line in lines]
    versions = [Article(version["text"], title=version["title"] or "") for group in groups for version in group]
    ends = [0, *itertools.accumulate(map(len, groups))]
    pairs = [pair for start, end in itertools.pairwise(ends) for pair in itertools.combinations(range(start, end), 2)]
    articles = list(map(_cleaned, [*versions, *_long_articles(corpora, N_OTHERS)]))
    return Trial(articles, {"twins": np.array(pairs, np.int64)}, {}, len(versions))


def made_copies(corpora: Path) -> Trial:
    """Articles, a copy of each of every sort, and look-alikes of those that have enough facts to change."""
    originals = _long_articles(corpora, N_COPIED)
    articles, random = list(originals), Random(SEED)
    made: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for number, article in enumerate(originals):
        other = originals[(number + 1 + int(random.random() * (len(originals) - 1))) % len(originals)]
        for name, copy in _copies(article, other, random):
            made[name].append((number, len(articles)))
            articles.append(copy)
    pairs = {name: np.array(of_name, np.int64) for name, of_name in made.items()}
    duplicates = {name: pairs[name] for name in copies.MAKERS}
    return Trial(list(map(_cleaned, articles)), duplicates, {m.__name__: pairs[m.__name__] for m in LOOK_ALIKES}, 0)


def _copies(article: Article, other: Article, random: Random) -> Iterator[tuple[str, Article]]:
    for name, maker in copies.MAKERS.items():
        yield name, maker(article, other, random)
    for look_alike in LOOK_ALIKES:
        if made := look_alike(article, other, random):
            yield look_alike.__name__, made


def _long_articles(corpora: Path, n_articles: int) -> Sequence[Article]:
    articles = unlabelled(corpora, count_unlabelled(corpora))
    return list(itertools.islice((a for a in articles if len(a.text) > MIN_CHARACTERS), n_articles))


def _cleaned(article: Article) -> Article:
    cleaned = clean(article)
    return Article(cleaned.body, title=cleaned.title)


def _lines(corpora: Path) -> Iterator[str]:
    for path in sorted((corpora / "unlabelled").glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            yield from lines
