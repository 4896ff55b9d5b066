"""``newsclf ingest``: what articles are about and what they copy, against everything seen so far, which then holds them too."""

import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsclf.article import Article
from newsclf.cli.batches import Arrived, Feed, stopping_on_signals
from newsclf.cli.index import time_span
from newsclf.cli.inputs import Encoding, InputFormat, Paths, Whole, wrong_options
from newsclf.cli.output import (
    N_DECIMALS,
    Format,
    counted,
    csv_columns,
    csv_fields,
    csv_line,
    json_fields,
    json_line,
    printable,
    text_of,
    topic_width,
    write_out,
)
from newsclf.reading import read_articles

if TYPE_CHECKING:
    from newsclf.duplicates.compare import Match
    from newsclf.index.article_index import ArticleIndex
    from newsclf.index.records import Sighting

COLUMNS = ("status", "cluster", "canonical", "duplicate", "kind", "duplicate_probability")
STATUSES = ("new", "updated", "unchanged")
MAX_DELAY_SECONDS = 3600
INTERRUPTED = 128 + signal.SIGINT  # the status that a shell gives what Ctrl-C ended


class Sync(StrEnum):
    """What ``--sync`` takes."""

    NORMAL = "normal"
    FULL = "full"


def ingest(
    paths: Paths,
    index: Annotated[Path, typer.Option("--index", metavar="FILE", help="The index; made where there is none.")],
    model: Annotated[Path | None, typer.Option("-m", "--model", help="Model file; default: the model that ships.")] = None,
    output_format: Annotated[
        Format, typer.Option("--format", help="How each article's line is written; passages that match are in jsonl only.")
    ] = Format.TEXT,
    max_delay: Annotated[
        float, typer.Option(min=0, max=MAX_DELAY_SECONDS, metavar="SECONDS", help="How long an article waits for others at most.")
    ] = 0.2,
    batch: Annotated[int, typer.Option(min=1, metavar="N", help="Add at most this many articles at once.")] = 256,
    window: Annotated[
        timedelta | None,
        typer.Option(parser=time_span, metavar="SPAN", help="Remove what was added longer ago: 12h, 30d, 8w."),
    ] = None,
    sync: Annotated[Sync, typer.Option(help="full outlives a power cut too, and takes longer.")] = Sync.NORMAL,
    no_text: Annotated[
        bool, typer.Option("--no-text", help="Of a new index: keep no titles and texts. Only copies to the word are found then.")
    ] = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Of a feed that comes again: skip what the index holds, and write no line for it.",
        ),
    ] = False,
    input_format: InputFormat = None,
    encoding: Encoding = "utf-8",
    whole: Whole = False,
) -> None:
    """Tell what each article is about and which one it copies, of all that an index has seen, and remember it there.

    A line is written once its article is on disk. `probability` is the topic's, `duplicate_probability` that of being a copy of
    `canonical`. An article without an id goes by its url, or else by its place in the input and a hash of its text. On SIGTERM
    what has been read is finished; exit status 0.

    Example: tail -f feed.jsonl | newsclf ingest - --index articles.db --window 30d --format jsonl
    """
    feed = Feed()
    articles = _articles(paths, feed, input_format=input_format, encoding=encoding, split=not whole)
    with stopping_on_signals(feed.stop) as signals, feed.reading(articles):
        from newsclf.index.opening import open_index
        from newsclf.model_file import load

        news_model = load(model)
        header, line_of = _sighting_writer(output_format, news_model.topics.labels)
        opened = open_index(index, news_model, sync=sync, keep_text=False if no_text else None, window=window)
        with opened, _tallied() as tally:
            write_out(header)
            resumed = _Resumed(opened) if resume else None
            for arrived in feed.batches(batch, max_delay):
                _ingest(arrived, opened, tally, line_of, resumed)
    if signal.SIGINT in signals:
        raise typer.Exit(INTERRUPTED)
    if tally.n_failures:
        raise typer.Exit(1)


def _articles(paths: list[str], feed: Feed, *, input_format: str | None, encoding: str, split: bool) -> Iterator[Article]:
    with wrong_options():
        return read_articles(
            paths, input_format=input_format, encoding=encoding, split=split, on_error=feed.put, id_of=_lasting_id
        )


def _lasting_id(article: Article, place: str) -> str:
    """The same whenever the same input comes again, and no other article's: the place alone is also that of tomorrow's feed."""
    from newsclf.index.encoding import digest_of

    return article.url or f"{place}:{digest_of(article).hex()[:8]}"


@dataclass
class _Tally:
    """What was done so far, and the line that says so on a terminal."""

    start: float = field(default_factory=time.perf_counter)
    n_skipped: int = 0
    n_failures: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str | None] = field(default_factory=Counter)

    def add(self, sightings: Iterable["Sighting"]) -> None:
        for sighting in sightings:
            self.statuses[sighting.status] += 1
            self.kinds[sighting.kind] += sighting.duplicate

    def show_line(self) -> None:
        if sys.stderr.isatty():
            print(f"{self._done()}, {counted(self.kinds.total(), 'duplicate')}", end="", file=sys.stderr, flush=True)

    def clear_line(self) -> None:
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def summary(self) -> str:
        from newsclf.duplicates.decide import KINDS

        listed = [f"{self.statuses[status]:,} {status}" for status in STATUSES if self.statuses[status]]
        listed += [f"{self.n_skipped:,} skipped"] if self.n_skipped else []
        statuses = f": {', '.join(listed)}" if listed else ""
        kinds = ", ".join(f"{self.kinds[kind]:,} {kind}" for kind in KINDS if self.kinds[kind])
        return f"{self._done()}{statuses}; {counted(self.kinds.total(), 'duplicate')}" + (f" ({kinds})" if kinds else "")

    def _done(self) -> str:
        seconds = time.perf_counter() - self.start
        n_articles = self.statuses.total()
        return f"{counted(n_articles, 'article')} in {seconds:.1f} s ({n_articles / seconds:,.0f}/s)"


@contextmanager
def _tallied() -> Iterator[_Tally]:
    """A tally whose summary goes to stderr in the end, whatever ends it; but quietly if nobody reads the output any more."""
    tally = _Tally()
    try:
        yield tally
    finally:
        tally.clear_line()
        if not isinstance(sys.exc_info()[1], BrokenPipeError):
            print(tally.summary(), file=sys.stderr)


def _ingest(
    arrived: Sequence[Arrived],
    index: "ArticleIndex",
    tally: _Tally,
    line_of: "Callable[[Article, Sighting], str]",
    resumed: "_Resumed | None",
) -> None:
    """Adds a batch and writes its lines, each once its article is on disk."""
    from newsclf.index.article_index import BLOCK_ARTICLES
    from newsclf.text.blocks import article_blocks

    failures = [error for error in arrived if not isinstance(error, Article)]
    came = [article for article in arrived if isinstance(article, Article)]
    articles = came if resumed is None else resumed.lacking(came)
    tally.n_skipped += len(came) - len(articles)
    tally.n_failures += len(failures)
    tally.clear_line()
    for error in failures:
        print(f"newsclf: {error}", file=sys.stderr)
    for block in article_blocks(articles, BLOCK_ARTICLES):  # as the index adds them: no line waits for another block
        sightings = index.add_many(block)
        tally.add(sightings)
        for article, sighting in zip(block, sightings, strict=True):
            write_out(line_of(article, sighting))
        sys.stdout.buffer.flush()
    tally.show_line()


class _Resumed:
    """What of a feed that comes again an index lacks.

    An id may stand in a feed several times. What comes before the version that the index holds it has seen and replaced; what
    comes after is new to it. So of each id that is there from before, all is skipped up to that version.
    """

    def __init__(self, index: "ArticleIndex") -> None:
        self._index = index
        now = datetime.now(UTC)
        self._start = now.replace(microsecond=now.microsecond // 1000 * 1000)  # as exact as the times in the index
        self._met: set[str | None] = set()

    def lacking(self, articles: Sequence[Article]) -> list[Article]:
        """The articles that are not skipped; called with the feed batch by batch."""
        seen = self._index.seen(articles)
        return [article for article, found in zip(articles, seen, strict=True) if not self._is_skipped(article, found)]

    def _is_skipped(self, article: Article, found: tuple[datetime, bool] | None) -> bool:
        if found is None or found[0] >= self._start or article.id in self._met:
            return False
        if found[1]:
            self._met.add(article.id)
        return True


def _sighting_writer(output_format: Format, topics: Iterable[str]) -> "tuple[str, Callable[[Article, Sighting], str]]":
    """The line that goes first ("" for none) and the function that makes an article's line, as of ``prediction_writer``."""
    names = list(topics)
    if output_format is Format.JSONL:
        return "", _json_line
    if output_format is Format.CSV:
        return csv_line([*csv_columns(names), *COLUMNS]), lambda article, sighting: _csv_row(article, sighting, names)
    width = topic_width(names)
    return "", lambda article, sighting: f"{text_of(article, sighting.prediction, width)}{_copied(sighting)}\n"


def _json_line(article: Article, sighting: "Sighting") -> str:
    return json_line(json_fields(article, sighting.prediction) | _found(sighting) | {"match": _evidence(sighting.match)})


def _csv_row(article: Article, sighting: "Sighting", names: Sequence[str]) -> str:
    return csv_line([*csv_fields(article, sighting.prediction, names), *_found(sighting).values()])


def _found(sighting: "Sighting") -> dict[str, object]:
    """The fields of ``COLUMNS``."""
    probability = None if sighting.probability is None else round(sighting.probability, N_DECIMALS)
    return {name: getattr(sighting, name) for name in COLUMNS[:-1]} | {COLUMNS[-1]: probability}


def _evidence(match: "Match | None") -> Mapping[str, object] | None:
    if match is None:
        return None
    return {
        "cosine": round(match.cosine, N_DECIMALS),
        "containment": round(match.containment, N_DECIMALS),
        "passages": [asdict(passage) for passage in match.passages],
    }


def _copied(sighting: "Sighting") -> str:
    if not sighting.duplicate:
        return ""
    return f"  = {printable(sighting.canonical or '')} ({sighting.kind} {sighting.probability:.2f})"
