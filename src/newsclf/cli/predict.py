"""``newsclf predict``: the topics of articles."""

import sys
from itertools import tee
from pathlib import Path
from typing import Annotated

import typer

from newsclf.cli.inputs import Encoding, InputFormat, Jobs, Paths, Whole, articles_of
from newsclf.cli.output import Format, prediction_writer, write_out


def predict(
    paths: Paths,
    model: Annotated[Path | None, typer.Option("-m", "--model", help="Model file; default: the model that ships.")] = None,
    output_format: Annotated[Format, typer.Option("--format", help="How each article's line is written.")] = Format.TEXT,
    top: Annotated[int | None, typer.Option(min=1, help="Show this many topics with their probabilities.")] = None,
    jobs: Jobs = 1,
    input_format: InputFormat = None,
    encoding: Encoding = "utf-8",
    whole: Whole = False,
) -> None:
    """Tell what each article is about.

    A .txt file holds one article, or several that start with `Title | tag` headlines.

    Example: newsclf predict news.txt feed.jsonl.gz --format csv > topics.csv
    """
    from newsclf.model_file import load

    news_model = load(model)
    header, line_of = prediction_writer(output_format, news_model.topics.labels, top)
    with articles_of(paths, input_format=input_format, encoding=encoding, split=not whole) as articles:
        for_model, for_output = tee(articles)
        write_out(header)
        for article, prediction in zip(for_output, news_model.predict_many(for_model, n_jobs=jobs), strict=True):
            write_out(line_of(article, prediction))
    sys.stdout.buffer.flush()
