"""Where an article belongs in an index: its own place, or that of a copy; and what becomes of copies whose canonical goes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, count, pairwise

import numpy as np
from numpy.typing import NDArray

from newsclf.article import Article
from newsclf.duplicates.cluster import cluster_digest
from newsclf.duplicates.compare import Match
from newsclf.duplicates.passages import passages
from newsclf.duplicates.rows import shortened
from newsclf.duplicates.samples import NO_SAMPLES, Samples
from newsclf.index.database import Database
from newsclf.index.encoding import decoded_samples, digest_of
from newsclf.index.matching import (
    Copy,
    Decide,
    Prepared,
    Stored,
    best,
    copies,
    decided_by_samples,
    decided_by_texts,
    prepared,
    prepared_samples,
)
from newsclf.index.posted import PostedArticles
from newsclf.index.records import Sighting
from newsclf.index.tables import (
    Known,
    Orphan,
    Place,
    add_event,
    cluster_exists,
    insert_articles,
    known_articles,
    members_to_place,
    move,
    next_numbers,
    stored_canonicals,
    take_out,
)
from newsclf.model import NewsModel
from newsclf.text.clean import feature_text

ORPHANS_AT_ONCE = 256
MAX_EVIDENCE_CHARACTERS = 100_000  # of each text are searched for passages: a book of 20 MB would hold up all others for a minute


@dataclass(frozen=True)
class Placement:
    """An article's place, and the canonical there: the article itself, or the one that it copies."""

    place: Place
    cluster: str
    canonical: str
    canonical_article: Article | None
    copy: Copy | None


class Placer:
    """Places articles. Every method that changes something is called inside a write transaction of the database."""

    def __init__(self, database: Database, posted: PostedArticles, model: NewsModel, *, keeps_text: bool) -> None:
        self._database = database
        self._posted = posted
        self._model = model
        self._keeps_text = keeps_text
        self._short_vocabulary = shortened(model.vocabulary)
        self._decide: Decide = decided_by_samples
        if keeps_text:
            self._decide = partial(decided_by_texts, model=model, short_vocabulary=self._short_vocabulary)

    def prepared(self, articles: Sequence[Article]) -> Prepared:
        """Cleans, counts and judges articles, each of which has an id."""
        return prepared(articles, self._model, self._short_vocabulary)

    def check(self, block: Prepared) -> Sighting:
        """What adding the one article of a block would say; nothing is written."""
        known = known_articles(self._database, block.ids)
        status = _status(block, 0, known)
        if status == "unchanged":
            return _sighting_of_known(block, 0, known[block.ids[0]])
        (placement,) = self._placements(block, NO_SAMPLES, np.ones(1, bool), [0], [0], lambda index: "", replaced=block.ids[0])
        if placement is None or placement.copy is None:
            return Sighting(block.ids[0], status, None, None, False, None, None, block.predictions[0], None)
        return _sighting(block, 0, status, placement)

    def add(self, articles: Sequence[Article], now_ms: int) -> list[Sighting]:
        """Adds articles, each id of which stands among them once.

        What takes the place of a canonical is added on its own: its copies are placed anew before the next article is.
        """
        known = known_articles(self._database, [article.id or "" for article in articles])
        is_alone = [_replaces_canonical(article, known) for article in articles]
        edges = sorted({0, len(articles), *(i + step for i, alone in enumerate(is_alone) if alone for step in (0, 1))})
        blocks = [self.prepared(articles[start:stop]) for start, stop in pairwise(edges)]
        return [sighting for block in blocks for sighting in self._add_block(block, now_ms)]

    def _add_block(self, block: Prepared, now_ms: int) -> list[Sighting]:
        known = known_articles(self._database, block.ids)
        statuses = [_status(block, index, known) for index in range(len(block))]
        is_placed = np.array([status != "unchanged" for status in statuses])
        updated = {index: known[block.ids[index]] for index, status in enumerate(statuses) if status == "updated"}
        orphans = take_out(self._database, [entry.number for entry in updated.values()])
        kept = {index: entry.cluster for index, entry in updated.items() if entry.kind is None}  # clusters that they stood for

        def cluster_of(index: int) -> str:
            return kept.get(index) or self._new_cluster(block, index)

        number, post = next_numbers(self._database)
        samples = self._posted.sampled(block.terms)
        numbers, posts = range(number, number + len(block)), range(post, post + len(block))
        placements = self._placements(block, samples, is_placed, numbers, posts, cluster_of)
        places = [None if placement is None else placement.place for placement in placements]
        insert_articles(self._database, block, samples, places, now_ms, keeps_text=self._keeps_text)
        self._post(samples, placements)
        heirs = {kept[index]: p.cluster for index, p in enumerate(placements) if p is not None and index in kept}
        self.place_orphans(orphans, heirs, now_ms)
        return [
            _sighting_of_known(block, index, known[block.ids[index]])
            if placement is None
            else _sighting(block, index, statuses[index], placement)
            for index, placement in enumerate(placements)
        ]

    def remove(self, numbers: Sequence[int], now_ms: int) -> None:
        """Removes articles and places their copies anew."""
        self.place_orphans(take_out(self._database, numbers), {}, now_ms)

    def _placements(
        self,
        block: Prepared,
        samples: Samples,
        is_placed: NDArray[np.bool_],
        numbers: Sequence[int],
        posts: Sequence[int],
        cluster_of: Callable[[int], str],
        replaced: str | None = None,
    ) -> list[Placement | None]:
        """The place of each article of a block; None for what is not to be placed.

        Args:
            block: articles, in order of arrival.
            samples: of them.
            is_placed: bool, shape (n_articles,).
            numbers: of the articles.
            posts: to be given to those that copy nothing, in their order.
            cluster_of: the cluster of an article that copies nothing, by its index.
            replaced: id of a stored article that is not to be compared with.
        """
        found = best(self._posted.find(block.terms))
        stored = [c for c in stored_canonicals(self._database, np.unique(found.posts).tolist()) if c.id != replaced]
        next_post = iter(posts)
        placements: list[Placement | None] = []
        for index, copy in enumerate(copies(block, samples, found, stored, is_placed, self._decide)):
            if not is_placed[index]:
                placements.append(None)
            elif copy is None:
                cluster = cluster_of(index)
                place = Place(numbers[index], numbers[index], cluster, next(next_post), None, None)
                placements.append(Placement(place, cluster, block.ids[index], None, None))
            else:
                placements.append(_copied(block, numbers[index], copy, stored, placements))
        return placements

    def _post(self, samples: Samples, placements: Sequence[Placement | None]) -> None:
        """Posts the canonicals of a block, which are in the database by now."""
        posts = [(index, p.place.post) for index, p in enumerate(placements) if p is not None and p.place.post is not None]
        indices, numbers = np.array(posts, np.int64).reshape(-1, 2).T
        self._posted.append(samples.take(indices), numbers)

    def _new_cluster(self, block: Prepared, index: int) -> str:
        """A cluster id that was never given before; of an article's first cluster the same as in a corpus."""
        text = feature_text(block.cleaned[index]) if block.cleaned else block.ids[index]
        names = (f"{cluster_digest(block.ids[index], text + tail):016x}" for tail in chain([""], map(str, count(2))))
        return next(name for name in names if not cluster_exists(self._database, name))

    def place_orphans(self, orphans: Sequence[Orphan], heirs: dict[str, str], now_ms: int) -> None:
        """Places copies whose canonical has gone as if they had just come, in their order of arrival.

        The first of a cluster that copies nothing is its new canonical and keeps its id. Where there is none the cluster
        was merged into the one that its first article went to.

        Args:
            orphans: the copies.
            heirs: of clusters whose canonical came again with another text, the cluster that it is in now.
            now_ms: the time for the events.
        """
        for start in range(0, len(orphans), ORPHANS_AT_ONCE):
            self._place_some(orphans[start : start + ORPHANS_AT_ONCE], heirs, now_ms)
        for cluster, other in heirs.items():
            if other != cluster:
                add_event(self._database, now_ms, cluster, "merged", None, other)

    def _place_some(self, orphans: Sequence[Orphan], heirs: dict[str, str], now_ms: int) -> None:
        block, samples = self._stored_block(orphans)
        _, post = next_numbers(self._database)

        def cluster_of(index: int) -> str:
            old = orphans[index].cluster
            if heirs.setdefault(old, old) == old and old not in taken:
                taken.add(old)
                return old
            return self._new_cluster(block, index)

        taken = {cluster for cluster, other in heirs.items() if cluster == other}
        numbers = [orphan.number for orphan in orphans]
        placements = self._placements(
            block, samples, np.ones(len(block), bool), numbers, range(post, post + len(block)), cluster_of
        )
        placed = [placement for placement in placements if placement is not None]
        move(self._database, [placement.place for placement in placed])
        self._post(samples, placed)
        for orphan, placement in zip(orphans, placed, strict=True):
            self._record_move(orphan, placement, heirs, now_ms)

    def _record_move(self, orphan: Orphan, placement: Placement, heirs: dict[str, str], now_ms: int) -> None:
        home = heirs.setdefault(orphan.cluster, placement.cluster)
        if placement.copy is None and placement.cluster == orphan.cluster:
            add_event(self._database, now_ms, orphan.cluster, "canonical", placement.canonical, None)
        elif placement.cluster != home:
            add_event(self._database, now_ms, orphan.cluster, "left", self._id_of(orphan), placement.cluster)

    def _id_of(self, orphan: Orphan) -> str:
        return str(self._database.rows("SELECT id FROM articles WHERE number = ?", (orphan.number,))[0][0])

    def _stored_block(self, orphans: Sequence[Orphan]) -> tuple[Prepared, Samples]:
        stored = members_to_place(self._database, [orphan.number for orphan in orphans])
        articles, digests, blobs = zip(*stored, strict=True)
        samples = decoded_samples(blobs)
        return self.prepared(articles) if self._keeps_text else prepared_samples(articles, digests, samples), samples


def _copied(
    block: Prepared, number: int, copy: Copy, stored: Sequence[Stored], placements: Sequence[Placement | None]
) -> Placement:
    if copy.canonical < len(stored):
        canonical = stored[copy.canonical]
        place = Place(number, canonical.number, None, None, copy.kind, copy.probability)
        return Placement(place, canonical.cluster, canonical.id, canonical.article, copy)
    index = copy.canonical - len(stored)
    earlier = placements[index]
    if earlier is None:
        raise AssertionError("a copy of an article that was not placed")
    place = Place(number, earlier.place.number, None, None, copy.kind, copy.probability)
    return Placement(place, earlier.cluster, earlier.canonical, block.articles[index], copy)


def _replaces_canonical(article: Article, known: Mapping[str, Known]) -> bool:
    entry = known.get(article.id or "")
    return entry is not None and entry.kind is None and entry.digest != digest_of(article)


def _status(block: Prepared, index: int, known: Mapping[str, Known]) -> str:
    entry = known.get(block.ids[index])
    if entry is None:
        return "new"
    return "unchanged" if entry.digest == block.digests[index] else "updated"


def _sighting_of_known(block: Prepared, index: int, known: Known) -> Sighting:
    return Sighting(
        id=block.ids[index],
        status="unchanged",
        cluster=known.cluster,
        canonical=known.canonical,
        duplicate=known.kind is not None,
        kind=known.kind,
        probability=known.probability,
        prediction=block.predictions[index],
        match=None,
    )


def _sighting(block: Prepared, index: int, status: str, placement: Placement) -> Sighting:
    return Sighting(
        id=block.ids[index],
        status=status,
        cluster=placement.cluster,
        canonical=placement.canonical,
        duplicate=placement.copy is not None,
        kind=placement.place.kind,
        probability=placement.place.probability,
        prediction=block.predictions[index],
        match=_match(block.articles[index], placement.canonical_article, placement.copy),
    )


def _match(article: Article, canonical: Article | None, copy: Copy | None) -> Match | None:
    if copy is None:
        return None
    texts = (article.text, canonical.text) if canonical is not None else ("", "")
    if texts[0] != texts[1]:
        texts = (texts[0][:MAX_EVIDENCE_CHARACTERS], texts[1][:MAX_EVIDENCE_CHARACTERS])
    shared = passages(*texts)
    return Match(copy.probability, True, copy.kind, copy.cosine, copy.containment, shared, ())
