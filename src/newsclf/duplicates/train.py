"""Fits the duplicate model: gradient-boosted trees on signals, then a scale for their logits. Training only: scikit-learn.

Three kinds of pairs teach it: pairs that people judged, twins (one article in several translations), and made copies and
look-alikes. Judged pairs also calibrate it, each scored by trees that saw no pair of its component.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from newsclf.article import Article
from newsclf.duplicates import copies
from newsclf.duplicates.decide import DuplicateModel
from newsclf.duplicates.profiles import profile
from newsclf.duplicates.signal_names import SIGNALS, Floats
from newsclf.duplicates.signals import pair_signals
from newsclf.errors import CorpusError
from newsclf.text.clean import clean
from newsclf.tfidf import Vocabulary

DEPTH = 5
N_TREES = 150
N_FORESTS = 3  # each tries a third of the signals at a node, and so errs elsewhere: their mean errs less
N_FOLDS = 5
BLOCK_PAIRS = 500
# All weights were chosen by cross-validation on pairs, twins and made copies together.
PAIR_WEIGHT, TWIN_WEIGHT, COPY_WEIGHT, LOOK_ALIKE_WEIGHT = 6.0, 2.0, 0.4, 1.2
LOOK_ALIKES = (copies.refilled, copies.releaded, copies.followed_up)


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


def pair_components(keys: Sequence[tuple[str, str]]) -> list[int]:
    """The component of each pair of article keys, numbered from 0 in order of appearance; keys may be ids or whole texts.

    >>> pair_components([("a", "b"), ("c", "d"), ("b", "e")])
    [0, 1, 0]
    """
    parents: dict[str, str] = {}
    for one, other in keys:
        parents[_root(parents, other)] = _root(parents, one)
    roots = [_root(parents, one) for one, _ in keys]
    numbers = {root: number for number, root in enumerate(dict.fromkeys(roots))}
    return [numbers[root] for root in roots]


def made_pairs(articles: Sequence[Article], seed: int, first_component: int) -> Iterator[LabelledPair]:
    """For each article one made copy of every sort, and look-alikes where it can make one. Fewer than two articles give none."""
    random = Random(seed)
    for index, article in enumerate(articles if len(articles) > 1 else ()):
        other = articles[(index + 1 + int(random.random() * (len(articles) - 1))) % len(articles)]
        component = first_component + index
        for maker in copies.MAKERS.values():
            yield LabelledPair(article, maker(article, other, random), True, component, COPY_WEIGHT, is_judged=False)
        for look_alike in LOOK_ALIKES:
            if made := look_alike(article, other, random):
                yield LabelledPair(article, made, False, component, LOOK_ALIKE_WEIGHT, is_judged=False)


def twin_pairs(versions: Sequence[Sequence[Article]], first_component: int) -> Iterator[LabelledPair]:
    """All pairs of versions of each article."""
    for index, twins in enumerate(versions):
        for second in range(len(twins)):
            for first in range(second):
                yield LabelledPair(twins[first], twins[second], True, first_component + index, TWIN_WEIGHT, is_judged=False)


def are_surely_others(signals: Floats) -> NDArray[np.bool_]:
    """Which candidate pairs may serve as unjudged negatives: what sets an article apart is missing on both sides.

    Either numbers and repeated names, or, where a template is filled in its lead alone, words of the lead and with them numbers
    of the lead or words of the title. A rule of silver quality: it errs where one text reports what the other corrects, so give
    such pairs ``LOOK_ALIKE_WEIGHT``.
    """
    column = {name: signals[:, index] for index, name in enumerate(SIGNALS)}
    lacks_facts = (column["rounded_missing"] > 1.1) & (column["repeated_name_missing"] > 2)
    lacks_lead = (column["lead_missing"] > 1.6) & ((column["lead_number_missing"] > 0.6) | (column["title_missing"] > 1.6))
    is_refilled = lacks_facts & (column["trigram_containment_max"] < 0.9)
    return np.asarray(is_refilled | (lacks_lead & (column["trigram_containment_max"] > 0.5)))


def labelled_signals(pairs: Sequence[LabelledPair], vocabulary: Vocabulary) -> Floats:
    """The signals of labelled pairs, float32, shape (n_pairs, n_signals)."""
    blocks = [pairs[first : first + BLOCK_PAIRS] for first in range(0, len(pairs), BLOCK_PAIRS)]
    return np.concatenate([np.zeros((0, len(SIGNALS)), np.float32), *(_block_signals(block, vocabulary) for block in blocks)])


def fit_trees(signals: Floats, labels: NDArray[np.bool_], weights: NDArray[np.float64]) -> DuplicateModel:
    """A forest that no one has calibrated yet. A signal can move the probability only the way that ``SIGNALS`` allows."""
    with threadpool_limits(1):  # the order of additions, and with it the last bits, must not depend on the machine's cores
        boosters = [_booster(seed).fit(signals, labels, sample_weight=weights) for seed in range(N_FORESTS)]
    return exported(boosters)


def exported(boosters: Sequence[HistGradientBoostingClassifier]) -> DuplicateModel:
    """scikit-learn's boosted trees as complete trees whose logit is the mean of the boosters' own."""
    trees = [predictors[0].nodes for booster in boosters for predictors in booster._predictors]
    features = np.zeros((len(trees), 2**DEPTH - 1), np.int16)
    thresholds = np.full(features.shape, np.inf, np.float32)
    leaves = np.zeros((len(trees), 2**DEPTH), np.float32)
    for index, nodes in enumerate(trees):
        _complete(nodes, features[index], thresholds[index], leaves[index])
    baseline = np.mean([float(np.ravel(booster._baseline_prediction)[0]) for booster in boosters])
    return DuplicateModel(features, thresholds, leaves, np.array([1 / len(boosters), baseline]))


def _booster(seed: int) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        max_iter=N_TREES,
        learning_rate=0.1,
        max_depth=DEPTH,
        max_leaf_nodes=16,
        min_samples_leaf=8,
        l2_regularization=3.0,
        max_features=0.3,
        monotonic_cst=list(SIGNALS.values()),
        early_stopping=False,
        random_state=seed,
    )


def _root(parents: dict[str, str], key: str) -> str:
    while (parent := parents.setdefault(key, key)) != key:
        parents[key] = parents[parent]  # halves the way for whoever comes next
        key = parent
    return key


def _sort_key(pair: LabelledPair) -> tuple[str, ...]:
    return (str(pair.component), pair.a.title, pair.a.text, pair.b.title, pair.b.text, str(pair.duplicate), str(pair.weight))


def _check_pairs(pairs: Sequence[LabelledPair]) -> None:
    for label, name in ((True, "duplicates"), (False, "pairs that are no duplicates")):
        n_components = len({pair.component for pair in pairs if pair.is_judged and pair.duplicate == label})
        if n_components < 2:
            raise CorpusError(
                f"the labelled pairs hold {n_components} unrelated {name}; training needs at least 2. Label more pairs, and "
                "check the 'duplicate' field."
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
    """The trees with their logit stretched and shifted to fit labels that they had not seen."""
    fitted = LogisticRegression(C=1e3).fit(logits[:, None], labels)
    calibration = fitted.coef_[0, 0] * trees.calibration + np.array([0.0, fitted.intercept_[0]])
    return replace(trees, calibration=calibration)


def _complete(nodes: NDArray[np.void], features: NDArray[np.int16], thresholds: Floats, leaves: Floats) -> None:
    """Writes one tree as a complete one; under a leaf above the last level every way leads to its value."""
    for here, place in _walk(nodes, len(features)):
        if place >= len(features):
            leaves[place - len(features)] = here["value"]
        elif not here["is_leaf"]:
            features[place] = here["feature_idx"]
            thresholds[place] = _rounded_down(float(here["num_threshold"]))


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
    rounded = np.float32(threshold)  # compared as float: NumPy 2 would round the threshold itself before comparing
    return np.nextafter(rounded, np.float32(-np.inf)) if float(rounded) > threshold else rounded
