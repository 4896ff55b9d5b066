"""``newsclf dedup``: the near-duplicates of a corpus."""

import os
import re
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from newsclf.cli.inputs import Encoding, InputFormat, Jobs, Paths, Whole, articles_of
from newsclf.cli.output import Format

MIN_MEMORY_BYTES = 1 << 28  # what NumPy, the model and one block of articles take at any rate
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_SIZE = re.compile(r"(\d{1,9}(?:\.\d+)?)\s*([KMG]?)i?B?", re.IGNORECASE)


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
    _check_keep(keep, [*paths, *([str(model)] if model else [])])
    from newsclf.cli.clusters import summary, write_clusters
    from newsclf.model_file import load

    start = time.perf_counter()
    news_model = load(model)
    with articles_of(paths, input_format=input_format, encoding=encoding, split=not whole) as articles:
        clusters = write_clusters(
            articles, news_model, output_format=output_format, keep=keep, n_jobs=jobs, max_memory_bytes=max_memory_bytes
        )
        print(summary(clusters, time.perf_counter() - start), file=sys.stderr)


def _check_keep(keep: Path | None, paths: Iterable[str]) -> None:
    if keep is None:
        return
    if not keep.parent.is_dir() or keep.is_dir() or not os.access(keep.parent, os.W_OK):
        raise typer.BadParameter(f"{keep} cannot be written", param_hint="--keep")
    if keep.exists() and any(Path(path).exists() and keep.samefile(path) for path in paths):
        raise typer.BadParameter(f"{keep} is read by this command; name another file", param_hint="--keep")
