"""How well the decision tells duplicates: every pair is judged by trees that saw no pair of its component.

    python benchmarks/decision.py CORPORA

Prints F1 and calibration error on the pairs that people read (those of tier C among them, from which nothing is learned here),
the share of translations found among 20,000 other articles, and the shares of made copies found and of look-alikes merged, of
articles of which training made none. ``CORPORA`` is the folder with ``pairs/`` and ``unlabelled/``.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "models"))

import build
import corpus_files
import pairs

import newsclf
from newsclf.article import Article
from newsclf.duplicates import copies
from newsclf.duplicates.candidates import candidate_pairs
from newsclf.duplicates.decide import MIN_PROBABILITY, DuplicateModel
from newsclf.duplicates.find import MIN_COSINE
from newsclf.duplicates.rows import MAX_BLOCK_ARTICLES, RowSpool, hash_rows, shortened
from newsclf.duplicates.train import LOOK_ALIKES, TWIN_WEIGHT, LabelledPair, fit_trees, labelled_signals
from newsclf.text.clean import clean, feature_text
from newsclf.tfidf import Vocabulary

N_FOLDS = 5
N_BINS = 15  # of equal mass, for the calibration error
N_COPIED = 30  # articles of each source of which copies are made to measure with
N_OTHERS, MIN_OTHER_CHARACTERS = 20_000, 300
COPY_SEED = 11

Numbers = NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("corpora", type=Path)
    parser.add_argument("-m", "--model", type=Path, help="gives the terms their weights; default: the model that ships")
    arguments = parser.parse_args()
    vocabulary, corpora = newsclf.load(arguments.model).vocabulary, arguments.corpora
    learned = pairs.pairs_to_learn_from(corpora, ROOT / "data", build.DUPLICATE_SOURCES)
    forests = fitted_forests(learned, vocabulary)
    calibrated = print_judged([pair for pair in learned if pair.is_judged] + tier_c_pairs(corpora), forests, vocabulary)
    print_twins(corpora, learned, calibrated, vocabulary)
    print_made(corpora, calibrated[0], vocabulary)


def fitted_forests(learned: Sequence[LabelledPair], vocabulary: Vocabulary) -> list[DuplicateModel]:
    """For each fold the trees of all pairs of the other folds."""
    signals = labelled_signals(learned, vocabulary)
    labels, weights = np.array([pair.duplicate for pair in learned]), np.array([pair.weight for pair in learned])
    folds = np.array([pair.component % N_FOLDS for pair in learned])
    return [fit_trees(signals[folds != fold], labels[folds != fold], weights[folds != fold]) for fold in range(N_FOLDS)]


def tier_c_pairs(corpora: Path) -> list[LabelledPair]:
    """The judged pairs of the sources that training leaves out."""
    sources = {row["source"] for row in corpus_files.rows_of(corpora / "pairs" / "pairs.jsonl.gz")}
    return pairs.judged_pairs(corpora, sources - build.DUPLICATE_SOURCES)


def print_judged(
    judged: Sequence[LabelledPair], forests: Sequence[DuplicateModel], vocabulary: Vocabulary
) -> list[DuplicateModel]:
    """Scores each pair with logits and a calibration that did not see it; gives the forests, calibrated on all of them."""
    signals, labels = labelled_signals(judged, vocabulary), np.array([pair.duplicate for pair in judged])
    folds = np.array([pair.component % N_FOLDS for pair in judged])
    logits, probabilities = np.zeros(len(judged)), np.zeros(len(judged))
    for fold, forest in enumerate(forests):
        logits[folds == fold] = forest.logits(signals[folds == fold])
    for fold in range(N_FOLDS):
        slope, intercept = platt(logits[folds != fold], labels[folds != fold])
        probabilities[folds == fold] = 1 / (1 + np.exp(-slope * logits[folds == fold] - intercept))
    print(f"{len(judged)} judged pairs, {labels.sum()} of them duplicates: {scores(probabilities, labels)}")
    slope, intercept = platt(logits, labels)
    return [replace(f, calibration=slope * f.calibration + np.array([0.0, intercept])) for f in forests]


def platt(logits: Numbers, labels: NDArray[np.bool_]) -> tuple[float, float]:
    fitted = LogisticRegression(C=1e3).fit(logits[:, None], labels)
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])


def scores(probabilities: Numbers, labels: NDArray[np.bool_]) -> str:
    found = probabilities >= MIN_PROBABILITY
    precision, recall = labels[found].mean(), found[labels].mean()
    bins = np.array_split(np.argsort(probabilities, kind="stable"), N_BINS)
    error = sum(len(part) * abs(labels[part].mean() - probabilities[part].mean()) for part in bins) / len(labels)
    f1 = 2 * precision * recall / (precision + recall)
    return f"F1 {f1:.3f}, precision {precision:.3f}, recall {recall:.3f}, calibration error {error:.3f}"


def print_twins(
    corpora: Path, learned: Sequence[LabelledPair], forests: Sequence[DuplicateModel], vocabulary: Vocabulary
) -> None:
    """Translations found among other articles: candidates at the threshold of the search, then the decision."""
    twin_pairs = [pair for pair in learned if pair.weight == TWIN_WEIGHT]
    twins = {article: pair.component for pair in twin_pairs for article in (pair.a, pair.b)}
    articles = [*twins, *others(corpora)]
    found = candidates(articles, vocabulary)
    wanted = [(a, b) for a, b in found if a < len(twins)]
    parts = np.array([[twins[articles[a]], twins.get(articles[b], -1)] for a, b in wanted])
    signals = labelled_signals([LabelledPair(articles[a], articles[b], False, 0) for a, b in wanted], vocabulary)
    probabilities = np.zeros(len(wanted))
    for fold, forest in enumerate(forests):
        probabilities[parts[:, 0] % N_FOLDS == fold] = forest.probabilities(signals[parts[:, 0] % N_FOLDS == fold])
    is_twin, is_found = parts[:, 0] == parts[:, 1], probabilities >= MIN_PROBABILITY
    n = len(twin_pairs)
    print(f"{n} pairs of translations among {len(articles) - len(twins):,} others: {is_twin.sum() / n:.4f} are candidates, "
          f"{(is_twin & is_found).sum() / n:.4f} found; false matches {(~is_twin & is_found).sum()}")  # fmt: skip
    for index in np.flatnonzero(~is_twin & is_found).tolist():
        a, b = (clean(articles[number]) for number in wanted[index])
        print(f"  false match? {probabilities[index]:.2f}: {a.title[:60]} {a.body[:80]!r} | {b.title[:60]} {b.body[:80]!r}")


def candidates(articles: Sequence[Article], vocabulary: Vocabulary) -> list[tuple[int, int]]:
    spool, short = RowSpool(), shortened(vocabulary)
    for start in range(0, len(articles), MAX_BLOCK_ARTICLES):
        spool.append(hash_rows([feature_text(clean(a)) for a in articles[start : start + MAX_BLOCK_ARTICLES]], short))
    found = candidate_pairs(spool.shared_rows(1 << 29), MIN_COSINE)
    return list(zip(found.left.tolist(), found.right.tolist(), strict=True))


def others(corpora: Path) -> list[Article]:
    """Articles of all sources, some of each, none very short."""
    paths = sorted((corpora / "unlabelled").glob("*.jsonl.gz"))
    longer = [
        [a for a in pairs.unlabelled_articles(corpora, path.name.removesuffix(".jsonl.gz")) if len(a.text) > MIN_OTHER_CHARACTERS]
        for path in paths
    ]
    chosen = [article for articles in longer for article in articles[:3000]]
    return Random(COPY_SEED).sample(chosen, min(N_OTHERS, len(chosen)))


def print_made(corpora: Path, forest: DuplicateModel, vocabulary: Vocabulary) -> None:
    """Made copies found and look-alikes merged, of articles that training did not copy."""
    by_source = [pairs.unlabelled_articles(corpora, source) for source in sorted(build.DUPLICATE_SOURCES)]
    worthy = [[a for a in articles if len(a.text.split()) >= pairs.MIN_WORDS] for articles in by_source]
    bases = [article for articles in worthy for article in articles[pairs.N_COPIED : pairs.N_COPIED + N_COPIED]]
    random = Random(COPY_SEED)
    print("| made of an article | pairs | called duplicates |\n|---|--:|--:|")
    for name, maker in [*copies.MAKERS.items(), *((maker.__name__, maker) for maker in LOOK_ALIKES)]:
        made = list(made_of(bases, maker, random))
        probabilities = forest.probabilities(labelled_signals(made, vocabulary))
        print(f"| {name} | {len(made)} | {np.mean(probabilities >= MIN_PROBABILITY):.4f} |")


def made_of(bases: Sequence[Article], maker: copies.LookAlikeMaker, random: Random) -> Iterable[LabelledPair]:
    """Each article with what the maker makes of it and another article."""
    for index, article in enumerate(bases):
        other = bases[(index + 1 + int(random.random() * (len(bases) - 1))) % len(bases)]
        if made := maker(article, other, random):
            yield LabelledPair(article, made, False, 0)


if __name__ == "__main__":
    main()
