"""How predictions are written: text for people, JSON Lines and CSV for programs."""

import csv
import io
import json
import sys
from collections.abc import Callable, Iterable
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
        return "", lambda article, prediction: _json_line(article, prediction, n_top)
    if output_format is Format.CSV:
        header = csv_line(["id", "title", "topic", "probability", "abstained", "reason", *names])
        return header, lambda article, prediction: _csv_row(article, prediction, names, n_top)
    width = max(map(len, [*names, "unknown"]))
    return "", lambda article, prediction: _text_line(article, prediction, width, n_top)


def write_out(line: str) -> None:
    """Writes to stdout as it is; a lone surrogate becomes its escape, which in JSON is still the same string."""
    sys.stdout.buffer.write(line.encode("utf-8", "backslashreplace"))


def _json_line(article: Article, prediction: Prediction, n_top: int | None) -> str:
    fields = {
        "id": article.id,
        "title": article.title,
        "topic": prediction.topic,
        "probability": round(prediction.probability, N_DECIMALS),
        "probabilities": _top(prediction, n_top),
        "abstained": prediction.abstained,
        "reason": prediction.reason,
        "subjects": subjects(prediction.topic),
    }
    return json.dumps(fields, ensure_ascii=False) + "\n"


def _csv_row(article: Article, prediction: Prediction, names: list[str], n_top: int | None) -> str:
    top = _top(prediction, n_top)
    probability = round(prediction.probability, N_DECIMALS)
    fields = [article.id, article.title, prediction.topic, probability, prediction.abstained, prediction.reason]
    return csv_line([*fields, *(top.get(name) for name in names)])


def csv_line(fields: Iterable[object]) -> str:
    """A line of CSV with its line end."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(fields)
    return line.getvalue()


def _text_line(article: Article, prediction: Prediction, width: int, n_top: int | None) -> str:
    title = short(article.title or article.text[: 2 * MAX_TITLE_CHARACTERS])
    answer = f"{prediction.topic:<{width}}  {prediction.probability:.2f}" if prediction.topic else f"{'unknown':<{width}}  -   "
    others = list(_top(prediction, n_top or 0).items())[1:] if prediction.topic else []
    top = "".join(f"  {name} {probability:.2f}" for name, probability in others)
    reason = f"  ({prediction.reason})" if prediction.reason else ""
    name = printable(article.id or "-")
    return f"{answer}{top}  {name}  {title}{reason}\n"


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
