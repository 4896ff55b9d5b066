"""Labelled articles to a model: vocabulary, settings, classifier, calibration and honest scores.

Every score is of articles that the scored model has not seen, near-duplicates of them included; only C and the share of naive
Bayes were chosen by them. Where enough sources are named, there are two kinds: ``new articles`` of sources that it knows, and
``new sources`` that it does not know, which is how it will meet most of a feed. The second kind is lower, and it is the one that
settings and calibration go by.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array

import newsclf
from newsclf.article import Article, ArticlePair
from newsclf.corpus import Corpus, Notify, labelled_corpus, near_duplicate_groups
from newsclf.duplicates.decide import DuplicateModel
from newsclf.duplicates.find import find_clusters
from newsclf.duplicates.train import LabelledPair, made_pairs, pair_components, train_duplicates
from newsclf.errors import CorpusError
from newsclf.evaluation import score
from newsclf.model import NewsModel
from newsclf.model_file import load
from newsclf.text.spelling import spell_terms
from newsclf.text.tokens import blocks, hash_terms
from newsclf.tfidf import Rows, Vocabulary, count_known_tokens, count_terms, join_rows, weigh_columns
from newsclf.topics.calibrate import fit_scale
from newsclf.topics.model import TopicModel, quantize, softmax
from newsclf.topics.splits import N_FOLDS, article_folds, source_folds
from newsclf.topics.train import (
    Examples,
    Linear,
    OutOfFold,
    Settings,
    bigram_scales,
    fit_bayes,
    fit_svm,
    score_out_of_fold,
    to_matrix,
    topic_weights,
)

MIN_DOCUMENT_FREQUENCY = 3  # a term of fewer articles may be a name that should not leave the corpus
MAX_TERMS = 200_000
CANDIDATE_CS = (1.0, 3.0, 10.0)  # in the order in which a small budget tries them
BAYES_SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)  # with full texts, .6 was worse on gold of left-out sources
RAREST_SHARE = 0.001  # of the training articles, those with the smallest shares of known words, ...
KNOWN_SHARE_SLACK = 0.85  # ... and how far below them an article may be. Shipped: .59; unseen English has .70 and up, Spanish .53
N_STRONGEST = 40  # terms of each topic whose text the model keeps: what its card and explanations show
N_COPIED = 300  # articles of which copies are made: some 6,000 pairs
MIN_COPIED_WORDS = 25  # a shorter text leaves too little to cut or edit
COPY_SEED = 5
MAX_MEMORY_BYTES = 1 << 30  # of the search for duplicates
VALUES_A_SECOND = 4e6  # values of the rows that liblinear settles for one topic: the estimate behind the budget
NEW_ARTICLES, NEW_SOURCES = "new articles", "new sources"

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


def train(
    articles: Iterable[Article],
    *,
    budget_seconds: float = 300.0,
    balance: float = 0.0,
    pairs: Sequence[LabelledPair] = (),
    n_jobs: int = 1,
    notify: Notify = lambda message: None,
) -> NewsModel:
    """A model of the topics that the articles' labels name.

    The same articles give the same model, to the byte, whatever their order and ``n_jobs``.

    Args:
        articles: with labels; ``weight`` says how much each counts, ``source`` where it came from.
        budget_seconds: time for choosing settings, turned into a number of settings by a fixed estimate and not by the clock,
            so that a slow machine chooses the same. One setting is always tried.
        balance: in [0, 1]; how far the topics' weights are evened out: 0 leaves them as the corpus has them, which is best for
            accuracy, 1 lets all count the same, and between is best for macro-F1 where topics are of very different size.
        pairs: what to learn the decision on duplicates from; see `pairs_to_learn_from`. None takes that of the model that ships.
        n_jobs: processes (joblib's meaning).
        notify: called with a line for people about each step.

    Raises:
        CorpusError: if the articles or pairs cannot be trained on; the message says what to do.
        ValueError: if the balance is out of its range.
    """
    if not 0 <= balance <= 1:
        raise ValueError(f"balance must be from 0 to 1, not {balance}")
    corpus = labelled_corpus(articles, notify)
    notify(f"{len(corpus):,} articles of {len(corpus.labels)} topics")
    vocabulary = count_terms(corpus.texts, MIN_DOCUMENT_FREQUENCY, MAX_TERMS)
    if not len(vocabulary):
        raise CorpusError(
            f"no term stands in {MIN_DOCUMENT_FREQUENCY} articles or more; the texts are too few or too short. Add articles."
        )
    counted = _count(corpus.texts, vocabulary)
    notify(f"{len(vocabulary):,} terms that stand in {MIN_DOCUMENT_FREQUENCY} articles or more")
    decision = _decision(pairs, vocabulary, notify)
    folds = _folds(corpus, counted.rows, _canonicals(corpus, vocabulary, decision, n_jobs), notify)
    scales = bigram_scales(counted.is_bigram)
    rows = to_matrix(counted.rows) @ diags_array(scales)
    weights = corpus.weights * topic_weights(corpus.topics, corpus.weights, len(corpus.labels), balance)
    examples = Examples(rows.tocsr().astype(np.float32), corpus.topics, weights, len(corpus.labels))

    settings, tried = _choose(examples, corpus, folds, budget_seconds, n_jobs, notify)
    *_, kind = folds
    notify(f"chose C {settings.C:g} and naive Bayes' share {settings.bayes_share:g}")
    scale = fit_scale(tried[kind].blended(settings), corpus.topics, corpus.weights)
    results = {name: _result(corpus, part.blended(settings), folds[name]) for name, part in tried.items()}
    for name, result in results.items():
        notify(f"on {name}: macro-F1 {result['macro_f1']:.3f}, accuracy {result['accuracy']:.3f}")

    fitted = tried[kind].blend(settings, fit_svm(examples, settings.C), fit_bayes(examples))
    strongest = _strongest_terms(corpus, vocabulary, examples.rows, fitted)
    topics = _topic_model(corpus, Linear(fitted.weights * scales * scale, fitted.intercepts * scale))
    facts = _facts(corpus, settings, results, strongest)
    return NewsModel(vocabulary, topics, counted.min_known_share, facts, decision)


def pairs_to_learn_from(judged: Sequence[ArticlePair], articles: Iterable[Article]) -> list[LabelledPair]:
    """Judged pairs, together with copies and look-alikes that are made of some of the articles.

    Args:
        judged: by people: they weigh most, and calibrate the probability.
        articles: of the kind that the model will meet; ``N_COPIED`` of them are used, chosen by a hash.
    """
    components = pair_components([(_text_key(pair.a), _text_key(pair.b)) for pair in judged])
    labelled = [LabelledPair(pair.a, pair.b, pair.duplicate, number) for pair, number in zip(judged, components, strict=True)]
    worthy = {_text_key(article): article for article in articles if len(article.text.split()) >= MIN_COPIED_WORDS}
    copied = [worthy[key] for key in sorted(worthy)[:N_COPIED]]
    return labelled + list(made_pairs(copied, COPY_SEED, len(judged)))


def _text_key(article: Article) -> str:
    return hashlib.sha256(f"{article.title}\n{article.text}".encode("utf-8", "surrogatepass")).hexdigest()


def _decision(pairs: Sequence[LabelledPair], vocabulary: Vocabulary, notify: Notify) -> DuplicateModel | None:
    if not pairs:
        return load().duplicates
    notify(f"learning to tell duplicates from {len(pairs):,} pairs, {sum(pair.is_judged for pair in pairs):,} of them judged")
    return train_duplicates(pairs, vocabulary)


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
        of_tokens = columns[: terms.n_tokens]
        is_bigram[of_tokens[of_tokens >= 0]] = False
        n_tokens, n_known = count_known_tokens(terms, columns)
        shares.append(n_known / np.maximum(n_tokens, 1))
    least = float(np.quantile(np.concatenate(shares), RAREST_SHARE))
    return _Counted(join_rows(parts, len(vocabulary)), is_bigram, round(least * KNOWN_SHARE_SLACK, 4))


def _canonicals(corpus: Corpus, vocabulary: Vocabulary, decision: DuplicateModel | None, n_jobs: int) -> Indices:
    """The canonical of each article's cluster of duplicates; without a decision each article's own."""
    if decision is None:
        return np.arange(len(corpus))
    articles = (Article(text) for text in corpus.texts)
    clusters = find_clusters(
        articles, vocabulary, decision, n_jobs=n_jobs, max_memory_bytes=MAX_MEMORY_BYTES, progress=lambda *_: None
    )
    return clusters.canonical


def _folds(corpus: Corpus, rows: Rows, canonical: Indices, notify: Notify) -> dict[str, Indices]:
    """How the articles are split for each kind of score; the last kind is the one that choices go by."""
    groups = near_duplicate_groups(rows, canonical)
    notify(f"{len(corpus) - len(np.unique(groups)):,} articles are near-duplicates of another; every split keeps them together")
    by_article = article_folds(corpus.topics, groups)
    if not _leave_topics(by_article, corpus.topics):
        raise CorpusError(
            "without near-duplicates the corpus has too few articles of all topics but one to be split. Add different articles."
        )
    by_source = source_folds(corpus.sources, groups)
    if by_source is None or not _leave_topics(by_source, corpus.topics):
        return {NEW_ARTICLES: by_article}
    return {NEW_ARTICLES: by_article, NEW_SOURCES: by_source}


def _leave_topics(folds: Indices, topics: Indices) -> bool:
    """Whether what is outside of each fold has two topics or more, and so can be learned from."""
    return all(len(np.unique(topics[folds != fold])) > 1 for fold in np.unique(folds))


def _choose(
    examples: Examples, corpus: Corpus, folds: Mapping[str, Indices], budget_seconds: float, n_jobs: int, notify: Notify
) -> tuple[Settings, dict[str, OutOfFold]]:
    """The best of the affordable settings on the last kind of folds, and the out-of-fold scores of every kind with its C."""
    *others, last = folds
    Cs = CANDIDATE_CS[: _n_affordable(examples, len(others), budget_seconds)]
    notify(f"cross-validating on {last}: {N_FOLDS} folds, C of {', '.join(f'{C:g}' for C in Cs)}")
    tried = {last: score_out_of_fold(examples, folds[last], Cs, n_jobs)}
    best = _best(tried[last], corpus)
    return best, {kind: score_out_of_fold(examples, folds[kind], [best.C], n_jobs) for kind in others} | tried


def _n_affordable(examples: Examples, n_others: int, budget_seconds: float) -> int:
    seconds_a_candidate = N_FOLDS * examples.rows.nnz * examples.n_topics / VALUES_A_SECOND
    return int(np.clip(budget_seconds / max(seconds_a_candidate, 1e-9) - n_others, 1, len(CANDIDATE_CS)))


def _best(tried: OutOfFold, corpus: Corpus) -> Settings:
    """The settings with the best weighted accuracy; of equal ones those with less of naive Bayes, then the smaller C."""
    candidates = [Settings(C, share) for share in BAYES_SHARES for C in sorted(tried.svm)]
    return max(candidates, key=lambda settings: _accuracy(tried.blended(settings), corpus))


def _accuracy(scores: Floats, corpus: Corpus) -> float:
    return float(np.average(scores.argmax(axis=1) == corpus.topics, weights=corpus.weights))


def _result(corpus: Corpus, scores: Floats, folds: Indices) -> dict[str, Any]:
    """Scores of each fold's articles, with probabilities calibrated on the other folds."""
    probabilities = np.zeros_like(scores)
    for fold in np.unique(folds):
        inside, outside = folds == fold, folds != fold
        scale = fit_scale(scores[outside], corpus.topics[outside], corpus.weights[outside])
        probabilities[inside] = softmax(scale * scores[inside])
    return score(corpus.topics, probabilities, corpus.labels)


def _topic_model(corpus: Corpus, fitted: Linear) -> TopicModel:
    weights, scale = quantize(fitted.weights)
    counts = np.bincount(corpus.topics, weights=corpus.weights, minlength=len(corpus.labels))
    return TopicModel(
        labels=corpus.labels,
        weights=weights,
        scale=scale,
        intercepts=fitted.intercepts.astype(np.float32),
        shares=(counts / counts.sum()).astype(np.float32),
    )


def _strongest_terms(corpus: Corpus, vocabulary: Vocabulary, rows: csr_array, fitted: Linear) -> dict[str, list[str]]:
    """For each topic the terms that add most to its score in its own articles, on average."""
    columns = [
        np.argsort(-fitted.weights[topic] * rows[corpus.topics == topic].mean(axis=0), kind="stable")[:N_STRONGEST]
        for topic in range(len(corpus.labels))
    ]
    spelled = spell_terms(corpus.texts, vocabulary.hashes[np.unique(np.concatenate(columns))])
    terms = [[spelled[value] for value in vocabulary.hashes[chosen].tolist()] for chosen in columns]
    return dict(zip(corpus.labels, terms, strict=True))


def _facts(
    corpus: Corpus, settings: Settings, results: Mapping[str, Any], strongest_terms: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    counts = Counter(corpus.labels[topic] for topic in corpus.topics)
    return {
        "newsclf": newsclf.__version__,
        "articles": len(corpus),
        "topics": dict(sorted(counts.items())),
        "sources": len(set(corpus.sources) - {""}),
        "settings": asdict(settings),
        "scores": dict(results),
        "strongest_terms": dict(strongest_terms),
    }
