"""Fits the linear topic model with scikit-learn; imported for training only.

Two classifiers look at the same rows and their scores are blended. The first is a support vector machine whose terms have more
room the more their frequency differs between the topic and the rest (NB-SVM: Wang & Manning 2012); it is the better one where the
test articles are like the training articles. The second is the bare log ratios of those frequencies (complement naive Bayes:
Rennie et al. 2003): it has nothing to fit and so carries over better to sources that were not in the corpus. How much of each is
chosen by cross-validation. Both are linear in the rows, and so is the blend: one weight for each topic and term.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_limits

from newsclf.tfidf import Rows

BIGRAM_SCALE = 0.5  # of bigrams' values while fitting: they overfit sooner; +1 point on R52, +1 on gold, -0.3 on 20 Newsgroups
SVM_SMOOTHING, BAYES_SMOOTHING = 0.1, 0.01  # of the log ratios, in units of TF-IDF mass
TOLERANCE = 0.001  # of liblinear's stopping rule

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Settings:
    """What cross-validation chooses.

    Attributes:
        C: inverse strength of the support vector machine's regularisation, as in ``LinearSVC``.
        bayes_share: how much of the blended score is naive Bayes', in [0, 1].
    """

    C: float
    bayes_share: float


@dataclass(frozen=True)
class Examples:
    """Labelled rows.

    Attributes:
        rows: sparse, shape (n_articles, n_terms); TF-IDF rows.
        topics: int64, shape (n_articles,), in [0, n_topics).
        weights: float64, shape (n_articles,); how much each article counts.
        n_topics: 2 or more; a topic may have no article.
    """

    rows: csr_array
    topics: Indices
    weights: Floats
    n_topics: int

    def part(self, chosen: Indices) -> "Examples":
        """The examples at these positions."""
        return Examples(self.rows[chosen], self.topics[chosen], self.weights[chosen], self.n_topics)


@dataclass(frozen=True)
class Linear:
    """``scores = rows @ weights.T + intercepts``, less each article's mean: only differences between topics count.

    Attributes:
        weights: float64, shape (n_topics, n_terms).
        intercepts: float64, shape (n_topics,).
    """

    weights: Floats
    intercepts: Floats

    def scores(self, rows: csr_array) -> Floats:
        """float64, shape (n_articles, n_topics); each row sums to 0."""
        return np.asarray(rows @ self.weights.T + self.intercepts)


def to_matrix(rows: Rows) -> csr_array:
    """The rows as a SciPy array, shape (n_rows, n_terms), with the 32-bit offsets that scikit-learn takes: under 2**31 values."""
    return csr_array((rows.values, rows.columns, rows.offsets.astype(np.int32)), shape=(len(rows), rows.n_columns))


def bigram_scales(is_bigram: NDArray[np.bool_]) -> Floats:
    """What each column is multiplied by before fitting, shape (n_terms,)."""
    return np.where(is_bigram, BIGRAM_SCALE, 1.0)


def topic_weights(topics: Indices, weights: Floats, n_topics: int, balance: float) -> Floats:
    """A factor for each article, by its topic: ``(mean mass of a topic / mass of this one) ** balance``.

    With a balance of 0 all are 1; with 1 the topics weigh the same, as scikit-learn's ``class_weight="balanced"`` has it.

    >>> topic_weights(np.array([0, 0, 0, 0, 1]), np.ones(5), 2, balance=0.5).round(2).tolist()
    [0.79, 0.79, 0.79, 0.79, 1.58]
    """
    masses = np.bincount(topics, weights=weights, minlength=n_topics)
    present = masses > 0
    factors = (masses[present].mean() / np.where(present, masses, 1.0)) ** balance
    of_articles: Floats = factors[topics]
    return of_articles


def fit_svm(examples: Examples, C: float) -> Linear:
    """NB-SVM, one topic against the rest: squared hinge loss, columns scaled by the size of their log ratio.

    A topic without articles gets the lowest score everywhere.
    """
    ratios = np.abs(log_ratios(examples, SVM_SMOOTHING))
    squares = examples.rows.multiply(examples.rows)
    weights, intercepts = np.zeros_like(ratios), np.full(examples.n_topics, -1.0)
    for topic in np.unique(examples.topics):
        factors = ratios[topic] / (np.sqrt(np.mean(squares @ ratios[topic] ** 2)) or 1.0)
        classifier = LinearSVC(C=C, tol=TOLERANCE, dual=True, max_iter=10_000, random_state=0)
        with threadpool_limits(1):  # sums over more threads have other last bits
            scaled = examples.rows @ diags_array(factors)
            classifier.fit(scaled, examples.topics == topic, sample_weight=examples.weights)
        weights[topic] = classifier.coef_[0] * factors
        intercepts[topic] = classifier.intercept_[0]
    return _centred(weights, intercepts)


def fit_bayes(examples: Examples) -> Linear:
    """The log ratios themselves as weights; no prior, so that a corpus's mix of topics does not become an expectation."""
    return _centred(log_ratios(examples, BAYES_SMOOTHING), np.zeros(examples.n_topics))


def log_ratios(examples: Examples, smoothing: float) -> Floats:
    """``ln(share of the topic's mass that the term has / share of the rest's)``, float64, shape (n_topics, n_terms).

    A term's mass is the weighted sum of its values; ``smoothing`` is added to each mass.
    """
    n_articles = len(examples.topics)
    shape = (examples.n_topics, n_articles)
    membership = csr_array((examples.weights, (examples.topics, np.arange(n_articles))), shape=shape)
    inside = (membership @ examples.rows).toarray().astype(np.float64)
    outside = inside.sum(axis=0) - inside
    return _log_shares(inside + smoothing) - _log_shares(np.maximum(outside, 0) + smoothing)


def _log_shares(masses: Floats) -> Floats:
    shares: Floats = np.log(masses / masses.sum(axis=1, keepdims=True))
    return shares


def _centred(weights: Floats, intercepts: Floats) -> Linear:
    return Linear(weights - weights.mean(axis=0), intercepts - intercepts.mean())


@dataclass(frozen=True)
class OutOfFold:
    """Scores of articles by classifiers fitted on the other folds.

    Attributes:
        svm: for each C, float64, shape (n_articles, n_topics).
        bayes: float64, shape (n_articles, n_topics).
    """

    svm: dict[float, Floats]
    bayes: Floats

    def blended(self, settings: Settings) -> Floats:
        """float64, shape (n_articles, n_topics); both parts brought to a standard deviation of 1 first."""
        of_svm, of_bayes = self._factors(settings)
        blended: Floats = of_svm * self.svm[settings.C] + of_bayes * self.bayes
        return blended

    def blend(self, settings: Settings, svm: Linear, bayes: Linear) -> Linear:
        """The same blend of two fitted classifiers, as one."""
        of_svm, of_bayes = self._factors(settings)
        return Linear(of_svm * svm.weights + of_bayes * bayes.weights, of_svm * svm.intercepts + of_bayes * bayes.intercepts)

    def _factors(self, settings: Settings) -> tuple[float, float]:
        svm_deviation, bayes_deviation = self.svm[settings.C].std() or 1.0, self.bayes.std() or 1.0
        return float((1 - settings.bayes_share) / svm_deviation), float(settings.bayes_share / bayes_deviation)


def score_out_of_fold(examples: Examples, folds: Indices, Cs: Sequence[float], n_jobs: int) -> OutOfFold:
    """Scores each article by classifiers that were fitted on the other folds.

    Args:
        examples: the articles.
        folds: int64, shape (n_articles,); an article's fold.
        Cs: the regularisations to try.
        n_jobs: processes; the scores are the same however many.
    """
    numbers = np.unique(folds)

    def fold_scores(fold: int, C: float | None) -> Floats:
        inside = examples.part(np.flatnonzero(folds != fold))
        fitted = fit_bayes(inside) if C is None else fit_svm(inside, C)
        return fitted.scores(examples.rows[np.flatnonzero(folds == fold)])

    tasks = [(fold, C) for C in (None, *Cs) for fold in numbers]
    parts = iter(Parallel(n_jobs=n_jobs)(delayed(fold_scores)(*task) for task in tasks))
    scores = {C: np.zeros((len(folds), examples.n_topics)) for C in (None, *Cs)}
    for fold, C in tasks:
        scores[C][np.flatnonzero(folds == fold)] = next(parts)
    return OutOfFold({C: scores[C] for C in Cs}, scores[None])
