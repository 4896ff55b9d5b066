"""``newsclf index``: looks after an index."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsclf.cli.output import N_DECIMALS, counted, json_line, printable, write_out
from newsclf.errors import IndexFileError

if TYPE_CHECKING:
    from newsclf.index.article_index import ArticleIndex
    from newsclf.index.records import IndexStats, StoredArticle

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = re.compile(rf"(\d{{1,6}})([{''.join(_UNITS)}])")  # more digits would be more than a timedelta holds

app = typer.Typer(no_args_is_help=True)


def time_span(text: str) -> timedelta:
    """The time span that an option names.

    Raises:
        typer.BadParameter: if it names none.

    >>> time_span("36h")
    datetime.timedelta(days=1, seconds=43200)
    """
    found = _SPAN.fullmatch(text.strip())
    if not found or not int(found[1]):
        raise typer.BadParameter(f"{text!r} is no time span; write it as 12h, 30d or 8w (units: {', '.join(_UNITS)})")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


IndexFile = Annotated[Path, typer.Argument(metavar="INDEX", help="The index, as in `newsclf ingest --index`.")]
ModelFile = Annotated[
    Path | None, typer.Option("-m", "--model", help="The model that the index was made with; default: the model that ships.")
]


@app.callback(epilog="Example: newsclf index stats articles.db")
def _group() -> None:
    """Look after an index that `newsclf ingest` has made."""


@app.command()
def stats(
    index: IndexFile,
    model: ModelFile = None,
    output_format: Annotated[str, typer.Option("--format", metavar="[text|jsonl]", help="How they are written.")] = "text",
) -> None:
    """Tell how large an index is, and since when.

    Example: newsclf index stats articles.db --format jsonl
    """
    if output_format not in ("text", "jsonl"):
        raise typer.BadParameter(f"{output_format!r} is not one of text, jsonl", param_hint="--format")
    with _opened(index, model, read_only=True) as opened:
        found = opened.stats()
    write_out(_stats_line(found) if output_format == "jsonl" else _stats_text(found))
    sys.stdout.buffer.flush()


@app.command()
def check(index: IndexFile, model: ModelFile = None) -> None:
    """Look for damage: one problem a line, and exit status 1 if there is any. Nothing is changed.

    Example: newsclf index check articles.db
    """
    _check_there(index)
    from newsclf.index.check import check_index
    from newsclf.index.opening import open_index
    from newsclf.model_file import load

    news_model = load(model)
    problems = check_index(index, news_model)
    for problem in problems:
        write_out(printable(problem) + "\n")
    if not problems:
        with open_index(index, news_model, read_only=True) as opened:
            write_out(f"sound: {counted(opened.stats().n_articles, 'article')}\n")
    sys.stdout.buffer.flush()
    if problems:
        raise typer.Exit(1)


@app.command()
def expire(
    index: IndexFile,
    older_than: Annotated[
        timedelta, typer.Option(parser=time_span, metavar="SPAN", help="Remove what was added longer ago: 12h, 30d, 8w.")
    ],
    model: ModelFile = None,
) -> None:
    """Remove the articles that were added longer ago than that, and give back their disk space.

    Example: newsclf index expire articles.db --older-than 30d
    """
    _check_there(index)
    with _opened(index, model, read_only=False) as opened:
        n_expired = opened.expire(older_than)
        left = opened.stats().n_articles
    print(f"removed {counted(n_expired, 'article')}; {left:,} left", file=sys.stderr)


@app.command()
def export(index: IndexFile, model: ModelFile = None) -> None:
    """Write the stored articles as JSON Lines, in their order of arrival: a corpus that every command reads.

    Example: newsclf index export articles.db | gzip > articles.jsonl.gz
    """
    with _opened(index, model, read_only=True) as opened:
        for stored in opened.export():
            write_out(json_line(_exported(stored)))
    sys.stdout.buffer.flush()


@app.command()
def rebuild(
    index: IndexFile,
    model: Annotated[
        Path | None, typer.Option("-m", "--model", help="Model file that the new one is for; default: the model that ships.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Where the new one goes; default: in the old one's place."),
    ] = None,
) -> None:
    """Make an index anew of all that can be read in it: after damage, or, where it keeps texts, for another model.

    Without --output it takes the old one's place, but only if nothing is lost. Exit status 1 if any article could not be read.

    Example: newsclf index rebuild articles.db --model my.safetensors
    """
    _check_there(index)
    from newsclf.index.rebuild import rebuild_index
    from newsclf.model_file import load

    news_model = load(model)
    with _progress() as progress:
        report = rebuild_index(index, news_model, output, progress)
    unreadable = f"; {report.n_unreadable:,} could not be read" if report.n_unreadable else ""
    print(f"rebuilt {output or index}: {counted(report.n_articles, 'article')}{unreadable}", file=sys.stderr)
    if report.n_unreadable:
        raise typer.Exit(1)


def _check_there(path: Path) -> None:
    """Before an index is opened for writing, which makes one where there is none."""
    if not path.exists():
        raise IndexFileError(f"{path}: no such index")


def _opened(path: Path, model: Path | None, *, read_only: bool) -> "ArticleIndex":
    from newsclf.index.opening import open_index
    from newsclf.model_file import load

    return open_index(path, load(model), read_only=read_only)


def _stats_line(found: "IndexStats") -> str:
    return json_line({name: _iso(value) if isinstance(value, datetime) else value for name, value in asdict(found).items()})


def _stats_text(found: "IndexStats") -> str:
    rows = {
        "articles": f"{found.n_articles:,}",
        "duplicates": f"{found.n_duplicates:,}",
        "cluster changes": f"{found.n_events:,}",
        "oldest": _iso(found.oldest) or "-",
        "newest": _iso(found.newest) or "-",
        "database": f"{found.database_bytes / 1e6:,.1f} MB",
        "postings": f"{found.postings_bytes / 1e6:,.1f} MB in {found.n_segments} segment{'' if found.n_segments == 1 else 's'}",
        "texts": "kept" if found.has_texts else "not kept",
        "fingerprint": found.fingerprint,
    }
    width = max(map(len, rows))
    return "".join(f"{name:<{width}}  {value}\n" for name, value in rows.items())


def _exported(stored: "StoredArticle") -> dict[str, Any]:
    article, probability = stored.article, stored.probability
    return {
        **{name: getattr(article, name) for name in ("id", "title", "text", "published", "source", "url")},
        "seen": _iso(stored.seen),
        "topic": stored.topic,
        "topic_probability": round(stored.topic_probability, N_DECIMALS),
        **{name: getattr(stored, name) for name in ("cluster", "canonical", "duplicate", "kind")},
        "probability": None if probability is None else round(probability, N_DECIMALS),
    }


def _iso(when: datetime | None) -> str | None:
    return None if when is None else when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@contextmanager
def _progress() -> Iterator[Callable[[int], None]]:
    """On a terminal a line on stderr that counts the articles."""
    is_shown = sys.stderr.isatty()

    def show(n_articles: int) -> None:
        if is_shown:
            print(f"\r{counted(n_articles, 'article')}\x1b[K", end="", file=sys.stderr, flush=True)

    try:
        yield show
    finally:
        if is_shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
