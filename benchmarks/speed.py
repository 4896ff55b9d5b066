"""Speed beside scikit-learn's: the vectoriser, predictions in bulk, and the whole command.

    python benchmarks/speed.py [CORPUS...]

Both sides see the same articles, in turns; the table has medians and the median of the pairwise ratios. Without arguments the
corpus is data/articles.jsonl, over and over up to 10,000 articles. scikit-learn's side is a Pipeline of
TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), with as many terms as newsclf's model has, and LogisticRegression.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # one core for both sides; set before NumPy is loaded

import joblib
import sklearn
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

import newsclf
from newsclf.model import NewsModel
from newsclf.text.clean import clean, feature_text
from newsclf.tfidf import tfidf_rows

ROOT = Path(__file__).parents[1]
N_REPEATS = 7
N_COMMAND_REPEATS = 9
PEER_COMMAND = """\
import sys, joblib
pipeline = joblib.load(sys.argv[1])
text = open(sys.argv[2], encoding="utf-8").read()
probabilities = pipeline.predict_proba([text])[0]
print(pipeline.classes_[probabilities.argmax()], probabilities.max())
"""


def main() -> None:
    paths, n_articles = _arguments()
    articles = list(newsclf.read_articles(paths))
    articles = (articles * -(-n_articles // len(articles)))[:n_articles]
    model = newsclf.load()
    texts = [feature_text(clean(article)) for article in articles]
    pipeline = _peer(texts, [str(prediction.topic) for prediction in model.predict_many(articles)], len(model.vocabulary))
    size_mb = sum(len(text.encode()) for text in texts) / 1e6

    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {date.today()}")
    print(f"scikit-learn {sklearn.__version__}, newsclf {newsclf.__version__}, {len(model.vocabulary):,} terms")
    print(f"{len(articles):,} articles, {size_mb:.1f} MB; medians of {N_REPEATS} runs in turns, one core\n")
    print("| measure | scikit-learn | newsclf | ratio |\n|---|--:|--:|--:|")
    _print_rates("text to TF-IDF rows", size_mb, *_vectorizers(texts, pipeline, model))
    _print_rates("text to probabilities", size_mb, *_predictors(articles, texts, pipeline, model))
    _print_commands(articles[0].text, pipeline)


def _arguments() -> tuple[list[str], int]:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("corpus", nargs="*", default=[str(ROOT / "data" / "articles.jsonl")])
    parser.add_argument("--articles", type=int, default=10_000, help="how many; a smaller corpus is repeated")
    arguments = parser.parse_args()
    return arguments.corpus, arguments.articles


def _peer(texts: Sequence[str], topics: Sequence[str], n_terms: int) -> Pipeline:
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, max_features=n_terms)
    return make_pipeline(vectorizer, LogisticRegression(max_iter=50)).fit(texts, topics)


Task = Callable[[], object]


def _vectorizers(texts: list[str], pipeline: Pipeline, model: NewsModel) -> tuple[Task, Task]:
    return lambda: pipeline[0].transform(texts), lambda: tfidf_rows(texts, model.vocabulary)


def _predictors(articles: list[newsclf.Article], texts: list[str], pipeline: Pipeline, model: NewsModel) -> tuple[Task, Task]:
    """scikit-learn gets the texts cleaned already; newsclf cleans them itself."""
    return lambda: pipeline.predict_proba(texts), lambda: list(model.predict_many(articles))


def _in_turns(first: Task, second: Task, n_repeats: int) -> list[tuple[float, float]]:
    def seconds(task: Task) -> float:
        start = time.perf_counter()
        task()
        return time.perf_counter() - start

    seconds(first), seconds(second)  # warms caches; not counted
    return [(seconds(first), seconds(second)) for _ in range(n_repeats)]


def _print_rates(name: str, size_mb: float, peer: Task, ours: Task) -> None:
    pairs = _in_turns(peer, ours, N_REPEATS)
    peer_rate, our_rate = (size_mb / statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(theirs / our for theirs, our in pairs)
    print(f"| {name} | {peer_rate:.1f} MB/s | {our_rate:.1f} MB/s | {ratio:.1f}x |", flush=True)


def _print_commands(text: str, pipeline: Pipeline) -> None:
    with tempfile.TemporaryDirectory() as folder:
        pipeline_file, text_file = f"{folder}/pipeline.joblib", f"{folder}/article.txt"
        joblib.dump(pipeline, pipeline_file)
        Path(text_file).write_text(text, encoding="utf-8")
        peer = [sys.executable, "-c", PEER_COMMAND, pipeline_file, text_file]
        ours = [str(Path(sys.executable).with_name("newsclf")), "predict", text_file]
        pairs = _in_turns(lambda: _run(peer), lambda: _run(ours), N_COMMAND_REPEATS)
    peer_seconds, our_seconds = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(theirs / our for theirs, our in pairs)
    print(f"| `predict file.txt`, the whole process | {peer_seconds:.2f} s | {our_seconds:.2f} s | {ratio:.1f}x |")


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
