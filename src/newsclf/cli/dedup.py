"""``newsclf dedup``: the near-duplicates of a corpus."""

import json
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated

import typer

from newsclf.article import Article
from newsclf.cli.inputs import Encoding, InputFormat, Jobs, Paths, Whole, articles_of
from newsclf.cli.output import N_DECIMALS, Format, csv_line, printable, short, write_out
from newsclf.duplicates.cluster import Cluster, Clusters
from newsclf.duplicates.find import MIN_MEMORY_BYTES, Progress
from newsclf.duplicates.spool import RecordSpool

COLUMNS = ("id", "cluster", "canonical", "duplicate", "kind", "probability")
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMG]?)i?B?", re.IGNORECASE)
_DEFAULT_WEIGHT = 1.0


def _size_bytes(size: str) -> int:
    found = _SIZE.fullmatch(size.strip())
    if not found:
        raise typer.BadParameter(f"{size!r} is no size; write it as 512MB or 2GB")
    n_bytes = int(float(found[1]) * _UNITS[found[2].upper()])
    if n_bytes < MIN_MEMORY_BYTES:
        raise typer.BadParameter(f"{size} is too little; the least is {MIN_MEMORY_BYTES >> 20}MB")
    return n_bytes


def dedup(
    paths: Paths,
    model: Annotated[Path | None, typer.Option("-m", "--model", help="Model file; default: the model that ships.")] = None,
    output_format: Annotated[
        Format, typer.Option("--format", help="text lists the clusters; jsonl and csv have a line for each article.")
    ] = Format.TEXT,
    keep: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the corpus without its duplicates here, as JSON Lines.")
    ] = None,
    max_memory: Annotated[
        str, typer.Option(metavar="SIZE", help="About what the search may take; the rest goes to temporary files.")
    ] = "1GB",
    jobs: Jobs = 1,
    input_format: InputFormat = None,
    encoding: Encoding = "utf-8",
    whole: Whole = False,
) -> None:
    """Find the near-duplicates in a corpus: which article to keep, what copies it, and what kind of copy that is.

    Kinds are exact, retitled, cut, edited and retranslated. Of each cluster the article that was published first is kept, of
    several the longest. The order of the input does not matter.

    Example: newsclf dedup corpus.jsonl --format jsonl --keep unique.jsonl > clusters.jsonl
    """
    max_memory_bytes = _size_bytes(max_memory)
    _check_keep(keep, paths)
    from newsclf.dedup import find_duplicates
    from newsclf.model_file import load

    start = time.perf_counter()
    news_model = load(model)
    with (
        closing(RecordSpool()) as records,
        articles_of(paths, input_format=input_format, encoding=encoding, split=not whole) as articles,
        _progress_bar() as progress,
    ):
        spooled = _spooled(articles, records, is_whole=keep is not None)
        clusters = find_duplicates(spooled, news_model, n_jobs=jobs, max_memory_bytes=max_memory_bytes, progress=progress)
        for line in _lines(clusters, records, output_format):
            write_out(line)
        sys.stdout.buffer.flush()
        if keep is not None:
            _write_kept(keep, clusters, records)
        print(_summary(clusters, time.perf_counter() - start), file=sys.stderr)


def _check_keep(keep: Path | None, paths: Iterable[str]) -> None:
    if keep is None:
        return
    if not keep.parent.is_dir() or keep.is_dir() or not os.access(keep.parent, os.W_OK):
        raise typer.BadParameter(f"{keep} cannot be written", param_hint="--keep")
    if keep.resolve() in [Path(path).resolve() for path in paths]:
        raise typer.BadParameter(f"{keep} is part of the corpus; name another file", param_hint="--keep")


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
    with path.open("w", encoding="utf-8", errors="backslashreplace") as file:  # a lone surrogate becomes its JSON escape
        for number, kind in enumerate(clusters.kind.tolist()):
            if kind < 0:
                file.write(records.read(number) + "\n")


def _summary(clusters: Clusters, seconds: float) -> str:
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in clusters.count_kinds().items() if count)
    n_clusters = sum(1 for _ in clusters.with_duplicates())
    found = f"{clusters.n_duplicates:,} duplicates" + (f" ({kinds})" if kinds else "")
    return f"{len(clusters):,} articles, {n_clusters:,} clusters of several, {found}, {seconds:.1f} s{_peak_memory()}"


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
