"""What an index answers with."""

from dataclasses import dataclass
from datetime import datetime

from newsclf.article import Article
from newsclf.duplicates.compare import Match
from newsclf.model import Prediction


@dataclass(frozen=True)
class Sighting:
    """What an index says of an article that it was shown.

    Attributes:
        id: the article's.
        status: new; updated, where the id was there with another text; unchanged, where it was there with the same.
        cluster: id of its cluster; None from ``check`` for an article that would start one.
        canonical: id of the article that the cluster stands on; its own where it copies none; None as ``cluster``.
        duplicate: True where it copies the canonical.
        kind: of duplicate; None where it is none.
        probability: that it is a duplicate of the canonical; None where it is none.
        prediction: what it is about.
        match: the evidence, of a duplicate that was decided on just now; without its ``reasons``, which ``model.compare`` gives.
    """

    id: str
    status: str
    cluster: str | None
    canonical: str | None
    duplicate: bool
    kind: str | None
    probability: float | None
    prediction: Prediction
    match: Match | None


@dataclass(frozen=True)
class StoredArticle:
    """An article as an index holds it.

    Attributes:
        article: as it was added; text and title are "" where the index keeps no text.
        seen: when it was added, UTC.
        cluster: id of its cluster.
        canonical: id of the article that the cluster stands on.
        duplicate: True where it copies that one.
        kind: of duplicate; None where it is none.
        probability: that it is a duplicate; None where it is none.
        topic: what it is about; None where the model would not say.
        topic_probability: of that topic.
    """

    article: Article
    seen: datetime
    cluster: str
    canonical: str
    duplicate: bool
    kind: str | None
    probability: float | None
    topic: str | None
    topic_probability: float


@dataclass(frozen=True, slots=True)
class ClusterEvent:
    """A change of a cluster that no new article explains.

    Attributes:
        at: when, UTC.
        cluster: the cluster that changed.
        what: canonical, where ``article`` took the place of one that was removed, updated or too old; merged, where what was left
            of the cluster went over to ``other``; left, where ``article`` went over to ``other``.
        article: id of an article; None for merged.
        other: id of a cluster; None for canonical.
    """

    at: datetime
    cluster: str
    what: str
    article: str | None
    other: str | None


@dataclass(frozen=True)
class StoredCluster:
    """A cluster of an index.

    Attributes:
        cluster: its id.
        canonical: the article that it stands on.
        members: the articles that copy it, in order of arrival; may be none.
        events: what happened to it, the oldest first; those of clusters that were merged into it included.
    """

    cluster: str
    canonical: StoredArticle
    members: tuple[StoredArticle, ...]
    events: tuple[ClusterEvent, ...]


@dataclass(frozen=True)
class IndexStats:
    """How large an index is, and since when.

    Attributes:
        n_articles: number of articles.
        n_duplicates: how many of them copy another.
        n_events: changes of clusters on record.
        oldest: when the oldest was added, UTC; None in an empty index.
        newest: when the newest was added.
        database_bytes: size of the SQLite file, its WAL included.
        postings_bytes: size of the segments beside it.
        n_segments: number of segments.
        has_texts: whether texts are kept.
        fingerprint: of the model that the index was made with.
    """

    n_articles: int
    n_duplicates: int
    n_events: int
    oldest: datetime | None
    newest: datetime | None
    database_bytes: int
    postings_bytes: int
    n_segments: int
    has_texts: bool
    fingerprint: str
