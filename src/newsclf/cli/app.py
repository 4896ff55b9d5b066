"""The ``newsclf`` command and its subcommands."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
import typer.core

import newsclf
from newsclf.cli.compare import compare
from newsclf.cli.dedup import dedup
from newsclf.cli.index import app as index_app
from newsclf.cli.ingest import ingest
from newsclf.cli.predict import predict
from newsclf.cli.train import train
from newsclf.errors import NewsclfError

typer.core.HAS_RICH = False  # its plain help would else escape brackets for rich, and print "\\[required]"
app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
app.command()(predict)
app.command()(dedup)
app.command()(ingest)
app.command()(compare)
app.command()(train)
app.add_typer(index_app, name="index")


def main() -> None:
    """Runs the command; an error that has a message of its own shows that and no traceback, with exit status 1."""
    if sys.stderr is None:  # closed by the caller: what is for people goes nowhere, and not to stdout
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 for as long as the process runs
    if sys.stdout is None:  # closed by the caller: there is nowhere to write to
        sys.exit("newsclf: standard output is closed")
    try:
        app()
    except (NewsclfError, OSError) as error:  # an OSError here is an output that cannot be written: a full disk, say
        print(f"newsclf: {error}", file=sys.stderr)
        sys.exit(1)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"newsclf {newsclf.__version__}")
        raise typer.Exit


@app.callback(epilog="Example: newsclf predict articles.jsonl --format jsonl")
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """What a news article is about, at the speed of the feed."""
