"""The pairs of articles from which the model that ships learned to tell duplicates; used by `models/build.py`.

Five kinds, of sources of tiers A and B and of `data/` alone:

- judged: pairs that a person read (`pairs/pairs.jsonl.gz`); the only ones that calibrate the probability;
- twins: one article in three machine translations (`pairs/twins.jsonl.gz`);
- own: `data/duplicates.jsonl` and `data/negatives.jsonl`, written for newsclf;
- made: copies and look-alikes of real articles (see `newsclf.duplicates.copies`);
- near: candidate pairs of real articles in which numbers and names are missing on both sides: a template filled twice.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from corpus_files import lot, rows_of

from newsclf.article import Article
from newsclf.duplicates.candidates import candidate_pairs
from newsclf.duplicates.train import (
    LOOK_ALIKE_WEIGHT,
    LabelledPair,
    are_surely_others,
    labelled_signals,
    made_pairs,
    pair_components,
    twin_pairs,
)
from newsclf.text.clean import clean, feature_text
from newsclf.tfidf import count_terms, tfidf_rows

N_COPIED = 15  # articles of each source of which copies are made
MIN_WORDS = 25  # of such an article
N_SEARCHED, N_NEAR = 4000, 120  # articles of each source among which near pairs are looked for, and pairs taken of them
MIN_COSINE = 0.5
COPY_SEED = 5
OWN_WEIGHT = 1.0


def pairs_to_learn_from(corpora: Path, data: Path, sources: Collection[str]) -> list[LabelledPair]:
    """All pairs, those that share an article with the same component."""
    unlabelled = {source: unlabelled_articles(corpora, source) for source in sorted(sources)}
    pairs = judged_pairs(corpora, sources)
    for more in (own_pairs(data), twins(corpora), copies(unlabelled), near_pairs(unlabelled)):
        first = 1 + max((pair.component for pair in pairs), default=-1)
        pairs += [replace(pair, component=first + pair.component) for pair in more]
    return pairs


def unlabelled_articles(corpora: Path, source: str) -> list[Article]:
    """The articles of a source, in an order that has nothing to do with them."""
    return [article_of(row) for row in sorted(rows_of(corpora / "unlabelled" / f"{source}.jsonl.gz"), key=lot)]


def judged_pairs(corpora: Path, sources: Collection[str]) -> list[LabelledPair]:
    """The judged pairs of some sources."""
    rows = [row for row in rows_of(corpora / "pairs" / "pairs.jsonl.gz") if row["source"] in sources]
    components = pair_components([(row["a"]["id"], row["b"]["id"]) for row in rows])
    numbered = zip(rows, components, strict=True)
    return [LabelledPair(article_of(row["a"]), article_of(row["b"]), row["duplicate"], number) for row, number in numbered]


def own_pairs(data: Path) -> list[LabelledPair]:
    """The duplicates and the look-alikes that were written for newsclf, with the articles that they stand beside."""
    articles = {row["id"]: row for row in rows_of(data / "articles.jsonl")}
    rows = [(row, row["of"], True) for row in rows_of(data / "duplicates.jsonl")]
    rows += [(row, row["near"], False) for row in rows_of(data / "negatives.jsonl")]
    components = pair_components([(of, row["id"]) for row, of, _ in rows])
    return [
        LabelledPair(article_of(articles[of]), article_of(row), is_duplicate, number, OWN_WEIGHT, is_judged=False)
        for (row, of, is_duplicate), number in zip(rows, components, strict=True)
    ]


def twins(corpora: Path) -> list[LabelledPair]:
    """All pairs of translations of one article."""
    rows = rows_of(corpora / "pairs" / "twins.jsonl.gz")
    return list(twin_pairs([[article_of(version) for version in row["versions"]] for row in rows], 0))


def copies(unlabelled: Mapping[str, Sequence[Article]]) -> list[LabelledPair]:
    """Copies and look-alikes of articles of each source."""
    chosen = [[a for a in articles if len(a.text.split()) >= MIN_WORDS][:N_COPIED] for articles in unlabelled.values()]
    return list(made_pairs([article for articles in chosen for article in articles], COPY_SEED, 0))


def near_pairs(unlabelled: Mapping[str, Sequence[Article]]) -> Iterator[LabelledPair]:
    """Of each source some candidate pairs that are surely no duplicates, each a component of its own."""
    number = 0
    for articles in unlabelled.values():
        for a, b in _sure_others(articles[:N_SEARCHED]):
            yield LabelledPair(a, b, False, number, LOOK_ALIKE_WEIGHT, is_judged=False)
            number += 1


def _sure_others(articles: Sequence[Article]) -> Iterable[tuple[Article, Article]]:
    texts = [feature_text(clean(article)) for article in articles]
    vocabulary = count_terms(texts, min_document_frequency=1)
    found = candidate_pairs(tfidf_rows(texts, vocabulary), MIN_COSINE, min_prefix=0)
    step = max(1, len(found) // (4 * N_NEAR))  # not those of one template alone
    pairs = [(articles[a], articles[b]) for a, b in zip(found.left[::step].tolist(), found.right[::step].tolist(), strict=True)]
    signals = labelled_signals([LabelledPair(a, b, False, 0) for a, b in pairs], vocabulary)
    return [pairs[index] for index in np.flatnonzero(are_surely_others(signals))[:N_NEAR].tolist()]


def article_of(row: Mapping[str, Any]) -> Article:
    """Title and text of a row."""
    return Article(row["text"], title=row["title"] or "")
