"""Kills ingest processes at random instants and looks for what was lost: ``python -m tests.killing --kills 500 --seed 1``.

A feed of a few hundred articles is ingested by a process that acknowledges each batch on its stdout. It is killed with SIGKILL,
the index is looked through, and another process goes on from what was acknowledged, until the feed is through. What the index
then says must be what it says after a run that nobody disturbed. Segments are made so small that many are sealed and merged.
"""

import argparse
import contextlib
import json
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from itertools import cycle, islice
from pathlib import Path

from newsclf import Article, open_index
from newsclf.errors import IndexFileError
from newsclf.index.article_index import ArticleIndex
from newsclf.index.check import check_index
from newsclf.model import NewsModel
from newsclf.model_file import load

DATA = Path(__file__).parents[1] / "data"
BATCH = 16  # articles that are acknowledged together
OVERLAP = 2 * BATCH  # a restart goes back at most so far behind what was acknowledged
FAR = 8 * BATCH  # articles between two of one id; less, and going back would put the older in the place of the newer again
N_ARTICLES = 240
SMALL_TIERS = (4, 8, 32)
SMALL_CHECKPOINT_PAGES = 16
KILLS_A_FEED = 10  # then it is let through
STARTING_SHARE = 0.25  # of the kills while a process starts, which it does most of the time
MIN_WORK_SECONDS = 0.3  # for times that a busy machine has confused
POLL_SECONDS = 0.002
N_LOOKED_FOR = 16  # canonicals that are looked for after a kill, after the last one all

Content = dict[str, tuple[str, str]]


def feed_of(seed: int, n_articles: int = N_ARTICLES) -> list[Article]:
    """Articles of the starter corpus, copies of them, and ids that come again, once each, mostly with another text."""
    chance = random.Random(seed)
    rows = [json.loads(line) for line in (DATA / "articles.jsonl").read_text(encoding="utf-8").splitlines()]
    fresh = [Article(row["text"], row["title"], id=row["id"]) for row in chance.sample(rows, len(rows))]
    feed: list[Article] = []
    once: list[Article] = []  # those whose id has not come again
    for number in range(n_articles):
        dice = chance.random()
        if not feed or (fresh and dice < 0.5):
            once.append(fresh.pop())
        elif dice < 0.8 or len(once) <= FAR:
            once.append(replace(_copy(chance.choice(feed), chance), id=f"copy-{number}"))
        else:
            feed.append(_again(once.pop(chance.randrange(len(once) - FAR)), feed, chance))
            continue
        feed.append(once[-1])
    return feed


def _again(article: Article, feed: Sequence[Article], chance: random.Random) -> Article:
    """The id of an article with the same text, the same text edited, one that tells something else, or a copy of another's."""
    other = chance.choice(feed)
    texts = (article, _edited(article, chance), replace(other, text=f"{article.title}. {article.title}."), _copy(other, chance))
    return replace(chance.choice(texts), id=article.id)


def _copy(article: Article, chance: random.Random) -> Article:
    kinds: tuple[Callable[[Article], Article], ...] = (
        lambda article: article,
        lambda article: replace(article, title=f"Read now: {article.title}"),
        lambda article: replace(article, text=article.text[: len(article.text) * 2 // 3]),
        lambda article: _edited(article, chance),
    )
    return chance.choice(kinds)(article)


def _edited(article: Article, chance: random.Random) -> Article:
    words = article.text.split(" ")
    start = chance.randrange(len(words))
    return replace(article, text=" ".join(words[:start] + words[start + 8 :]) + " More on this story follows.")


def content_after(feed: Sequence[Article], n_articles: int) -> Content:
    """Title and text of each id after so many articles of a feed."""
    return {article.id or "": (article.title, article.text) for article in feed[:n_articles]}


@dataclass(frozen=True)
class Way:
    """One of the ways to ingest: its name, its command but for the index, and whether it is given all of the feed each time."""

    name: str
    arguments: tuple[str, ...]
    is_whole: bool = False

    def command(self, index: Path) -> list[str]:
        return [sys.executable, __file__, *(str(index) if argument == "INDEX" else argument for argument in self.arguments)]


_INGEST = ("newsclf", "ingest", "-", "--index", "INDEX", "--format", "jsonl", "--batch", str(BATCH))
WAYS = (
    Way("add_many", ("add_many", "INDEX")),
    Way("newsclf ingest", _INGEST),
    Way("newsclf ingest --resume", (*_INGEST, "--resume"), is_whole=True),
)


def small_segments() -> None:
    """Makes postings go to disk after a few articles, and pages of the WAL into the database."""
    import newsclf.index.database
    import newsclf.index.posted

    newsclf.index.posted.TIERS = SMALL_TIERS
    newsclf.index.database.CHECKPOINT_PAGES = SMALL_CHECKPOINT_PAGES


def ingest_lines(lines: Iterable[str], path: str) -> None:
    """Adds JSON Lines in small batches; an id on stdout acknowledges its article."""
    articles = (Article(**json.loads(line)) for line in lines)
    with open_index(path) as index:
        while batch := list(islice(articles, BATCH)):
            for sighting in index.add_many(batch):
                print(json.dumps({"id": sighting.id}))
            sys.stdout.flush()


@cache
def _model() -> NewsModel:
    return load()


@dataclass(frozen=True)
class Ended:
    """A process that has ended: the ids that it acknowledged, and whether it came to the end of its input."""

    ids: list[str]
    is_done: bool


@dataclass(frozen=True)
class Instant:
    """When a process is killed: so many seconds after its start, or after it acknowledged something."""

    seconds: float
    is_ingesting: bool


def run_process(way: Way, folder: Path, articles: Sequence[Article], instant: Instant | None) -> Ended:
    """Ingests articles into ``folder / "articles.db"`` in a process of its own, which is killed unless it ends before.

    Raises:
        RuntimeError: if it ends by itself with another status than 0.
    """
    source, acknowledged, errors = (folder / name for name in ("feed.jsonl", "acknowledged.jsonl", "errors.txt"))
    source.write_text("".join(json.dumps(_fields(article)) + "\n" for article in articles), encoding="utf-8")
    with source.open("rb") as stdin, acknowledged.open("wb") as stdout, errors.open("wb") as stderr:
        process = subprocess.Popen(way.command(folder / "articles.db"), stdin=stdin, stdout=stdout, stderr=stderr)
        try:
            while instant is not None and instant.is_ingesting and not acknowledged.stat().st_size and process.poll() is None:
                time.sleep(POLL_SECONDS)
            status = process.wait(None if instant is None else instant.seconds)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            process.kill()
            process.wait()
    if status:
        raise RuntimeError(f"{way.name} ended with status {status}: {errors.read_text(encoding='utf-8')}")
    lines = acknowledged.read_bytes().split(b"\n")[:-1]  # the last is empty, or was cut off by the kill
    return Ended([json.loads(line)["id"] for line in lines], status == 0)


def _fields(article: Article) -> dict[str, object]:
    return {name: value for name, value in asdict(article).items() if name in ("id", "title", "text")}


def _place_after(feed: Sequence[Article], ids: Iterable[str], start: int) -> int:
    """How far a feed was acknowledged by a process that had acknowledged it up to ``start`` and may have skipped some of it."""
    for id_ in ids:
        later = (place for place in range(start, len(feed)) if feed[place].id == id_)
        start = next(later, start - 1) + 1  # none where the same article was acknowledged again
    return start


def problems_after_kill(
    path: Path, feed: Sequence[Article], n_acknowledged: int, n_looked_for: int | None, chance: random.Random
) -> list[str]:
    """What is wrong with an index after a kill; nothing if it holds what was acknowledged, in order, and perhaps a batch more."""
    try:
        index = open_index(path, _model(), read_only=True)
    except IndexFileError as error:  # the process may not have come so far as to make one
        return [f"cannot be opened: {error}"] if n_acknowledged else []
    with index, closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        problems = [f"integrity_check: {line}" for (line,) in connection.execute("PRAGMA integrity_check") if line != "ok"]
        return problems + _content_problems(index, feed, n_acknowledged) + _cluster_problems(index, n_looked_for, chance)


def _content_problems(index: ArticleIndex, feed: Sequence[Article], n_acknowledged: int) -> list[str]:
    stored = [stored.article for stored in index.export()]
    content = {article.id or "": (article.title, article.text) for article in stored}
    problems = [] if len(content) == len(stored) else ["an id stands twice"]
    n_most = min(n_acknowledged + OVERLAP + BATCH, len(feed))
    if any(content == content_after(feed, n_articles) for n_articles in range(n_acknowledged, n_most + 1)):
        return problems
    expected = content_after(feed, n_acknowledged)
    lost = [id_ for id_ in expected if id_ not in content]
    other = [id_ for id_ in expected if id_ in content and content[id_] != expected[id_]]
    extra = [id_ for id_ in content if id_ not in expected]
    return [*problems, f"{n_acknowledged} articles were acknowledged; lost {lost}, of another text {other}, beyond them {extra}"]


def _cluster_problems(index: ArticleIndex, n_looked_for: int | None, chance: random.Random) -> list[str]:
    stored = {stored.article.id: stored for stored in index.export()}
    problems = [
        f"{id_} stands in the cluster of {article.canonical}, which is no canonical"
        for id_, article in stored.items()
        if article.canonical not in stored
        or stored[article.canonical].duplicate
        or article.duplicate == (id_ == article.canonical)
    ]
    canonicals = [article for article in stored.values() if not article.duplicate]
    clusters = {article.cluster for article in canonicals}
    problems += [] if len(clusters) == len(canonicals) else ["two canonicals have one cluster id"]
    looked_for = canonicals if n_looked_for is None else chance.sample(canonicals, min(n_looked_for, len(canonicals)))
    for article in looked_for:
        seen = index.check(replace(article.article, id="looked for"))
        if (seen.canonical, seen.kind) != (article.article.id, "exact"):
            problems.append(f"{article.article.id} is not found by its own text: {seen.canonical}, {seen.kind}")
    return problems


Answers = dict[str, tuple[object, ...]]


def answers(path: Path) -> Answers:
    """What an index says of each article, and what happened to each cluster, but for the times."""
    with open_index(path, _model(), read_only=True) as index:
        said: Answers = {}
        for stored in index.export():
            article = stored.article
            said[article.id or ""] = (article.title, article.text, stored.cluster, stored.canonical, stored.kind, stored.topic)
        for cluster in {stored.cluster for stored in index.export()}:
            found = index.cluster(cluster)
            events = found.events if found is not None else ()
            said[f"events of {cluster}"] = tuple((event.cluster, event.what, event.article, event.other) for event in events)
        return said


def differences(found: Answers, expected: Answers) -> list[str]:
    """Where two indexes disagree."""
    return [
        f"{key}: {_short(found.get(key))} instead of {_short(expected.get(key))}"
        for key in sorted(found.keys() | expected.keys())
        if found.get(key) != expected.get(key)
    ]


def _short(values: tuple[object, ...] | None) -> object:
    return values and tuple(value[:24] if isinstance(value, str) else value for value in values)


@dataclass(frozen=True)
class Reference:
    """A feed, what an index says after a run that nobody disturbed, and how long it took.

    Attributes:
        feed: the articles.
        answers: of the index.
        start_seconds: how long a process takes without any article.
        work_seconds: how long one takes for all of them, once it has started.
    """

    feed: Sequence[Article]
    answers: Answers
    start_seconds: float
    work_seconds: float

    def instant(self, chance: random.Random) -> Instant:
        """When a process is killed: mostly while it ingests, and so that about ``KILLS_A_FEED`` take a feed."""
        if chance.random() < STARTING_SHARE:
            return Instant(chance.uniform(0, 1.5 * self.start_seconds), is_ingesting=False)
        return Instant(chance.uniform(0, 2 * self.work_seconds / KILLS_A_FEED), is_ingesting=True)


def reference_of(seed: int, folder: Path) -> Reference:
    """Makes it in a new folder."""
    folder.mkdir()
    feed = feed_of(seed)
    start_seconds, seconds = (_seconds(WAYS[0], folder, articles) for articles in ([], feed))
    return Reference(feed, answers(folder / "articles.db"), start_seconds, max(seconds - start_seconds, MIN_WORK_SECONDS))


def _seconds(way: Way, folder: Path, articles: Sequence[Article]) -> float:
    start = time.perf_counter()
    run_process(way, folder, articles, None)
    return time.perf_counter() - start


@dataclass
class Campaign:
    """A feed that is ingested against kills.

    Attributes:
        way: how it is ingested.
        n_kills: number of processes that were killed.
        n_idle_kills: how many of them had acknowledged nothing.
        n_sealing_kills: how many of them left a segment half written.
        problems: what was wrong after a kill or in the end.
    """

    way: str
    n_kills: int = 0
    n_idle_kills: int = 0
    n_sealing_kills: int = 0
    problems: list[str] = field(default_factory=list)

    def count(self, ended: Ended, *, is_sealing: bool) -> None:
        """Counts a kill."""
        self.n_kills += 1
        self.n_idle_kills += not ended.ids
        self.n_sealing_kills += is_sealing


def campaign(way: Way, reference: Reference, folder: Path, n_kills: int, chance: random.Random) -> Campaign:
    """Ingests a feed, killing so many processes at instants of their lives; then, or when one was faster, it is through."""
    folder.mkdir()
    path, feed = folder / "articles.db", reference.feed
    done, n_acknowledged, is_done = Campaign(way.name), 0, False
    while not is_done and not done.problems:
        instant = reference.instant(chance) if done.n_kills < n_kills else None
        start = 0 if way.is_whole else max(0, n_acknowledged - chance.randint(0, OVERLAP))
        half_written = _half_written(path)
        ended = run_process(way, folder, feed[start:], instant)
        is_done = ended.is_done
        if not is_done:
            done.count(ended, is_sealing=not _half_written(path) <= half_written)
        reached = _place_after(feed, ended.ids, n_acknowledged if way.is_whole else start)
        n_acknowledged = len(feed) if is_done else max(n_acknowledged, reached)
        problems = problems_after_kill(path, feed, n_acknowledged, None if is_done else N_LOOKED_FOR, chance)
        done.problems += [f"after kill {done.n_kills}: {problem}" for problem in problems]
    if is_done:
        problems = check_index(path, _model()) + differences(answers(path), reference.answers)
        done.problems += [f"in the end: {problem}" for problem in problems]
    return done


def _half_written(path: Path) -> set[Path]:
    return set(path.with_name(f"{path.name}-postings").glob(".new-*"))


def campaigns(n_kills: int, seed: int, folder: Path) -> Iterator[Campaign]:
    """Campaigns on one feed, each way in turn, until so many processes were killed."""
    reference = reference_of(seed, folder / "undisturbed")
    chance = random.Random(seed)
    n_done = 0
    for number, way in enumerate(cycle(WAYS)):
        done = campaign(way, reference, folder / f"{number}", min(KILLS_A_FEED, n_kills - n_done), chance)
        yield done
        n_done += done.n_kills
        if n_done >= n_kills:
            return


def _soak(n_kills: int, seed: int) -> int:
    start = time.perf_counter()
    total = Campaign("all")
    n_feeds = n_bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for n_feeds, done in enumerate(campaigns(n_kills, seed, Path(folder)), 1):
            for name in ("n_kills", "n_idle_kills", "n_sealing_kills"):
                setattr(total, name, getattr(total, name) + getattr(done, name))
            n_bad += bool(done.problems)
            print(f"{total.n_kills}/{n_kills} kills, feed {n_feeds} by {done.way}: {len(done.problems)} problems", flush=True)
            for problem in done.problems:
                print(f"  {problem}", flush=True)
    print(
        f"{total.n_kills} kills, {total.n_idle_kills} before anything was acknowledged, {total.n_sealing_kills} while a segment "
        f"was written, over {n_feeds} feeds in {time.perf_counter() - start:.0f} s, seed {seed}: "
        f"{n_bad or 'no'} feeds with anything lost, doubled or otherwise"
    )
    return int(n_bad > 0)


def main(arguments: list[str]) -> int:
    """Runs the soak, or, for a first argument that names one, an ingest process of it."""
    if arguments[:1] == ["add_many"]:
        small_segments()
        ingest_lines(sys.stdin, arguments[1])
        return 0
    if arguments[:1] == ["newsclf"]:
        from newsclf.cli.app import main as newsclf_main

        small_segments()
        sys.argv = arguments
        newsclf_main()
    parser = argparse.ArgumentParser(description="Kill ingest processes at random instants and look for what was lost.")
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    return _soak(options.kills, options.seed)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main(sys.argv[1:]))
