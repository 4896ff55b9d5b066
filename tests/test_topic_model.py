"""The classifier's arithmetic against scikit-learn and hand calculation; predictions that do not depend on their neighbours."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.metrics import f1_score
from sklearn.naive_bayes import ComplementNB

import newsclf
from newsclf.article import Article
from newsclf.evaluation import score
from newsclf.model import Prediction
from newsclf.tfidf import count_terms, tfidf_rows
from newsclf.topics.model import TopicModel, quantize
from newsclf.topics.train import Examples, fit_bayes, fit_svm, log_ratios, to_matrix

ARTICLES = list(newsclf.read_articles(Path(__file__).parents[1] / "data" / "articles.jsonl"))[::7]


def examples() -> Examples:
    texts = [article.text for article in ARTICLES]
    labels = sorted({str(article.label) for article in ARTICLES})
    topics = np.array([labels.index(str(article.label)) for article in ARTICLES])
    return Examples(to_matrix(tfidf_rows(texts, count_terms(texts, 2))), topics, np.ones(len(topics)), len(labels))


def test_log_ratios_by_hand() -> None:
    rows = csr_array(np.array([[1.0, 0.0], [0.5, 0.5]]))
    ratios = log_ratios(Examples(rows, np.array([0, 1]), np.array([2.0, 1.0]), 2), smoothing=1.0)
    # masses: topic 0 has (2, 0), topic 1 has (.5, .5); smoothed shares 3/4, 1/4 and 1/2, 1/2
    assert ratios[0] == pytest.approx([math.log(3 / 4 / (1 / 2)), math.log(1 / 4 / (1 / 2))])
    assert ratios[1] == pytest.approx(-ratios[0])


def test_bayes_ranks_topics_like_complement_naive_bayes() -> None:
    """Log ratios add the topic's own frequencies to what ComplementNB has of the rest's: nearly the same answers."""
    data = examples()
    ours = fit_bayes(data).scores(data.rows).argmax(axis=1)
    theirs = ComplementNB(alpha=0.01).fit(data.rows, data.topics).predict(data.rows)
    assert np.mean(ours == theirs) > 0.97


def test_the_svm_learns_its_training_articles() -> None:
    data = examples()
    assert np.mean(fit_svm(data, 1.0).scores(data.rows).argmax(axis=1) == data.topics) > 0.99


def test_an_article_of_weight_two_counts_like_two_articles() -> None:
    data = examples()
    twice = data.part(np.concatenate([np.arange(len(data.topics)), np.arange(30)]))
    heavy = Examples(data.rows, data.topics, np.where(np.arange(len(data.topics)) < 30, 2.0, 1.0), data.n_topics)
    np.testing.assert_allclose(fit_bayes(twice).weights, fit_bayes(heavy).weights, atol=1e-4)


def test_quantized_weights_are_within_half_a_step() -> None:
    weights = np.random.default_rng(0).normal(size=(3, 50))
    steps, scale = quantize(weights)
    assert np.abs(steps * scale - weights).max() <= scale / 2 + 1e-12
    assert quantize(np.zeros((2, 2)))[1] == 1.0


def test_log_odds_are_a_matrix_product() -> None:
    texts = ["wheat rain field", "", "rocket moon", "wheat wheat rocket"]
    rows = tfidf_rows(texts, count_terms(texts, 1))
    weights = np.random.default_rng(0).integers(-127, 128, (3, rows.n_columns)).astype(np.int8)
    intercepts = np.array([0.5, 0.0, -1.0], np.float32)
    model = TopicModel(("a", "b", "c"), weights, 0.1, intercepts, np.full(3, 1 / 3, np.float32))
    expected = to_matrix(rows) @ (weights.T * 0.1) + intercepts
    np.testing.assert_allclose(model.log_odds(rows), expected, rtol=1e-5, atol=1e-5)


def test_a_prediction_does_not_depend_on_what_stands_beside_it() -> None:
    model = newsclf.load()
    together = list(model.predict_many(ARTICLES))
    assert together == [model.predict(article) for article in ARTICLES]
    assert together == list(reversed(list(model.predict_many(ARTICLES[::-1]))))


def test_tags_are_no_features() -> None:
    body = "The minister said the river had risen overnight and that two bridges would stay closed until the water fell."
    plain, tagged = (
        Article(body, title="Bridges stay closed today"),
        Article(body, title="Bridges stay closed today | Wheat | Farm"),
    )
    assert newsclf.load().predict(plain) == newsclf.load().predict(tagged)


def test_probabilities_sum_to_one_and_lead_with_the_topic() -> None:
    for prediction in newsclf.load().predict_many(ARTICLES):
        assert sum(prediction.probabilities.values()) == pytest.approx(1, abs=1e-5)
        first, *_ = prediction.probabilities.items()
        assert first == (prediction.topic, prediction.probability)


def test_no_article_gives_no_prediction() -> None:
    assert list(newsclf.load().predict_many([])) == []


@pytest.mark.parametrize("single", ["a text", Article("a text")])
def test_one_article_given_as_many_is_refused(single: Sequence[Article]) -> None:
    with pytest.raises(TypeError, match="for one there is predict"):
        newsclf.load().predict_many(single)


def test_empty_text_abstains_with_the_topics_shares() -> None:
    model = newsclf.load()
    expected = dict(zip(model.topics.labels, model.topics.shares.tolist(), strict=True))
    prediction: Prediction = model.predict("")
    assert (prediction.topic, prediction.abstained, prediction.reason) == (None, True, "no words in the text")
    assert dict(prediction.probabilities) == expected


def test_scores_are_scikit_learns() -> None:
    generator = np.random.default_rng(0)
    topics, probabilities = generator.integers(0, 3, 200), generator.dirichlet([1, 1, 1], 200)
    scores = score(topics, probabilities, ["a", "b", "c"])
    assert scores["macro_f1"] == pytest.approx(f1_score(topics, probabilities.argmax(axis=1), average="macro"), abs=1e-4)
    assert scores["accuracy"] == pytest.approx(np.mean(topics == probabilities.argmax(axis=1)), abs=1e-4)
