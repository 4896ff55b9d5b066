"""The tables of an index as records."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from newsclf.article import Article
from newsclf.duplicates.samples import Samples
from newsclf.errors import IndexFileError
from newsclf.index.database import REMEDY, Database
from newsclf.index.encoding import encoded_samples, packed_text, unpacked_text
from newsclf.index.matching import Prepared, Stored
from newsclf.index.records import ClusterEvent, StoredArticle

ROWS_AT_ONCE = 1000

_LISTED = "SELECT value FROM json_each(?)"
_STORED = """
SELECT a.number, a.id, a.seen, c.cluster, c.id, a.kind, a.probability, a.topic, a.topic_probability, a.published, a.source, a.url,
    a.title, a.text
FROM articles a JOIN articles c ON c.number = a.canonical
"""


@dataclass(frozen=True, slots=True)
class Known:
    """Where an article that is in the index stands: its number, digest, cluster, canonical and what it is to it."""

    number: int
    digest: bytes
    cluster: str
    canonical: str
    kind: str | None
    probability: float | None


@dataclass(frozen=True, slots=True)
class Orphan:
    """A member whose canonical has gone, and the cluster that they were in."""

    number: int
    cluster: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where an article belongs: a canonical has a cluster and a post, a copy a kind and a probability."""

    number: int
    canonical: int
    cluster: str | None
    post: int | None
    kind: str | None
    probability: float | None


def known_articles(database: Database, ids: Iterable[str]) -> dict[str, Known]:
    """Those of some articles that are in the index, by id."""
    query = f"""
    SELECT a.id, a.number, a.digest, c.cluster, c.id, a.kind, a.probability
    FROM articles a JOIN articles c ON c.number = a.canonical WHERE a.id IN ({_LISTED})
    """
    return {id_: Known(*values) for id_, *values in database.rows(query, (json.dumps(list(ids)),))}


def seen_times(database: Database, ids: Iterable[str]) -> dict[str, tuple[datetime, bytes]]:
    """When those of some articles that are in the index were added, and their digests; by id."""
    rows = database.rows(f"SELECT id, seen, digest FROM articles WHERE id IN ({_LISTED})", (json.dumps(list(ids)),))
    return {id_: (time_of(seen), digest) for id_, seen, digest in rows}


def stored_canonicals(database: Database, posts: Sequence[int]) -> list[Stored]:
    """The canonicals that are still there, by post."""
    query = f"""
    SELECT c.post, a.number, a.id, a.cluster, a.digest, a.title, a.text
    FROM canonicals c JOIN articles a USING (number) WHERE c.post IN ({_LISTED}) ORDER BY c.post
    """
    rows = database.rows(query, (json.dumps(posts),))
    return [
        Stored(post, number, id_, cluster, digest, _article(database, title, text))
        for post, number, id_, cluster, digest, title, text in rows
    ]


def _article(database: Database, title: str | None, text: bytes | None, **fields: Any) -> Article | None:
    if text is None:
        return None
    try:
        return Article(unpacked_text(text), title or "", **fields)
    except ValueError as error:
        raise damaged(database, str(error)) from error


def damaged(database: Database, what: str) -> IndexFileError:
    """The error for what a database holds and should not."""
    return IndexFileError(f"{database.path} is damaged: {what}. {REMEDY.format(path=database.path)}")


def stored_articles(database: Database, where: str, values: Sequence[Any]) -> list[StoredArticle]:
    """The articles that a condition on ``a`` (the article) and ``c`` (its canonical) chooses, in order of arrival."""
    return [_stored(database, row) for row in database.rows(f"{_STORED} WHERE {where} ORDER BY a.number", values)]


def all_articles(database: Database) -> Iterator[StoredArticle]:
    """All articles in order of arrival, some at a time."""
    last = 0
    while rows := database.rows(f"{_STORED} WHERE a.number > ? ORDER BY a.number LIMIT ?", (last, ROWS_AT_ONCE)):
        yield from (_stored(database, row) for row in rows)
        last = rows[-1][0]


def _stored(database: Database, row: tuple[Any, ...]) -> StoredArticle:
    _, id_, seen, cluster, canonical, kind, probability, topic, topic_probability, published, source, url, title, text = row
    fields = {"id": id_, "published": published, "source": source, "url": url}
    article = _article(database, title, text, **fields) or Article("", **fields)
    return StoredArticle(
        article, time_of(seen), cluster, canonical, kind is not None, kind, probability, topic, topic_probability
    )


def time_of(milliseconds: int) -> datetime:
    """A stored time."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def events_of(database: Database, clusters: Sequence[str]) -> tuple[ClusterEvent, ...]:
    """What happened to some clusters, the oldest first."""
    query = f"SELECT at, cluster, what, article, other FROM events WHERE cluster IN ({_LISTED}) ORDER BY event"
    return tuple(ClusterEvent(time_of(at), *values) for at, *values in database.rows(query, (json.dumps(clusters),)))


def merged_into(database: Database, cluster: str) -> str:
    """The cluster that a cluster lives on in; itself if it was not merged."""
    seen = {cluster}
    while rows := database.rows(
        "SELECT other FROM events WHERE cluster = ? AND what = 'merged' ORDER BY event DESC LIMIT 1", (cluster,)
    ):
        (cluster,) = rows[0]
        if cluster in seen:
            break
        seen.add(cluster)
    return cluster


def merged_from(database: Database, cluster: str) -> list[str]:
    """The clusters that were merged into a cluster, at once or by way of others."""
    query = """
    WITH RECURSIVE old(cluster) AS (
        SELECT ? UNION SELECT e.cluster FROM events e JOIN old ON e.other = old.cluster WHERE e.what = 'merged'
    ) SELECT cluster FROM old
    """
    return [name for (name,) in database.rows(query, (cluster,))]


def take_out(database: Database, numbers: Sequence[int]) -> list[Orphan]:
    """Removes articles; what was a copy of one of them is an orphan, and has to be placed anew in the same transaction."""
    if not numbers:
        return []
    listed = json.dumps(numbers)
    chosen = f"number IN ({_LISTED})"
    clusters = dict(database.rows(f"SELECT number, cluster FROM articles WHERE cluster IS NOT NULL AND {chosen}", (listed,)))
    database.run(f"DELETE FROM canonicals WHERE post IN (SELECT post FROM articles WHERE {chosen})", (listed,))
    database.run(f"DELETE FROM articles WHERE {chosen}", (listed,))
    query = f"SELECT number, canonical FROM articles WHERE cluster IS NULL AND canonical IN ({_LISTED}) ORDER BY number"
    orphans = database.rows(query, (json.dumps(list(clusters)),))
    return [Orphan(number, clusters[canonical]) for number, canonical in orphans]


def next_numbers(database: Database) -> tuple[int, int]:
    """The next article's number and the next post; neither was ever given before."""
    last = dict(database.rows("SELECT name, seq FROM sqlite_sequence"))
    return last.get("articles", 0) + 1, last.get("canonicals", 0) + 1


def insert_canonicals(database: Database, places: Iterable[Place]) -> None:
    """Lists the canonicals among some places."""
    values = [(place.post, place.number) for place in places if place.post is not None]
    database.run_many("INSERT INTO canonicals VALUES (?, ?)", values)


def move(database: Database, places: Sequence[Place]) -> None:
    """Gives articles that are in the index other places."""
    values = [(p.canonical, p.cluster, p.post, p.kind, p.probability, p.number) for p in places]
    database.run_many(
        "UPDATE articles SET canonical = ?, cluster = ?, post = ?, kind = ?, probability = ? WHERE number = ?", values
    )
    insert_canonicals(database, places)


def cluster_exists(database: Database, cluster: str) -> bool:
    """Whether a cluster of this id is there or was."""
    query = "SELECT 1 FROM articles WHERE cluster = ?1 UNION ALL SELECT 1 FROM events WHERE cluster = ?1 OR other = ?1 LIMIT 1"
    return bool(database.rows(query, (cluster,)))


def add_event(database: Database, now_ms: int, cluster: str, what: str, article: str | None, other: str | None) -> None:
    """Records a change of a cluster."""
    database.run(
        "INSERT INTO events (at, cluster, what, article, other) VALUES (?, ?, ?, ?, ?)", (now_ms, cluster, what, article, other)
    )


def members_to_place(database: Database, numbers: Sequence[int]) -> list[tuple[Article, bytes, bytes]]:
    """Articles, digests and samples of these numbers, which ascend."""
    query = f"SELECT id, title, text, digest, sample FROM articles WHERE number IN ({_LISTED}) ORDER BY number"
    rows = database.rows(query, (json.dumps(numbers),))
    return [
        (_article(database, title, text, id=id_) or Article("", id=id_), digest, sample)
        for id_, title, text, digest, sample in rows
    ]


_INSERT = f"INSERT INTO articles VALUES ({', '.join('?' * 17)})"


def insert_articles(
    database: Database, block: Prepared, samples: Samples, places: Sequence[Place | None], now_ms: int, *, keeps_text: bool
) -> None:
    """Adds the articles of a block that have a place."""
    blobs = encoded_samples(samples)
    database.run_many(
        _INSERT,
        [
            _values(block, index, place, blobs[index], now_ms, keeps_text)
            for index, place in enumerate(places)
            if place is not None
        ],
    )
    insert_canonicals(database, [place for place in places if place is not None])


def _values(block: Prepared, index: int, place: Place, sample: bytes, now_ms: int, keeps_text: bool) -> tuple[Any, ...]:
    article, prediction = block.articles[index], block.predictions[index]
    return (
        place.number,
        article.id,
        now_ms,
        place.canonical,
        place.cluster,
        place.post,
        place.kind,
        place.probability,
        prediction.topic,
        prediction.probability,
        article.published,
        article.source,
        article.url,
        block.digests[index],
        sample,
        article.title if keeps_text else None,
        packed_text(article.text) if keeps_text else None,
    )
