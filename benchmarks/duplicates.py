"""Near-duplicates beside datasketch, rensa and sparse_dot_topn: speed, memory, recall, growth, and exactness of candidates.

    pip install -e . -r benchmarks/duplicates-peers.txt
    python benchmarks/duplicates.py speed CORPORA [--articles N] [--repeats N]
    python benchmarks/duplicates.py recall CORPORA
    python benchmarks/duplicates.py growth CORPORA [--sizes N...]
    python benchmarks/duplicates.py candidates CORPORA [--articles N]

``CORPORA`` is the folder with ``unlabelled/`` and ``pairs/``. What each tool does is told in ``duplicate_peers.py``; one that is
not installed is skipped. Every run has one core and a process of its own, in which articles are read and libraries loaded before
the clock starts; peak memory is the process's and holds the articles too.

The model that ships has learned from these same twins and, on other articles, from the same makers of copies: its recall here is
that of pairs like those that it has seen, and flatters it beside tools that learn nothing.
"""

import argparse
import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ[variable] = "1"  # one core for every tool; set before NumPy is loaded

import numpy as np
from duplicate_corpora import Trial, count_unlabelled, made_copies, senate_bulk, twins, unlabelled
from duplicate_peers import Found, all_candidates, finders, load_model, spooled_rows, versions
from numpy.typing import NDArray

from newsclf.article import Article
from newsclf.duplicates.find import MIN_COSINE
from newsclf.duplicates.spool import TextSpool
from newsclf.tfidf import Rows

SPEED_TOOLS = ("newsclf", "datasketch", "rensa", "rensa dedup", "sparse_dot_topn")
RECALL_TOOLS = ("newsclf pairs", "datasketch", "rensa", "sparse_dot_topn")
STRICT_COSINE = 0.8  # the other threshold at which cosines are used
TRIALS = {"twins": twins, "copies": made_copies}
SIZES = (20_000, 50_000, 100_000, 150_000)
MULTIPLIED_AT_ONCE = 500  # rows, by brute force
KIB_PER_UNIT = 1024 if sys.platform == "darwin" else 1  # ru_maxrss is in bytes there

T = TypeVar("T")


@dataclass(frozen=True)
class Run:
    """One tool on one corpus; memory is the peak of its process, before and after."""

    n_articles: int
    cpu_seconds: float
    wall_seconds: float
    before_mb: float
    peak_mb: float
    n_pairs: int
    n_duplicates: int


def main() -> None:
    arguments = _arguments()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {date.today()}")
    print("; ".join(filter(None, map(versions, SPEED_TOOLS))), "\n")
    arguments.run(arguments)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    commands = parser.add_subparsers(required=True)
    for command in (speed, recall, growth, candidates):
        sub = commands.add_parser(command.__name__, description=command.__doc__)
        sub.set_defaults(run=command)
        sub.add_argument("corpora", type=Path)
        sub.add_argument("-m", "--model", help="model file; without it the model that ships")
        if command in (speed, candidates):
            sub.add_argument("--articles", type=int, default=None if command is speed else 5000)
        if command in (speed, recall):
            tools = SPEED_TOOLS if command is speed else RECALL_TOOLS
            sub.add_argument("--tools", nargs="+", choices=tools, default=tools)
        if command is speed:
            sub.add_argument("--repeats", type=int, default=3)
        if command is growth:
            sub.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    return parser.parse_args()


def speed(arguments: argparse.Namespace) -> None:
    """Raw text of senate_bulk to verified pairs and clusters, tools in turns; medians."""
    tools = _installed(arguments.tools)
    runs: dict[str, list[Run]] = {tool: [] for tool in tools}
    for _ in range(arguments.repeats):
        for tool in tools:
            runs[tool].append(_in_own_process(_senate_run, tool, arguments.corpora, arguments.articles, arguments.model))
    print(f"{runs[tools[0]][0].n_articles:,} articles of senate_bulk, {arguments.repeats} runs in turns, one core\n")
    print("| tool | CPU s | wall s | CPU of newsclf / of tool | peak MB | MB before | pairs | duplicates |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for tool in tools:
        _print_run(tool, runs[tool], runs[tools[0]])


def recall(arguments: argparse.Namespace) -> None:
    """Which duplicates each tool finds by its own rule, and which look-alikes it takes for duplicates."""
    for name in TRIALS:
        results: dict[str, dict[str, str]] = {}
        for tool in _installed(arguments.tools):
            results |= _in_own_process(_trial_shares, tool, name, arguments.corpora, arguments.model)
        print(f"\n| {name}: share of pairs called duplicates | {' | '.join(results)} |\n|---|{'--:|' * len(results)}")
        for measure in next(iter(results.values())):
            print(f"| {measure} | {' | '.join(shares[measure] for shares in results.values())} |", flush=True)


def growth(arguments: argparse.Namespace) -> None:
    """newsclf alone on more and more articles of all sources, in an order drawn at random."""
    n_all = count_unlabelled(arguments.corpora)
    sizes = sorted({min(size, n_all) for size in arguments.sizes})
    print("| articles | CPU s | wall s | peak MB | MB before | duplicates |\n|--:|--:|--:|--:|--:|--:|")
    runs = []
    for size in sizes:
        runs.append(run := _in_own_process(_growth_run, arguments.corpora, size, arguments.model))
        memory = f"{run.peak_mb:,.0f} | {run.before_mb:,.0f}"
        print(f"| {size:,} | {run.cpu_seconds:.1f} | {run.wall_seconds:.1f} | {memory} | {run.n_duplicates:,} |", flush=True)
    if len(sizes) > 1:
        slope = np.polyfit(np.log(sizes), np.log([run.cpu_seconds for run in runs]), 1)[0]
        print(f"\nCPU seconds grow as n ** {slope:.2f} (least squares of the logarithms)")


def candidates(arguments: argparse.Namespace) -> None:
    """Candidate pairs beside all pairs with that cosine, by a full matrix product over the same rows."""
    articles = unlabelled(arguments.corpora, arguments.articles)
    with closing(TextSpool()) as texts:
        rows = spooled_rows(articles, load_model(arguments.model).vocabulary, texts)
    found, true_keys = all_candidates(rows), _brute_force_keys(rows, MIN_COSINE)
    is_found = np.isin(true_keys, _keys(found, len(rows)))
    print(f"{len(articles):,} articles; pairs with cosine of {MIN_COSINE} or more: {len(true_keys):,}")
    print(f"of these candidates: {is_found.sum():,}; recall {is_found.mean():.6f}; candidates in all: {len(found):,}")


def _in_own_process(task: Callable[..., T], *arguments: object) -> T:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(task, *arguments).result()


def _installed(tools: Sequence[str]) -> list[str]:
    for tool in tools:
        if not versions(tool):
            print(f"{tool} is skipped: it is not installed (see duplicates-peers.txt)")
    return [tool for tool in tools if versions(tool)]


def _senate_run(tool: str, corpora: Path, n_articles: int | None, model_file: str | None) -> Run:
    return _measured(tool, senate_bulk(corpora, n_articles), model_file)[0]


def _growth_run(corpora: Path, n_articles: int, model_file: str | None) -> Run:
    return _measured("newsclf", unlabelled(corpora, n_articles), model_file)[0]


def _measured(tool: str, articles: Sequence[Article], model_file: str | None) -> tuple[Run, Found]:
    find = finders(model_file)[tool]
    find(articles[:20])  # loads libraries
    before_mb, cpu, wall = _peak_mb(), time.process_time(), time.perf_counter()
    found = find(articles)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return Run(len(articles), cpu, wall, before_mb, _peak_mb(), len(found.pairs), found.n_duplicates), found


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_PER_UNIT / 1024


def _print_run(tool: str, runs: Sequence[Run], ours: Sequence[Run]) -> None:
    cpu, wall, peak_mb, before_mb = (
        statistics.median(getattr(run, name) for run in runs) for name in ("cpu_seconds", "wall_seconds", "peak_mb", "before_mb")
    )
    ratio = statistics.median(our.cpu_seconds / run.cpu_seconds for our, run in zip(ours, runs, strict=True))
    counts = f"{runs[0].n_pairs:,} | {runs[0].n_duplicates:,}"
    print(f"| {tool} | {cpu:.1f} | {wall:.1f} | {ratio:.2f} | {peak_mb:,.0f} | {before_mb:,.0f} | {counts} |", flush=True)


def _trial_shares(tool: str, trial_name: str, corpora: Path, model_file: str | None) -> dict[str, dict[str, str]]:
    """Measure to figure, for the tool or, where its threshold is the user's to choose, for each threshold."""
    trial = TRIALS[trial_name](corpora)
    run, found = _measured(tool, trial.articles, model_file)
    if tool != "sparse_dot_topn":
        return {tool: _shares(trial, found.pairs, run)}
    thresholds = (MIN_COSINE, STRICT_COSINE)
    return {f"cosine {t}": _shares(trial, found.pairs[found.similarity >= t], run) for t in thresholds}


def _shares(trial: Trial, pairs: NDArray[np.int64], run: Run) -> dict[str, str]:
    n_articles = len(trial.articles)
    found = _keys(pairs, n_articles)
    known = {**trial.duplicates, **{f"{name} (no duplicate)": others for name, others in trial.others.items()}}
    shares = {f"{kind}, {len(of):,}": f"{np.isin(_keys(of, n_articles), found).mean():.3f}" for kind, of in known.items()}
    if trial.n_known:
        shares |= _known_shares(trial, pairs, found)
    return {**shares, "CPU s": f"{run.cpu_seconds:.1f}"}


def _known_shares(trial: Trial, pairs: NDArray[np.int64], found: NDArray[np.int64]) -> dict[str, str]:
    """How many articles have at least one duplicate found, and how many pairs with one of them are no duplicates."""
    is_true = np.isin(found, np.concatenate([_keys(of, len(trial.articles)) for of in trial.duplicates.values()]))
    is_known = (pairs < trial.n_known).any(axis=1)
    n_reached = len(np.unique(pairs[is_true]))
    return {
        f"found by one pair or more, {trial.n_known:,}": f"{n_reached / trial.n_known:.3f}",
        "false matches": f"{np.count_nonzero(is_known & ~is_true):,}",
    }


def _keys(pairs: NDArray[np.int64], n_articles: int) -> NDArray[np.int64]:
    """One number a pair, whichever article comes first."""
    keys: NDArray[np.int64] = pairs.min(axis=1) * n_articles + pairs.max(axis=1)
    return keys


def _brute_force_keys(rows: Rows, threshold: float) -> NDArray[np.int64]:
    from scipy.sparse import csr_matrix

    matrix = csr_matrix((rows.values.astype(np.float64), rows.columns, rows.offsets), shape=(len(rows), rows.n_columns))
    keys = [np.zeros(0, np.int64)]
    for start in range(0, len(rows), MULTIPLIED_AT_ONCE):
        cosines = (matrix[start : start + MULTIPLIED_AT_ONCE] @ matrix.T).tocoo()
        left, right = cosines.row.astype(np.int64) + start, cosines.col.astype(np.int64)
        is_pair = (cosines.data >= threshold) & (left < right)
        keys.append((left * len(rows) + right)[is_pair])
    return np.concatenate(keys)


if __name__ == "__main__":
    main()
