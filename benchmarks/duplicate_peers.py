"""How newsclf and its peers find the duplicate pairs of a corpus; used by benchmarks/duplicates.py.

Every tool gets the same articles in memory and does the whole way from their text to pairs that it has verified:

- datasketch: MinHash of 128 permutations, `MinHash.generator`, and `MinHashLSH` at Jaccard .5, which chooses 25 bands of 5;
- rensa: full-set R-MinHash of 128 slots and `RMinHashLSH` with 32 bands, which is what its own deduplicator takes at .5; "rho",
  its other pipeline, samples tokens and gives no pairs, and is left out;
- rensa dedup: `RMinHashDeduplicator`, as its README shows it: which articles to keep, by estimated Jaccard; no pairs;
- sparse_dot_topn: `TfidfVectorizer` of uni- and bigrams, sublinear; every pair with newsclf's least cosine, by `sp_matmul_topn`.

MinHash takes word 3-grams of lower-cased text split at white space, as in rensa's own benchmark, and exact Jaccard of .5 or more
makes a pair a duplicate. Articles joined by pairs, through chains too, are one cluster to the peers.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

import newsclf
from newsclf.article import Article
from newsclf.duplicates.candidates import candidate_pairs
from newsclf.duplicates.find import MIN_COSINE
from newsclf.duplicates.identical import first_of_identical
from newsclf.duplicates.rows import MAX_BLOCK_ARTICLES, RowSpool, hash_rows, shortened
from newsclf.duplicates.spool import TextSpool
from newsclf.duplicates.verify import duplicate_pairs
from newsclf.text.clean import clean
from newsclf.tfidf import Rows, Vocabulary

N_PERMUTATIONS = 128
N_RENSA_BANDS = 32
MIN_JACCARD = 0.5
N_SHINGLE_WORDS = 3
QUERIED_AT_ONCE = 1000  # articles: rensa's candidates come as Python lists
EXPECTED_NEIGHBOURS = 50  # an article; sparse_dot_topn would else set aside room for all pairs
PACKAGES = {
    "newsclf": ("newsclf",),
    "newsclf pairs": ("newsclf",),
    "datasketch": ("datasketch",),
    "rensa": ("rensa",),
    "rensa dedup": ("rensa",),
    "sparse_dot_topn": ("sparse-dot-topn", "scikit-learn"),
}
ROWS_MEMORY_BYTES = 1 << 29


@dataclass(frozen=True)
class Found:
    """What a tool found.

    Attributes:
        pairs: int64, shape (n_pairs, 2): numbers of articles.
        similarity: float64, shape (n_pairs,): Jaccard, cosine or probability of each pair.
        n_duplicates: articles less clusters.
    """

    pairs: NDArray[np.int64]
    similarity: NDArray[np.float64]
    n_duplicates: int


Finder = Callable[[Sequence[Article]], Found]


def finders(model_file: str | None) -> dict[str, Finder]:
    """Each tool by name; `newsclf pairs` decides on all candidate pairs, where `newsclf` forms clusters on the way."""
    return {
        "newsclf": partial(newsclf_clusters, model_file=model_file),
        "newsclf pairs": partial(newsclf_pairs, model_file=model_file),
        "datasketch": datasketch_pairs,
        "rensa": rensa_pairs,
        "rensa dedup": rensa_kept,
        "sparse_dot_topn": cosine_pairs,
    }


def versions(tool: str) -> str | None:
    """The packages of a tool with their versions; None where one of them is not installed."""
    try:
        return ", ".join(f"{package} {version(package)}" for package in PACKAGES[tool])
    except PackageNotFoundError:
        return None


def load_model(model_file: str | None) -> newsclf.NewsModel:
    return newsclf.load(model_file) if model_file else newsclf.load()


def newsclf_clusters(articles: Sequence[Article], model_file: str | None) -> Found:
    """Clusters, as users get them: each duplicate makes one pair, with its canonical."""
    clusters = newsclf.find_duplicates(articles, load_model(model_file))
    members = np.flatnonzero(clusters.kind >= 0)
    pairs = np.column_stack([clusters.canonical[members], members])
    return Found(pairs, clusters.probability[members].astype(np.float64), clusters.n_duplicates)


def newsclf_pairs(articles: Sequence[Article], model_file: str | None) -> Found:
    """The model's decision on every candidate pair, as the peers give all pairs."""
    model = load_model(model_file)
    with closing(TextSpool()) as texts:
        left, right = all_candidates(spooled_rows(articles, model.vocabulary, texts)).T
        decided = duplicate_pairs(left, right, texts, model.vocabulary, model.decision)
    return _found(np.column_stack([decided.left, decided.right]), decided.probability.astype(np.float64), len(articles))


def all_candidates(rows: Rows) -> NDArray[np.int64]:
    """Candidate pairs, int64, shape (n_pairs, 2); of equal rows, whose first stands for all in the search, each has its own."""
    found = candidate_pairs(rows, MIN_COSINE)
    firsts = first_of_identical(rows, np.arange(len(rows)))
    equals: dict[int, list[int]] = defaultdict(list)
    for row, first in enumerate(firsts.tolist()):
        equals[first].append(row)
    pairs = [pair for group in equals.values() for pair in combinations(group, 2)]
    for left, right in zip(found.left.tolist(), found.right.tolist(), strict=True):
        if firsts[left] != firsts[right]:
            pairs += product(equals[left], equals[right])
    return np.array(sorted(pairs), np.int64).reshape(-1, 2)


def spooled_rows(articles: Sequence[Article], vocabulary: Vocabulary, texts: TextSpool) -> Rows:
    """The rows of a corpus as `newsclf.find_duplicates` makes them; the cleaned articles go to ``texts``."""
    spool, short_vocabulary = RowSpool(), shortened(vocabulary)
    for start in range(0, len(articles), MAX_BLOCK_ARTICLES):
        cleaned = [clean(article) for article in articles[start : start + MAX_BLOCK_ARTICLES]]
        texts.append(cleaned)
        spool.append(hash_rows([f"{article.title}\n{article.body}" for article in cleaned], short_vocabulary))
    return spool.shared_rows(ROWS_MEMORY_BYTES)


def datasketch_pairs(articles: Sequence[Article]) -> Found:
    datasketch = import_module("datasketch")
    lsh = datasketch.MinHashLSH(threshold=MIN_JACCARD, num_perm=N_PERMUTATIONS)
    hashes: list[NDArray[np.int64]] = []
    encoded = ([shingle.encode() for shingle in shingles] for shingles in _shingled(articles, hashes))
    candidates: dict[int, list[int]] = {}
    for number, minhash in enumerate(datasketch.MinHash.generator(encoded, num_perm=N_PERMUTATIONS)):
        candidates[number] = lsh.query(minhash)
        lsh.insert(number, minhash)
    return _verified(candidates, hashes)


def rensa_pairs(articles: Sequence[Article]) -> Found:
    rensa = import_module("rensa")
    hashes: list[NDArray[np.int64]] = []
    minhashes = rensa.RMinHash.from_token_sets(_shingled(articles, hashes), num_perm=N_PERMUTATIONS, seed=42)
    lsh = rensa.RMinHashLSH(threshold=MIN_JACCARD, num_perm=N_PERMUTATIONS, num_bands=N_RENSA_BANDS)
    lsh.insert_many(minhashes)
    candidates: dict[int, list[int]] = {}
    for start in range(0, len(minhashes), QUERIED_AT_ONCE):
        for number, others in enumerate(lsh.query_all(minhashes[start : start + QUERIED_AT_ONCE]), start):
            candidates[number] = [other for other in others if other < number]
    return _verified(candidates, hashes)


def rensa_kept(articles: Sequence[Article]) -> Found:
    rensa = import_module("rensa")
    deduplicator = rensa.RMinHashDeduplicator(threshold=MIN_JACCARD, num_perm=N_PERMUTATIONS, use_lsh=True)
    is_kept = deduplicator.add_pairs((str(number), shingles_of(article)) for number, article in enumerate(articles))
    return Found(np.zeros((0, 2), np.int64), np.zeros(0), is_kept.count(False))


def cosine_pairs(articles: Sequence[Article]) -> Found:
    sparse_dot_topn, text = import_module("sparse_dot_topn"), import_module("sklearn.feature_extraction.text")
    vectorizer = text.TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, dtype=np.float32)
    rows = vectorizer.fit_transform(map(_text, articles))
    n_rows = len(articles)
    density = min(1.0, EXPECTED_NEIGHBOURS / n_rows)
    cosines = sparse_dot_topn.sp_matmul_topn(rows, rows.T, top_n=n_rows, threshold=MIN_COSINE, density=density).tocoo()
    once = cosines.row < cosines.col
    pairs = np.column_stack([cosines.row[once], cosines.col[once]]).astype(np.int64)
    return _found(pairs, cosines.data[once].astype(np.float64), n_rows)


def shingles_of(article: Article) -> list[str]:
    """The word 3-grams of an article; its words where it has fewer than three."""
    words = _text(article).lower().split()
    return list(map(" ".join, zip(words, words[1:], words[2:], strict=False))) if len(words) >= N_SHINGLE_WORDS else words


def _text(article: Article) -> str:
    return f"{article.title}\n{article.text}"


def _shingled(articles: Sequence[Article], hashes: list[NDArray[np.int64]]) -> Iterator[list[str]]:
    """The shingles of each article; their distinct hashes, 8 bytes each, go to ``hashes`` for the verification."""
    for article in articles:
        shingles = shingles_of(article)
        hashes.append(np.unique(np.fromiter(map(hash, shingles), np.int64, len(shingles))))
        yield shingles


def _verified(candidates: Mapping[int, list[int]], hashes: Sequence[NDArray[np.int64]]) -> Found:
    """The candidate pairs whose exact Jaccard reaches the threshold, computed from Python's sets: faster than NumPy here."""
    pairs, similarity = [], []
    for number, others in candidates.items():
        own = set(hashes[number].tolist()) if others else set()
        for other in others:
            n_shared = len(own.intersection(hashes[other].tolist()))
            jaccard = n_shared / max(len(own) + len(hashes[other]) - n_shared, 1)
            if jaccard >= MIN_JACCARD:
                pairs.append((other, number))
                similarity.append(jaccard)
    return _found(np.array(pairs, np.int64).reshape(-1, 2), np.array(similarity), len(hashes))


def _found(pairs: NDArray[np.int64], similarity: NDArray[np.float64], n_articles: int) -> Found:
    return Found(pairs, similarity, n_articles - _count_clusters(pairs, n_articles))


def _count_clusters(pairs: NDArray[np.int64], n_articles: int) -> int:
    """Connected components, articles without a pair included."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    graph = coo_matrix((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(n_articles, n_articles))
    return int(connected_components(graph, directed=False, return_labels=False))
