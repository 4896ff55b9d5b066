"""Scores of predicted topics against labels."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

N_BINS = 15  # of the calibration error, each with the same number of articles


def score(topics: NDArray[np.int64], probabilities: NDArray[Any], labels: Sequence[str]) -> dict[str, Any]:
    """Macro-F1, accuracy, calibration error, and precision, recall and F1 of each topic.

    Args:
        topics: int64, shape (n_articles,); index of each article's label. At least one article.
        probabilities: shape (n_articles, n_topics); the largest is the prediction.
        labels: the topics' names.

    Returns:
        plain numbers rounded to four decimals, ready for JSON. Macro-F1 is the mean over the topics that occur.
    """
    from sklearn.metrics import precision_recall_fscore_support

    predicted = probabilities.argmax(axis=1)
    present = np.unique(topics)
    measures = precision_recall_fscore_support(topics, predicted, labels=present, zero_division=0.0)
    by_topic = {
        labels[topic]: {"precision": _rounded(p), "recall": _rounded(r), "f1": _rounded(f), "articles": int(n)}
        for topic, p, r, f, n in zip(present, *measures, strict=True)
    }
    return {
        "articles": len(topics),
        "macro_f1": _rounded(measures[2].mean()),
        "accuracy": _rounded((predicted == topics).mean()),
        "calibration_error": _rounded(calibration_error(predicted == topics, probabilities.max(axis=1))),
        "topics": by_topic,
    }


def calibration_error(is_right: NDArray[np.bool_], probabilities: NDArray[Any]) -> float:
    """Expected calibration error over bins of equal mass (Nguyen & O'Connor 2015): mean ``|share right - mean probability|``.

    >>> calibration_error(np.array([True, False]), np.array([1.0, 1.0]))
    0.5
    """
    order = np.argsort(probabilities, kind="stable")
    bins = [part for part in np.array_split(order, N_BINS) if len(part)]
    gaps = [len(part) * abs(is_right[part].mean() - probabilities[part].mean()) for part in bins]
    return float(sum(gaps) / len(probabilities))


def _rounded(value: float) -> float:
    return round(float(value), 4)
