"""``newsclf train``: a model from labelled articles."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from newsclf.cli.inputs import Encoding, InputFormat, Jobs, Paths, articles_of
from newsclf.cli.output import write_out


def train(
    corpus: Paths,
    output: Annotated[Path, typer.Option("-o", "--output", help="Where the model goes; a file there is replaced.")],
    budget: Annotated[int, typer.Option(min=1, help="Seconds to spend on choosing settings, by a fixed estimate.")] = 300,
    balance: Annotated[float, typer.Option(min=0, max=1, help="Even out the topics' weights: 0 not at all, 1 fully.")] = 0.0,
    pairs: Annotated[
        str | None, typer.Option(metavar="FILE", help="Judged pairs (a, b, duplicate) as JSON Lines: learn duplicates from them.")
    ] = None,
    jobs: Jobs = 1,
    output_format: Annotated[str, typer.Option("--format", metavar="[text|jsonl]", help="How the scores are written.")] = "text",
    input_format: InputFormat = None,
    encoding: Encoding = "utf-8",
) -> None:
    """Learn topics from labelled articles: the fields `label` and `text`, and `title`, `weight`, `source` where there are any.

    Copies are removed, settings are chosen by cross-validation, probabilities are calibrated. Same corpus, same bytes.
    Without --pairs the model decides on duplicates as the one that ships does.

    Example: newsclf train articles.jsonl -o topics.safetensors
    """
    if output_format not in ("text", "jsonl"):
        raise typer.BadParameter(f"{output_format!r} is not one of text, jsonl", param_hint="--format")
    if not output.parent.is_dir():
        raise typer.BadParameter(f"{output.parent} is not a folder", param_hint="--output")
    if output.is_dir() or not os.access(output.parent, os.W_OK):
        raise typer.BadParameter(f"{output} cannot be written", param_hint="--output")
    from newsclf.model_file import save
    from newsclf.reading import read_pairs
    from newsclf.training import pairs_to_learn_from
    from newsclf.training import train as train_model

    judged = read_pairs(pairs, encoding=encoding) if pairs else []
    with articles_of(corpus, input_format=input_format, encoding=encoding, split=True) as stream:
        articles = list(stream)
        lessons = pairs_to_learn_from(judged, articles) if pairs else []
        model = train_model(articles, budget_seconds=budget, balance=balance, pairs=lessons, n_jobs=jobs, notify=_say)
        save(model, output)
        write_out(_scores(model.facts, output_format))
        _say(f"wrote {output} ({output.stat().st_size / 1e6:.1f} MB)")


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def _scores(facts: Mapping[str, Any], output_format: str) -> str:
    if output_format == "jsonl":
        return (
            json.dumps({"articles": facts["articles"], "settings": facts["settings"], **facts["scores"]}, ensure_ascii=False)
            + "\n"
        )
    return "".join(_table(f"Scores on {kind}", scores) for kind, scores in facts["scores"].items())


def _table(heading: str, scores: Mapping[str, Any]) -> str:
    topics = scores["topics"]
    width = max(map(len, topics))
    rows = [
        f"  {name:<{width}}  {of['precision']:9.3f}  {of['recall']:6.3f}  {of['f1']:5.3f}  {of['articles']:8,}\n"
        for name, of in topics.items()
    ]
    summary = ", ".join(f"{name.replace('_', ' ')} {scores[name]:.3f}" for name in ("macro_f1", "accuracy", "calibration_error"))
    return f"{heading}: {summary}\n  {'':<{width}}  precision  recall     f1  articles\n{''.join(rows)}"
