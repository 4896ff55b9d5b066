"""How predictions are written: text for people, JSON Lines and CSV for programs."""

import csv
import io
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum

from newsclf.article import Article
from newsclf.model import Prediction
from newsclf.topics.iptc import subjects

MAX_TITLE_CHARACTERS = 70
N_DECIMALS = 6  # of a probability in a file: more are noise


class Format(StrEnum):
    """What ``--format`` takes."""

    TEXT = "text"
    JSONL = "jsonl"
    CSV = "csv"


Writer = Callable[[Article, Prediction], str]


def prediction_writer(output_format: Format, topics: Iterable[str], n_top: int | None) -> tuple[str, Writer]:
    """The line that goes first ("" for none) and the function that makes an article's line, line ends included."""
    names = list(topics)
    if output_format is Format.JSONL:
        return "", lambda article, prediction: json_line(json_fields(article, prediction, n_top))
    if output_format is Format.CSV:
        return csv_line(csv_columns(names)), lambda article, prediction: csv_line(csv_fields(article, prediction, names, n_top))
    width = topic_width(names)
    return "", lambda article, prediction: text_of(article, prediction, width, n_top) + "\n"


def write_out(line: str) -> None:
    """Writes to stdout as it is; a lone surrogate becomes its escape, which in JSON is still the same string."""
    rest = memoryview(line.encode("utf-8", "backslashreplace"))
    while rest:  # unbuffered, as PYTHONUNBUFFERED makes it, a signal can cut a write short
        rest = rest[sys.stdout.buffer.write(rest) :]


def json_line(fields: Mapping[str, object]) -> str:
    """A line of JSON Lines with its line end."""
    return json.dumps(fields, ensure_ascii=False) + "\n"


def json_fields(article: Article, prediction: Prediction, n_top: int | None = None) -> dict[str, object]:
    """What a JSON line says of an article's topic."""
    return {
        "id": article.id,
        "title": article.title,
        "topic": prediction.topic,
        "probability": round(prediction.probability, N_DECIMALS),
        "probabilities": _top(prediction, n_top),
        "abstained": prediction.abstained,
        "reason": prediction.reason,
        "subjects": subjects(prediction.topic),
    }


def csv_columns(names: Iterable[str]) -> list[str]:
    """The columns of ``csv_fields``."""
    return ["id", "title", "topic", "probability", "abstained", "reason", *names]


def csv_fields(article: Article, prediction: Prediction, names: Iterable[str], n_top: int | None = None) -> list[object]:
    """What a CSV row says of an article's topic: the probabilities of the topics of these names come last."""
    top = _top(prediction, n_top)
    probability = round(prediction.probability, N_DECIMALS)
    fields = [article.id, article.title, prediction.topic, probability, prediction.abstained, prediction.reason]
    return [*fields, *(top.get(name) for name in names)]


def csv_line(fields: Iterable[object]) -> str:
    """A line of CSV with its line end."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(fields)
    return line.getvalue()


def topic_width(names: Iterable[str]) -> int:
    """How wide the column of topics is in text."""
    return max(map(len, [*names, "unknown"]))


def text_of(article: Article, prediction: Prediction, width: int, n_top: int | None = None) -> str:
    """An article's topic on one line for reading, without the line end."""
    title = short(article.title or article.text[: 2 * MAX_TITLE_CHARACTERS])
    answer = f"{prediction.topic:<{width}}  {prediction.probability:.2f}" if prediction.topic else f"{'unknown':<{width}}  -   "
    others = list(_top(prediction, n_top or 0).items())[1:] if prediction.topic else []
    top = "".join(f"  {name} {probability:.2f}" for name, probability in others)
    reason = f"  ({prediction.reason})" if prediction.reason else ""
    name = printable(article.id or "-")
    return f"{answer}{top}  {name}  {title}{reason}"


def counted(number: int, noun: str) -> str:
    """A number and its noun: 1 article, 1,234 articles."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def short(text: str, n_characters: int = MAX_TITLE_CHARACTERS) -> str:
    """So many characters of a text on one line, printable; where more were cut off the last is an ellipsis."""
    line = printable(text)
    return line if len(line) <= n_characters else line[: n_characters - 1] + "…"


def printable(text: str) -> str:
    """One line without the controls that could move a terminal's cursor or colours."""
    return "".join(character if character.isprintable() else " " for character in " ".join(text.split()))


def _top(prediction: Prediction, n_top: int | None) -> dict[str, float]:
    items = list(prediction.probabilities.items())[:n_top]
    return {name: round(probability, N_DECIMALS) for name, probability in items}
