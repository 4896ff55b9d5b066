"""Scores on gold articles of sources that training has not seen.

    python benchmarks/unseen_sources.py CORPORA

The sources of gold are dealt into folds. For each fold a model is trained with ``newsclf.train`` on everything that the model
that ships learns from, less all articles, gold and silver, of the fold's sources, and predicts their gold; gold of tier C, which
training never sees, is predicted by a model of all the rest. Scored are the articles that nine of ten editors would file alike;
where the model abstains, the topic that it held for most probable counts.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "models"))

import build
import corpus_files

import newsclf
from newsclf.article import Article
from newsclf.evaluation import score

N_FOLDS = 4
BUDGET_SECONDS = 1  # one C is tried, as in the build; the share of naive Bayes is chosen


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("corpora", type=Path)
    corpora = parser.parse_args().corpora
    training = build.training_articles(corpora)
    clear = {row["id"] for row in corpus_files.rows_of(corpora / "gold" / "gold.jsonl.gz") if row["clear"]}
    gold = [article for article in build.gold_articles(corpora) if article.id in clear]
    tested, probabilities = zip(*_predictions(training, gold), strict=True)
    labels = sorted({str(article.label) for article in gold})
    _print_scores(tested, np.array(probabilities), labels)


def _predictions(training: Sequence[Article], gold: Sequence[Article]) -> Iterator[tuple[Article, list[float]]]:
    for sources in _folds(article for article in gold if article.weight):
        held_out = [article for article in gold if (article.source in sources if sources else not article.weight)]
        held_keys = {key for article in held_out for key in build.keys_of(article)}
        seen = [article for article in training if article.source not in sources and held_keys.isdisjoint(build.keys_of(article))]
        model = newsclf.train(seen, budget_seconds=BUDGET_SECONDS, balance=build.BALANCE, n_jobs=-1)
        print(f"{len(held_out):5} of {', '.join(sorted(sources)) or 'tier C'}", file=sys.stderr, flush=True)
        for article, prediction in zip(held_out, model.predict_many(held_out), strict=True):
            yield article, [prediction.probabilities[label] for label in sorted(prediction.probabilities)]


def _folds(gold: Iterable[Article]) -> list[set[str]]:
    """The sources dealt into folds of about the same size, and an empty fold for tier C."""
    folds: list[set[str]] = [set() for _ in range(N_FOLDS)]
    sizes = [0] * N_FOLDS
    for source, count in Counter(str(article.source) for article in gold).most_common():
        smallest = sizes.index(min(sizes))
        folds[smallest].add(source)
        sizes[smallest] += count
    return [*folds, set()]


def _print_scores(tested: Sequence[Article], probabilities: NDArray[np.float64], labels: list[str]) -> None:
    topics = np.array([labels.index(str(article.label)) for article in tested])
    is_open = np.array([article.weight > 0 for article in tested])
    print("| gold | articles | macro-F1 | accuracy | calibration error |\n|---|--:|--:|--:|--:|")
    for name, part in (("all", np.ones(len(topics), bool)), ("tiers A and B", is_open), ("tier C", ~is_open)):
        scores = score(topics[part], probabilities[part], labels)
        measures = (f"{scores[measure]:.3f}" for measure in ("macro_f1", "accuracy", "calibration_error"))
        print(f"| {name} | {scores['articles']:,} | {' | '.join(measures)} |")
    print("\n| topic | precision | recall | F1 | articles |\n|---|--:|--:|--:|--:|")
    for topic, of in score(topics, probabilities, labels)["topics"].items():
        print(f"| {topic} | {of['precision']:.3f} | {of['recall']:.3f} | {of['f1']:.3f} | {of['articles']:,} |")


if __name__ == "__main__":
    main()
