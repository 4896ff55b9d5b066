"""Labelled articles to a model: vocabulary, settings, classifier, calibration and honest scores.

Every score is of articles that the scored model has not seen, near-duplicates of them included. Where enough sources are named,
there are two kinds: ``new articles`` of sources that it knows, and ``new sources`` that it does not know, which is how it will
meet most of a feed. The second kind is lower, and it is the one that settings and calibration go by.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

import newsclf
from newsclf.article import Article
from newsclf.corpus import Corpus, Notify, labelled_corpus, near_duplicate_groups
from newsclf.evaluation import score
from newsclf.model import NewsModel
from newsclf.text.tokens import blocks, hash_terms
from newsclf.tfidf import Rows, Vocabulary, count_terms, join_rows, weigh_columns
from newsclf.topics.calibrate import Calibration, fit_calibration
from newsclf.topics.model import TopicModel, quantize, softmax
from newsclf.topics.splits import N_FOLDS, article_folds, source_folds
from newsclf.topics.train import Features, LinearScores, Settings, fit_topics, out_of_fold_scores, to_matrix

MIN_DOCUMENT_FREQUENCY = 3  # a term of fewer articles may be a name that should not leave the corpus
MAX_TERMS = 200_000
SETTINGS = [Settings(C, idf_power, scale) for C, idf_power, scale in product((1.0, 3.0), (0.0, 1.0), (0.5, 0.7, 1.0))]
RAREST_SHARE = 0.001  # of the training articles, those with the smallest shares of known words, ...
KNOWN_SHARE_SLACK = 0.7  # ... and how far below them an article may be: other sources know fewer of a vocabulary's words
MAX_SOURCES = 100  # more are counted and not named
VALUES_A_SECOND = 4e6  # values of the rows that liblinear settles for one topic: the estimate behind the budget
NEW_ARTICLES, NEW_SOURCES = "new articles", "new sources"

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


def train(
    articles: Iterable[Article], *, budget_seconds: float = 300.0, n_jobs: int = 1, notify: Notify = lambda message: None
) -> NewsModel:
    """A model of the topics that the articles' labels name.

    The same articles give the same model, to the byte, whatever their order and ``n_jobs``.

    Args:
        articles: with labels; ``weight`` says how much each counts, ``source`` where it came from.
        budget_seconds: time for choosing settings, turned into a number of settings by a fixed estimate and not by the clock,
            so that a slow machine chooses the same. One setting is always tried.
        n_jobs: processes (joblib's meaning).
        notify: called with a line for people about each step.

    Raises:
        CorpusError: if the articles cannot be trained on; the message says what to do.
    """
    corpus = labelled_corpus(articles, notify)
    notify(f"{len(corpus):,} articles of {len(corpus.labels)} topics")
    vocabulary = count_terms(corpus.texts, MIN_DOCUMENT_FREQUENCY, MAX_TERMS)
    counted = _count(corpus.texts, vocabulary)
    notify(f"{len(vocabulary):,} terms that stand in {MIN_DOCUMENT_FREQUENCY} articles or more")
    folds = _folds(corpus, counted.rows, notify)
    features = Features(to_matrix(counted.rows), vocabulary.idf.astype(np.float64), counted.is_bigram)

    settings, scores = _choose(corpus, features, folds, budget_seconds, n_jobs, notify)
    calibration = fit_calibration(scores[list(folds)[-1]], corpus.topics, corpus.weights)
    results = {name: _result(corpus, calibration, part) for name, part in scores.items()}
    for name, result in results.items():
        notify(f"on {name}: macro-F1 {result['macro_f1']:.3f}, accuracy {result['accuracy']:.3f}")
    fitted = fit_topics(features, corpus.topics, corpus.weights, settings, len(corpus.labels))
    facts = _facts(corpus, settings, results)
    return NewsModel(vocabulary, _topic_model(corpus, fitted, calibration), counted.min_known_share, facts)


@dataclass(frozen=True)
class _Counted:
    """The corpus in numbers: its rows, which columns are bigrams, and how few known words an article may have."""

    rows: Rows
    is_bigram: NDArray[np.bool_]
    min_known_share: float


def _count(texts: Sequence[str], vocabulary: Vocabulary) -> _Counted:
    parts, shares = [], []
    is_bigram = np.ones(len(vocabulary), bool)
    for block in blocks(texts):
        terms = hash_terms(texts[block])
        columns = vocabulary.columns(terms.hashes)
        parts.append(weigh_columns(terms, columns, vocabulary))
        known = columns[: terms.n_tokens] >= 0
        is_bigram[columns[: terms.n_tokens][known]] = False
        shares.append(_known_shares(terms.articles[: terms.n_tokens], known, terms.n_articles))
    least = float(np.quantile(np.concatenate(shares), RAREST_SHARE))
    return _Counted(join_rows(parts, len(vocabulary)), is_bigram, round(least * KNOWN_SHARE_SLACK, 4))


def _known_shares(articles: Indices, known: NDArray[np.bool_], n_articles: int) -> Floats:
    n_tokens = np.bincount(articles, minlength=n_articles)
    return np.bincount(articles, weights=known, minlength=n_articles) / np.maximum(n_tokens, 1)


def _folds(corpus: Corpus, rows: Rows, notify: Notify) -> dict[str, Indices]:
    """How the articles are split for each kind of score; the last kind is the one that choices go by."""
    groups = near_duplicate_groups(rows)
    notify(f"{len(corpus) - len(np.unique(groups)):,} articles are near-duplicates of another; every split keeps them together")
    folds = {NEW_ARTICLES: article_folds(corpus.topics, groups)}
    by_source = source_folds(corpus.sources, groups)
    return folds if by_source is None else folds | {NEW_SOURCES: by_source}


def _choose(
    corpus: Corpus, features: Features, folds: Mapping[str, Indices], budget_seconds: float, n_jobs: int, notify: Notify
) -> tuple[Settings, dict[str, Floats]]:
    """The settings with the best macro-F1, and the out-of-fold scores that they give for each kind of split."""
    kind = list(folds)[-1]
    candidates = SETTINGS[: _n_affordable(features, len(corpus.labels), budget_seconds)]
    notify(f"trying {len(candidates)} of {len(SETTINGS)} settings on {kind}, {N_FOLDS} folds each")

    def scores_of(settings: Sequence[Settings], split: Indices) -> list[Floats]:
        return out_of_fold_scores(features, corpus.topics, corpus.weights, split, settings, len(corpus.labels), n_jobs)

    tried = scores_of(candidates, folds[kind])
    macro_f1 = [_macro_f1(corpus, part) for part in tried]
    best = int(np.argmax(macro_f1))
    notify(f"chose {_in_words(candidates[best])}")
    others = {name: scores_of([candidates[best]], split)[0] for name, split in folds.items() if name != kind}
    return candidates[best], others | {kind: tried[best]}


def _n_affordable(features: Features, n_topics: int, budget_seconds: float) -> int:
    seconds_a_setting = N_FOLDS * features.rows.nnz * n_topics / VALUES_A_SECOND
    return int(np.clip(budget_seconds // max(seconds_a_setting, 1e-9), 1, len(SETTINGS)))


def _macro_f1(corpus: Corpus, scores: Floats) -> float:
    return float(score(corpus.topics, scores, corpus.labels)["macro_f1"])


def _in_words(settings: Settings) -> str:
    return f"C {settings.C:g}, idf power {settings.idf_power:g}, bigrams at {settings.bigram_scale:g}"


def _result(corpus: Corpus, calibration: Calibration, scores: Floats) -> dict[str, Any]:
    return score(corpus.topics, softmax(calibration.log_odds(scores)), corpus.labels)


def _topic_model(corpus: Corpus, fitted: LinearScores, calibration: Calibration) -> TopicModel:
    weights, scale = quantize(fitted.weights * calibration.scale)
    counts = np.bincount(corpus.topics, weights=corpus.weights, minlength=len(corpus.labels))
    return TopicModel(
        labels=corpus.labels,
        weights=weights,
        scale=scale,
        intercepts=calibration.log_odds(fitted.intercepts).astype(np.float32),
        shares=(counts / counts.sum()).astype(np.float32),
    )


def _facts(corpus: Corpus, settings: Settings, results: Mapping[str, Any]) -> dict[str, Any]:
    counts = Counter(corpus.labels[topic] for topic in corpus.topics)
    return {
        "newsclf": newsclf.__version__,
        "articles": len(corpus),
        "topics": dict(sorted(counts.items())),
        "sources": dict(sorted(Counter(corpus.sources).items())) if len(set(corpus.sources)) <= MAX_SOURCES else len(set(corpus.sources)),
        "settings": asdict(settings),
        "scores": dict(results),
    }
