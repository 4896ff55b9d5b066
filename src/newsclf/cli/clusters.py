"""How the clusters of a corpus are written: text for people, JSON Lines and CSV for programs; and the corpus without them."""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np

from newsclf.article import Article
from newsclf.atomic import replacing
from newsclf.cli.output import N_DECIMALS, Format, counted, csv_line, printable, short, write_out
from newsclf.dedup import find_duplicates
from newsclf.duplicates.cluster import Cluster, Clusters
from newsclf.duplicates.find import Progress
from newsclf.duplicates.spool import RecordSpool
from newsclf.model import NewsModel

COLUMNS = ("id", "cluster", "canonical", "duplicate", "kind", "probability")
_DEFAULT_WEIGHT = 1.0


def write_clusters(
    articles: Iterable[Article], model: NewsModel, *, output_format: Format, keep: Path | None, n_jobs: int, max_memory_bytes: int
) -> Clusters:
    """Finds the duplicates, writes what was found to stdout, and to ``keep`` the articles that are none."""
    with closing(RecordSpool()) as records, _progress_bar() as progress:
        spooled = _spooled(articles, records, is_whole=keep is not None)
        clusters = find_duplicates(spooled, model, n_jobs=n_jobs, max_memory_bytes=max_memory_bytes, progress=progress)
        if keep is not None:  # before the output, whose reader may not wait for its end
            _write_kept(keep, clusters, records)
        for line in _lines(clusters, records, output_format):
            write_out(line)
        sys.stdout.buffer.flush()
    return clusters


def _spooled(articles: Iterable[Article], records: RecordSpool, *, is_whole: bool) -> Iterator[Article]:
    """The same articles; what the output needs of each goes into the records on the way."""
    for article in articles:
        kept = _fields(article) if is_whole else {"id": article.id, "title": article.title or short(article.text)}
        records.append(json.dumps(kept, ensure_ascii=False))
        yield article


def _fields(article: Article) -> dict[str, object]:
    """The fields that the article came with."""
    values = {name: getattr(article, name) for name in dict.fromkeys(["id", "title", *(field.name for field in fields(Article))])}
    return {name: value for name, value in values.items() if name == "text" or value not in (None, "", _DEFAULT_WEIGHT)}


def _lines(clusters: Clusters, records: RecordSpool, output_format: Format) -> Iterator[str]:
    if output_format is Format.TEXT:
        return (_cluster_text(cluster, clusters, records) for cluster in clusters.with_duplicates())
    rows = _rows(clusters, records)
    if output_format is Format.JSONL:
        return (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return (csv_line(values) for values in _with_header(rows))


def _with_header(rows: Iterable[dict[str, object]]) -> Iterator[Iterable[object]]:
    yield COLUMNS
    for row in rows:
        yield row.values()


def _rows(clusters: Clusters, records: RecordSpool) -> Iterator[dict[str, object]]:
    for number, member in enumerate(clusters):
        probability = None if member.probability is None else round(member.probability, N_DECIMALS)
        fields = asdict(member) | {"canonical": _record(records, member.canonical)["id"], "probability": probability}
        yield {"id": _record(records, number)["id"], **fields}


def _record(records: RecordSpool, number: int) -> dict[str, str]:
    record: dict[str, str] = json.loads(records.read(number))
    return record


def _cluster_text(cluster: Cluster, clusters: Clusters, records: RecordSpool) -> str:
    n_articles = 1 + len(cluster.members)
    lines = [f"cluster {cluster.cluster}: {n_articles} articles, lowest probability {cluster.lowest_probability:.2f}"]
    lines.append(_article_text("keep", "", cluster.canonical, records))
    for number in cluster.members:
        member = clusters[number]
        lines.append(_article_text(member.kind or "", f"{member.probability:.2f}", number, records))
    return "\n".join(lines) + "\n\n"


def _article_text(what: str, probability: str, number: int, records: RecordSpool) -> str:
    record = _record(records, number)
    title = short(record.get("title") or record.get("text", ""))
    return f"  {what:<12}  {probability:<4}  {printable(record['id'])}  {title}"


def _write_kept(path: Path, clusters: Clusters, records: RecordSpool) -> None:
    kept = (records.read(number) + "\n" for number in np.flatnonzero(clusters.kind < 0).tolist())
    with replacing(path) as file:
        file.writelines(line.encode("utf-8", "backslashreplace") for line in kept)  # a lone surrogate becomes its JSON escape


def summary(clusters: Clusters, seconds: float) -> str:
    """What was found and what it took, in a line."""
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in clusters.count_kinds().items() if count)
    n_clusters = sum(1 for _ in clusters.with_duplicates())
    found = f"{counted(clusters.n_duplicates, 'duplicate')}" + (f" ({kinds})" if kinds else "")
    clustered = f"{counted(len(clusters), 'article')}, {counted(n_clusters, 'cluster')} of two or more"
    return f"{clustered}, {found}, {seconds:.1f} s{_peak_memory()}"


def _peak_memory() -> str:
    if sys.platform == "win32":
        return ""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1 << 10)
    return f", peak memory {peak / 1e6:,.0f} MB"


@contextmanager
def _progress_bar() -> Iterator[Progress]:
    """On a terminal a bar for the comparing, on stderr; the reading has its own."""
    if not sys.stderr.isatty():
        yield lambda step, n_done, n_articles: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    bar = Bar(console=Console(stderr=True), transient=True)
    task = bar.add_task("comparing", total=None)

    def show(step: str, n_done: int, n_articles: int | None) -> None:
        if n_articles is not None:  # the reading is over, and its own line is gone
            bar.start()
            bar.update(task, completed=n_done, total=n_articles)

    try:
        yield show
    finally:
        bar.stop()
