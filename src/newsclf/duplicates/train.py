"""Fits the duplicate model: gradient-boosted trees on signals, then a scale for their logits. The one file here that needs scikit-learn.

Three kinds of pairs teach it: pairs that people judged, twins (one article, several translations), and made copies and look-alikes.
Judged pairs also calibrate it, each scored by trees that saw no pair of its component.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from newsclf.article import Article
from newsclf.duplicates import copies
from newsclf.duplicates.decide import DuplicateModel
from newsclf.duplicates.profiles import profile
from newsclf.duplicates.signals import SIGNALS, Floats, pair_signals
from newsclf.errors import CorpusError
from newsclf.text.clean import clean
from newsclf.tfidf import Vocabulary

DEPTH = 4
N_TREES = 150
N_FOLDS = 5
BLOCK_PAIRS = 500
# All weights were chosen by cross-validation on pairs, twins and made copies together.
PAIR_WEIGHT, TWIN_WEIGHT, MADE_WEIGHT = 1.0, 0.3, 0.2
LOOK_ALIKES = (copies.refilled, copies.followed_up)


@dataclass(frozen=True, slots=True)
class LabelledPair:
    """Two articles and whether one copies the other.

    Attributes:
        a: the one article.
        b: the other.
        duplicate: True where they are duplicates.
        component: pairs that share an article, however indirectly, share this number: they never stand on both sides of a split.
        weight: how much the pair counts.
        is_judged: True where a person judged it: such pairs calibrate the model.
    """

    a: Article
    b: Article
    duplicate: bool
    component: int
    weight: float = PAIR_WEIGHT
    is_judged: bool = True


def train_duplicates(pairs: Sequence[LabelledPair], vocabulary: Vocabulary) -> DuplicateModel:
    """The duplicate model of labelled pairs. The same pairs give the same bytes, in whatever order they come.

    Raises:
        CorpusError: if the judged pairs have fewer than two components with duplicates or without.
    """
    ordered = sorted(pairs, key=_sort_key)
    _check_pairs(ordered)
    signals = labelled_signals(ordered, vocabulary)
    labels = np.array([pair.duplicate for pair in ordered])
    weights = np.array([pair.weight for pair in ordered])
    judged = np.flatnonzero([pair.is_judged for pair in ordered])
    components = np.array([pair.component for pair in ordered])
    trees = fit_trees(signals, labels, weights)
    logits = _unseen_logits(signals, labels, weights, components)[judged]
    return _calibrated(trees, logits, labels[judged])


def made_pairs(articles: Sequence[Article], seed: int, first_component: int) -> Iterator[LabelledPair]:
    """For each article one made copy of every sort, and look-alikes where it can make one. Fewer than two articles give none."""
    random = Random(seed)
    for index, article in enumerate(articles if len(articles) > 1 else ()):
        other = articles[(index + 1 + int(random.random() * (len(articles) - 1))) % len(articles)]
        component = first_component + index
        for maker in copies.MAKERS.values():
            yield LabelledPair(article, maker(article, other, random), True, component, MADE_WEIGHT, is_judged=False)
        for look_alike in LOOK_ALIKES:
            if made := look_alike(article, other, random):
                yield LabelledPair(article, made, False, component, MADE_WEIGHT, is_judged=False)


def twin_pairs(versions: Sequence[Sequence[Article]], first_component: int) -> Iterator[LabelledPair]:
    """All pairs of versions of each article."""
    for index, twins in enumerate(versions):
        for second in range(len(twins)):
            for first in range(second):
                yield LabelledPair(
                    twins[first], twins[second], True, first_component + index, TWIN_WEIGHT, is_judged=False
                )


def labelled_signals(pairs: Sequence[LabelledPair], vocabulary: Vocabulary) -> Floats:
    """The signals of labelled pairs, float32, shape (n_pairs, n_signals)."""
    blocks = [pairs[first : first + BLOCK_PAIRS] for first in range(0, len(pairs), BLOCK_PAIRS)]
    return np.concatenate([np.zeros((0, len(SIGNALS)), np.float32), *(_block_signals(block, vocabulary) for block in blocks)])


def fit_trees(signals: Floats, labels: NDArray[np.bool_], weights: NDArray[np.float64]) -> DuplicateModel:
    """A forest that no one has calibrated yet. A signal can move the probability only the way that ``SIGNALS`` allows."""
    booster = HistGradientBoostingClassifier(
        max_iter=N_TREES,
        learning_rate=0.08,
        max_depth=DEPTH,
        max_leaf_nodes=8,
        min_samples_leaf=8,
        l2_regularization=3.0,
        max_features=0.3,
        monotonic_cst=list(SIGNALS.values()),
        early_stopping=False,
        random_state=0,
    )
    booster.fit(signals, labels, sample_weight=weights)
    return _exported(booster)


def _sort_key(pair: LabelledPair) -> tuple[str, ...]:
    return (str(pair.component), pair.a.title, pair.a.text, pair.b.title, pair.b.text, str(pair.duplicate), str(pair.weight))


def _check_pairs(pairs: Sequence[LabelledPair]) -> None:
    for label, name in ((True, "duplicates"), (False, "pairs that are no duplicates")):
        n_components = len({pair.component for pair in pairs if pair.is_judged and pair.duplicate == label})
        if n_components < 2:
            raise CorpusError(
                f"the labelled pairs hold {n_components} unrelated {name}; training needs at least 2. Label more pairs, and check "
                "the 'duplicate' field."
            )


def _block_signals(pairs: Sequence[LabelledPair], vocabulary: Vocabulary) -> Floats:
    profiles = profile([clean(article) for pair in pairs for article in (pair.a, pair.b)], vocabulary)
    left = np.arange(len(pairs)) * 2
    return pair_signals(profiles, left, left + 1)


def _unseen_logits(
    signals: Floats, labels: NDArray[np.bool_], weights: NDArray[np.float64], components: NDArray[np.int64]
) -> NDArray[np.float64]:
    """For each pair the logit of trees that were fitted without its component. Components go to folds in turn."""
    logits = np.zeros(len(labels))
    folds = np.unique(components, return_inverse=True)[1] % N_FOLDS
    for fold in range(N_FOLDS):
        unseen = folds == fold
        trees = fit_trees(signals[~unseen], labels[~unseen], weights[~unseen])
        logits[unseen] = trees.logits(signals[unseen])
    return logits


def _calibrated(trees: DuplicateModel, logits: NDArray[np.float64], labels: NDArray[np.bool_]) -> DuplicateModel:
    scale = LogisticRegression(C=1e3).fit(logits[:, None], labels)
    calibration = np.array([scale.coef_[0, 0], scale.intercept_[0]])
    return DuplicateModel(trees.features, trees.thresholds, trees.leaves, calibration)


def _exported(booster: HistGradientBoostingClassifier) -> DuplicateModel:
    """scikit-learn's trees as complete trees: a leaf above the last level goes on leftward and its value stands below."""
    n_inner = 2**DEPTH - 1
    trees = [predictors[0].nodes for predictors in booster._predictors]
    features = np.zeros((len(trees), n_inner), np.int16)
    thresholds = np.full((len(trees), n_inner), np.inf, np.float32)
    leaves = np.zeros((len(trees), n_inner + 1), np.float32)
    for index, nodes in enumerate(trees):
        for here, place in _walk(nodes, n_inner):
            if place >= n_inner:
                leaves[index, place - n_inner] = here["value"]
            elif not here["is_leaf"]:
                features[index, place] = here["feature_idx"]
                thresholds[index, place] = _rounded_down(float(here["num_threshold"]))
    baseline = float(np.ravel(booster._baseline_prediction)[0])
    return DuplicateModel(features, thresholds, leaves, np.array([1.0, baseline]))


def _walk(nodes: NDArray[np.void], n_inner: int) -> Iterator[tuple[np.void, int]]:
    """Each node with its place in the complete tree; under a leaf, the leaf again down to the last level."""
    waiting = [(0, 0)]
    while waiting:
        node, place = waiting.pop()
        here = nodes[node]
        yield here, place
        if place < n_inner:
            left, right = (node, node) if here["is_leaf"] else (int(here["left"]), int(here["right"]))
            waiting += [(left, 2 * place + 1), (right, 2 * place + 2)]


def _rounded_down(threshold: float) -> np.float32:
    """The largest float32 that is not over the threshold: no float32 signal changes sides by it."""
    rounded = np.float32(threshold)
    return np.nextafter(rounded, np.float32(-np.inf)) if rounded > threshold else rounded
