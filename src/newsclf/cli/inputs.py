"""What the commands share on their way in: input options, articles with progress, and failures that do not stop the rest."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from newsclf.article import Article
from newsclf.errors import InputError
from newsclf.reading import read_articles

Paths = Annotated[
    list[str],
    typer.Argument(metavar="PATH...", help="Files (.txt .jsonl .json .csv .tsv, each also .gz), or - for standard input."),
]
InputFormat = Annotated[
    str | None,
    typer.Option("--input", metavar="FORMAT", help="Format of the input, whatever its name; of -: jsonl if not given."),
]
Encoding = Annotated[str, typer.Option(help="Character encoding of the input.")]


def _checked_jobs(jobs: int) -> int:
    if jobs == 0:
        raise typer.BadParameter("0 processes do nothing; give 1 or more, or -1 for one a core")
    return jobs


Jobs = Annotated[int, typer.Option(callback=_checked_jobs, help="Processes; -1: one a core. The results are the same.")]
Whole = Annotated[bool, typer.Option("--whole", help="Take each .txt file as one article, however many headlines it has.")]


@contextmanager
def wrong_options() -> Iterator[None]:
    """Within it a format or encoding that the readers do not know is an error of usage."""
    try:
        yield
    except InputError:
        raise
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


@contextmanager
def articles_of(paths: Iterable[str], *, input_format: str | None, encoding: str, split: bool) -> Iterator[Iterator[Article]]:
    """The articles of all inputs; once they were used, exit status 1 if any could not be read.

    Each failure is named on stderr when it is met, and the rest is read all the same.
    """
    failures: list[InputError] = []

    def report(error: InputError) -> None:
        failures.append(error)
        print(f"newsclf: {error}", file=sys.stderr)

    with wrong_options():
        articles = read_articles(list(paths), input_format=input_format, encoding=encoding, split=split, on_error=report)
    yield with_progress(articles)
    if failures:
        raise typer.Exit(1)


def with_progress(articles: Iterator[Article]) -> Iterator[Article]:
    """The same articles; on a terminal a line on stderr counts them."""
    if not sys.stderr.isatty():
        return articles
    return _counted(articles)


def _counted(articles: Iterator[Article]) -> Iterator[Article]:
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} articles"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("articles", total=None)
        for article in articles:
            yield article
            progress.advance(task)
