"""Fits the linear topic model with scikit-learn; imported for training only."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags_array
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_limits

from newsclf.tfidf import Rows

TOLERANCE = 0.01  # of liblinear's stopping rule: a tenth of it changes no prediction in a hundred, at thrice the time

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True, order=True)
class Settings:
    """How strongly the classifier may lean on which terms.

    Attributes:
        C: inverse strength of the regularisation, as in ``LinearSVC``.
        idf_power: a term's values are multiplied by its idf to this power: more room for rare terms.
        bigram_scale: the values of bigrams are multiplied by this: less room for them.
    """

    C: float
    idf_power: float
    bigram_scale: float


@dataclass(frozen=True)
class Features:
    """Training rows for the classifier, with what the settings need to know of their columns.

    Attributes:
        rows: sparse, shape (n_articles, n_terms); the TF-IDF rows.
        idf: shape (n_terms,).
        is_bigram: shape (n_terms,).
    """

    rows: csr_matrix
    idf: Floats
    is_bigram: NDArray[np.bool_]


@dataclass(frozen=True)
class LinearScores:
    """One-against-the-rest scores: ``rows @ weights.T + intercepts``.

    Attributes:
        weights: float64, shape (n_topics, n_terms).
        intercepts: float64, shape (n_topics,).
    """

    weights: Floats
    intercepts: Floats

    def scores(self, rows: csr_matrix) -> Floats:
        """float64, shape (n_articles, n_topics)."""
        return np.asarray(rows @ self.weights.T + self.intercepts)


def to_matrix(rows: Rows) -> csr_matrix:
    """The rows as a SciPy matrix, shape (n_rows, n_terms)."""
    return csr_matrix((rows.values, rows.columns, rows.offsets), shape=(len(rows), rows.n_columns))


def fit_topics(features: Features, topics: Indices, weights: Floats, settings: Settings, n_topics: int) -> LinearScores:
    """Linear support vector machines, one for each topic against the rest, with the squared hinge loss.

    The terms' values are scaled by the settings first; since that is a factor for each column, it is folded into the weights
    that are returned, which therefore score the rows as they are.

    Args:
        features: rows of the articles, shape (n_articles, n_terms).
        topics: int64, shape (n_articles,), in [0, n_topics); a topic that does not occur gets the score -1 everywhere.
        weights: float64, shape (n_articles,); how much each article counts.
        settings: regularisation and scales.
        n_topics: 2 or more.
    """
    factors = column_factors(features, settings)
    scaled = features.rows @ diags_array(factors)
    present = np.unique(topics)
    classifier = LinearSVC(C=settings.C, tol=TOLERANCE, dual=True, max_iter=5000, random_state=0)
    with threadpool_limits(1):  # sums over more threads have other last bits
        classifier.fit(scaled, topics, sample_weight=weights)
    coefficients, intercepts = classifier.coef_, classifier.intercept_
    if len(present) == 2:  # scikit-learn then fits the second topic against the first alone
        coefficients, intercepts = np.vstack([-coefficients, coefficients]), np.hstack([-intercepts, intercepts])
    result = LinearScores(np.zeros((n_topics, features.rows.shape[1])), np.full(n_topics, -1.0))
    result.weights[present] = coefficients * factors
    result.intercepts[present] = intercepts
    return result


def column_factors(features: Features, settings: Settings) -> Floats:
    """What each column is multiplied by, shape (n_terms,).

    The mean squared norm of the scaled rows is 1, so that C means the same whatever the scales.
    """
    factors = features.idf**settings.idf_power * np.where(features.is_bigram, settings.bigram_scale, 1.0)
    squares = features.rows.multiply(features.rows) @ factors**2
    return factors / np.sqrt(max(float(squares.mean()), 1e-12))


def out_of_fold_scores(
    features: Features,
    topics: Indices,
    weights: Floats,
    folds: Indices,
    candidates: Sequence[Settings],
    n_topics: int,
    n_jobs: int,
) -> list[Floats]:
    """For each of the settings, each article's scores by a model fitted on the other folds, shape (n_articles, n_topics)."""

    def fold_scores(settings: Settings, fold: int) -> Floats:
        outside = np.flatnonzero(folds != fold)
        part = Features(features.rows[outside], features.idf, features.is_bigram)
        fitted = fit_topics(part, topics[outside], weights[outside], settings, n_topics)
        return fitted.scores(features.rows[folds == fold])

    tasks = [(settings, fold) for settings in candidates for fold in np.unique(folds)]
    parts = iter(Parallel(n_jobs=n_jobs)(delayed(fold_scores)(*task) for task in tasks))
    return [_assembled(folds, n_topics, parts) for _ in candidates]


def _assembled(folds: Indices, n_topics: int, parts: Iterator[Floats]) -> Floats:
    scores = np.zeros((len(folds), n_topics))
    for fold in np.unique(folds):
        scores[folds == fold] = next(parts)
    return scores
