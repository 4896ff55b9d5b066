"""``newsclf compare``: one pair of articles, with the evidence."""

import json
import sys
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsclf.article import Article
from newsclf.cli.inputs import Encoding, InputFormat, wrong_options
from newsclf.cli.output import N_DECIMALS, printable, write_out
from newsclf.errors import InputError
from newsclf.reading import read_articles

if TYPE_CHECKING:  # the commands that only want topics need not wait for it
    from newsclf.duplicates.compare import Match

One = Annotated[str, typer.Argument(help="A file with one article, or - for standard input.")]


def compare(
    a: One,
    b: One,
    model: Annotated[Path | None, typer.Option("-m", "--model", help="Model file; default: the model that ships.")] = None,
    output_format: Annotated[str, typer.Option("--format", metavar="[text|jsonl]", help="How the result is written.")] = "text",
    input_format: InputFormat = None,
    encoding: Encoding = "utf-8",
) -> None:
    """Tell whether two articles are near-duplicates, what kind of copy the one is, and why.

    A .txt file is taken as one article. Passages are given by their characters in each text, the first being 0.

    Example: newsclf compare first.txt second.txt
    """
    if output_format not in ("text", "jsonl"):
        raise typer.BadParameter(f"{output_format!r} is not one of text, jsonl", param_hint="--format")
    from newsclf.model_file import load

    news_model = load(model)
    articles = [_only_article(path, input_format, encoding) for path in (a, b)]
    match = news_model.compare(*articles)
    write_out(_json_line(match) if output_format == "jsonl" else _text(match))
    sys.stdout.buffer.flush()


def _only_article(path: str, input_format: str | None, encoding: str) -> Article:
    with wrong_options():
        articles = list(islice(read_articles(path, input_format=input_format, encoding=encoding, split=False), 2))
    if len(articles) != 1:
        found = "more than one article" if articles else "no article"
        raise InputError(path, f"holds {found}; compare takes one from each file")
    return articles[0]


def _json_line(match: "Match") -> str:
    fields = asdict(match)
    numbers = {name: round(fields[name], N_DECIMALS) for name in ("probability", "cosine", "containment")}
    return json.dumps(fields | numbers, ensure_ascii=False) + "\n"


def _text(match: "Match") -> str:
    answer = f"duplicate ({match.kind})" if match.duplicate else "no duplicate"
    lines = [f"{answer}  probability {match.probability:.2f}  cosine {match.cosine:.2f}  containment {match.containment:.2f}"]
    lines += [f"  {printable(reason)}" for reason in match.reasons]
    for found in match.passages:
        lines.append(f"  A {found.a_start}-{found.a_end}, B {found.b_start}-{found.b_end}: {_quoted(found.text)}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A passage on one line, the middle of a long one left out."""
    line = printable(text)
    return f'"{line}"' if len(line) <= 160 else f'"{line[:90].rstrip()} … {line[-60:].lstrip()}"'
