"""The duplicate model: trees against scikit-learn's, arrays out and in, and training that repeats itself."""

from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from newsclf.article import Article
from newsclf.duplicates import copies, train
from newsclf.duplicates.decide import KINDS, DuplicateModel, are_same, kinds
from newsclf.duplicates.signal_names import N_SIGNALS, SIGNALS
from newsclf.errors import CorpusError
from newsclf.tfidf import count_terms

PLACES = ["Aldersund", "Norvik", "Straum", "Tolvik", "Westmoor", "Brakne", "Lunde", "Halden"]
EVENTS = ["storm closed the harbour", "council sold the bridge", "court freed a driver", "mill hired new workers"]


def made_articles(n: int) -> list[Article]:
    """Articles whose places, numbers and sentences differ from one to the next."""
    random = Random(1)
    texts = []
    for _ in range(n):
        sentences = [
            f"In {copies.pick(PLACES, random)} a {copies.pick(EVENTS, random)} after {int(random.random() * 900)} days, said the "
            f"office of {copies.pick(PLACES, random)}."
            for _ in range(6)
        ]
        texts.append(" ".join(sentences))
    return [Article(text, title=text[:40]) for text in texts]


ARTICLES = made_articles(12)
VOCABULARY = count_terms([article.text for article in ARTICLES], 2)


@pytest.fixture(scope="module")
def pairs() -> list[train.LabelledPair]:
    made = list(train.made_pairs(ARTICLES, seed=3, first_component=0))
    return [train.LabelledPair(pair.a, pair.b, pair.duplicate, pair.component) for pair in made]


@pytest.fixture(scope="module")
def model(pairs: list[train.LabelledPair]) -> DuplicateModel:
    return train.train_duplicates(pairs, VOCABULARY)


def random_signals(n: int) -> NDArray[np.float32]:
    return np.random.default_rng(5).random((n, N_SIGNALS), np.float32).round(2)  # ties with the thresholds are the hard part


def test_the_trees_are_those_of_scikit_learn() -> None:
    signals = random_signals(600)
    labels = signals[:, 0] + signals[:, 3] * signals[:, 7] > 0.8
    booster = HistGradientBoostingClassifier(max_iter=20, max_depth=train.DEPTH, early_stopping=False, random_state=0)
    booster.fit(signals, labels)
    ours = train.exported([booster])
    fresh = random_signals(5000)
    assert np.allclose(ours.logits(fresh), booster.decision_function(fresh), atol=1e-4)


def test_training_twice_gives_the_same_bytes(pairs: list[train.LabelledPair], model: DuplicateModel) -> None:
    again = train.train_duplicates(pairs[::-1], VOCABULARY)
    assert all(again.to_arrays()[name].tobytes() == array.tobytes() for name, array in model.to_arrays().items())


def test_arrays_go_out_and_in(model: DuplicateModel) -> None:
    signals = random_signals(100)
    back = DuplicateModel.from_arrays(model.to_arrays())
    assert np.array_equal(back.probabilities(signals), model.probabilities(signals))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("features", lambda array: array + np.int16(N_SIGNALS)),
        ("features", lambda array: array.astype(np.int32)),
        ("features", lambda array: array[:, :-1]),
        ("thresholds", lambda array: array * np.float32(np.nan)),
        ("leaves", lambda array: array[:-1]),
        ("leaves", lambda array: array + np.float32(np.inf)),
        ("calibration", lambda array: array[:1]),
    ],
)
def test_damaged_arrays_are_refused(model: DuplicateModel, name: str, change: Callable[[NDArray[Any]], NDArray[Any]]) -> None:
    with pytest.raises(ValueError, match=r"."):
        DuplicateModel.from_arrays({**model.to_arrays(), name: change(model.to_arrays()[name])})


def test_a_missing_array_is_refused() -> None:
    with pytest.raises(ValueError, match="features"):
        DuplicateModel.from_arrays({})


def test_no_pair_gives_no_probability(model: DuplicateModel) -> None:
    assert model.probabilities(np.zeros((0, N_SIGNALS), np.float32)).shape == (0,)
    assert kinds(np.zeros((0, N_SIGNALS), np.float32)) == []


def test_copies_score_over_look_alikes(pairs: list[train.LabelledPair], model: DuplicateModel) -> None:
    fresh = list(train.made_pairs(made_articles(16)[12:], seed=9, first_component=0))
    probabilities = model.probabilities(train.labelled_signals(fresh, VOCABULARY))
    labels = np.array([pair.duplicate for pair in fresh])
    assert probabilities[labels].mean() > 0.7 > 0.3 > probabilities[~labels].mean()


def test_missing_facts_never_raise_the_probability(model: DuplicateModel) -> None:
    signals = random_signals(200)
    worse = signals.copy()
    worse[:, list(SIGNALS).index("number_missing")] += 1
    assert (model.probabilities(worse) <= model.probabilities(signals)).all()


@pytest.mark.parametrize(
    ("maker", "kind"), [("exact", "exact"), ("retitled", "retitled"), ("cut_40", "cut"), ("edited_5", "edited")]
)
def test_kinds_of_made_copies(maker: str, kind: str) -> None:
    article, other = ARTICLES[:2]
    copy = copies.MAKERS[maker](article, other, Random(2))
    (found,) = kinds(train.labelled_signals([train.LabelledPair(article, copy, True, 0)], VOCABULARY))
    assert found == kind
    assert found in KINDS


def test_too_few_labelled_pairs_say_what_is_missing() -> None:
    with pytest.raises(CorpusError, match="0 unrelated pairs that are no duplicates; training needs at least 2"):
        train.train_duplicates([train.LabelledPair(ARTICLES[0], ARTICLES[0], True, n) for n in (0, 1)], VOCABULARY)


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("Profit rose to 4.2 mln in the north.", "PROFIT rose to 4.2 mln, in the north!", True),
        ("Profit rose to 4.2 mln in the north.", "Profit rose to 4.3 mln in the north.", False),
        ("Profit rose to 4.2 mln in the north.", "In the north profit rose to 4.2 mln.", False),
        ("Profit rose to 4.2 mln in the north.", "Profit rose to 4.2 mln in the north. Rose", False),
        ("wheat", "Wheat", True),
        ("wheat rain", "rain wheat", True),  # too short to have an order
    ],
)
def test_the_same_words_and_numbers_are_a_duplicate_for_certain(a: str, b: str, same: bool) -> None:
    signals = train.labelled_signals([train.LabelledPair(Article(a), Article(b), True, 0)], VOCABULARY)
    assert are_same(signals).tolist() == [same]
