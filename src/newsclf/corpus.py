"""A labelled corpus: checked, cleaned, without its duplicates, in an order that does not depend on how it came."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from newsclf.article import Article
from newsclf.duplicates.candidates import candidate_pairs
from newsclf.errors import CorpusError
from newsclf.text.clean import clean, feature_text
from newsclf.tfidf import Rows

MIN_ARTICLES = 20  # fewer cannot be split into a part to learn from and a part to test on
NEAR_DUPLICATE_COSINE = 0.7  # of two texts that must not be split: nearly every copy has it, and few others

Notify = Callable[[str], None]


@dataclass(frozen=True)
class Corpus:
    """Labelled texts, ready to be counted.

    Attributes:
        texts: the cleaned texts, each once, in the order of their SHA-256: chance, but the same chance for the same text.
        labels: the topics in ascending order.
        topics: int64, shape (n_articles,); the index in ``labels`` of each article's topic.
        weights: float64, shape (n_articles,); how much each counts.
        sources: each article's source; "" where it has none.
    """

    texts: tuple[str, ...]
    labels: tuple[str, ...]
    topics: NDArray[np.int64]
    weights: NDArray[np.float64]
    sources: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.texts)


def labelled_corpus(articles: Iterable[Article], notify: Notify) -> Corpus:
    """Cleans labelled articles and keeps one of each text: the heaviest, of equal weights the one whose label sorts first.

    Articles without a label or without a text are left out; how many goes to ``notify``.

    Raises:
        CorpusError: if there are fewer than two topics, too few articles, or labels that differ in case or spaces only.
    """
    rows: dict[str, list[tuple[float, str, str, str]]] = defaultdict(list)
    left_out: Counter[str] = Counter()
    for article in articles:
        text = feature_text(clean(article)).strip()
        if not article.label or not text:
            left_out["without a label" if not article.label else "without a text"] += 1
            continue
        if not article.weight:
            left_out["with weight 0"] += 1
            continue
        rows[_digest(text)].append((-article.weight, article.label, article.source or "", text))
    for what, count in sorted(left_out.items()):
        notify(f"left out {count:,} articles {what}")
    kept = [min(rows[digest]) for digest in sorted(rows)]
    _notify_of_copies(rows.values(), notify)
    _check(Counter(label for _, label, _, _ in kept))
    return _corpus(kept)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _notify_of_copies(copies: Iterable[Sequence[tuple[float, str, str, str]]], notify: Notify) -> None:
    n_copies = n_conflicts = 0
    for rows in copies:
        n_copies += len(rows) - 1
        n_conflicts += len({label for _, label, _, _ in rows}) > 1
    if n_copies:
        notify(f"left out {n_copies:,} copies of the same text ({n_conflicts:,} texts had more than one label)")


def _check(n_articles: Counter[str]) -> None:
    """Refuses what cannot be trained on, and says what to do."""
    names = ", ".join(f"'{label}'" for label in sorted(n_articles))
    if len(n_articles) < 2:
        topics = f"1 topic ({names})" if n_articles else "no labelled article"
        raise CorpusError(f"the corpus has {topics}; training needs at least 2 topics. Check the 'label' field.")
    if twins := _case_twins(n_articles):
        counted = " and ".join(f"'{label}' ({n_articles[label]:,})" for label in twins)
        raise CorpusError(f"labels differ only in case or spaces: {counted}. Write them the same way.")
    if n_articles.total() < MIN_ARTICLES:
        raise CorpusError(
            f"the corpus has {n_articles.total()} different articles; training needs at least {MIN_ARTICLES}. Add articles."
        )


def _case_twins(labels: Iterable[str]) -> list[str]:
    by_name = sorted(labels, key=lambda label: ("".join(label.split()).casefold(), label))
    groups = [list(group) for _, group in groupby(by_name, key=lambda label: "".join(label.split()).casefold())]
    return next((group for group in groups if len(group) > 1), [])


def _corpus(rows: Sequence[tuple[float, str, str, str]]) -> Corpus:
    labels = tuple(sorted({label for _, label, _, _ in rows}))
    indices = {label: index for index, label in enumerate(labels)}
    return Corpus(
        texts=tuple(text for _, _, _, text in rows),
        labels=labels,
        topics=np.array([indices[label] for _, label, _, _ in rows], np.int64),
        weights=np.array([-weight for weight, _, _, _ in rows], np.float64),
        sources=tuple(source for _, _, source, _ in rows),
    )


def near_duplicate_groups(rows: Rows, canonical: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each row the least row that it is tied to by near-duplicates, directly or through others; int64, shape (n_rows,).

    A chain is right here, unlike in a cluster of duplicates: no row may have a near-duplicate on the other side of a split.

    Args:
        rows: TF-IDF rows; those of cosine ``NEAR_DUPLICATE_COSINE`` are tied, though they be one template filled twice.
        canonical: int64, shape (n_rows,): of each row's cluster of duplicates, to which it is tied whatever their cosine.
    """
    pairs = candidate_pairs(rows, NEAR_DUPLICATE_COSINE, min_prefix=0)
    ends = np.concatenate([pairs.left, np.arange(len(rows))]), np.concatenate([pairs.right, canonical])
    edges = csr_matrix((np.ones(len(ends[0])), ends), shape=(len(rows), len(rows)))
    _, group = connected_components(edges, directed=False)
    _, leaders = np.unique(group, return_index=True)
    firsts: NDArray[np.int64] = leaders.take(group).astype(np.int64)
    return firsts
