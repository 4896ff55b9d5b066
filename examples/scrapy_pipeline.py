"""A Scrapy item pipeline that asks of each item: what is it about, and is it in the index already?

Copy it into a project and switch it on in ``settings.py``::

    ITEM_PIPELINES = {"myproject.pipelines.NewsclfPipeline": 300}
    NEWSCLF_INDEX = "articles.db"      # made where there is none
    NEWSCLF_MODEL = "my.safetensors"   # leave it out for the model that ships
    NEWSCLF_DROP_DUPLICATES = True     # leave it out to mark them only

It takes ``url``, ``title``, ``text``, ``published`` (ISO 8601) and ``source`` from an item and sets ``topic``, ``probability``,
``duplicate_of`` and ``duplicate_kind``; a dataclass or ``scrapy.Item`` must have those four too. Needs Scrapy 2.14 or newer.
"""

from collections.abc import Mapping
from typing import Any

from itemadapter import ItemAdapter
from scrapy.crawler import Crawler
from scrapy.exceptions import DropItem

import newsclf


class NewsclfPipeline:
    """Adds each item to the index, and to the item what the index says of it."""

    def __init__(self, crawler: Crawler) -> None:
        self.stats = crawler.stats
        self.index_path = crawler.settings.get("NEWSCLF_INDEX", "articles.db")
        self.model_path = crawler.settings.get("NEWSCLF_MODEL")
        self.drops_duplicates = crawler.settings.getbool("NEWSCLF_DROP_DUPLICATES")

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "NewsclfPipeline":
        """Scrapy makes it by this."""
        return cls(crawler)

    def open_spider(self) -> None:
        """Opens the index; a damaged one, or one that was made with another model, is an error before the first request."""
        model = newsclf.load(self.model_path) if self.model_path else None
        self.index = newsclf.open_index(self.index_path, model)

    def close_spider(self) -> None:
        """Closes the index. A killed crawl loses nothing either: what was added is on disk."""
        self.index.close()

    def process_item(self, item: Any) -> Any:
        """Adds one item; a URL that is in the index already is an update, not a second article."""
        fields = ItemAdapter(item)
        # This runs in the reactor's thread and stops the crawl for a few milliseconds, now and then some dozens, which a crawl of
        # some dozen pages a second does not feel. For more, or where other processes write to the same index (this waits for
        # theirs), write `async def process_item` and `await asyncio.to_thread(self.index.add, ...)`: any thread may use an index.
        sighting = self.index.add(article_of(fields))
        self.count(sighting)
        if sighting.duplicate and self.drops_duplicates:
            raise DropItem(f"{sighting.kind} copy of {sighting.canonical}", log_level="DEBUG")
        fields.update(answer(sighting))
        return item

    def count(self, sighting: newsclf.Sighting) -> None:
        """Counts in the crawl's stats: newsclf/new, /updated, /unchanged, and /duplicate."""
        if self.stats is None:
            return
        self.stats.inc_value(f"newsclf/{sighting.status}")
        if sighting.duplicate:
            self.stats.inc_value("newsclf/duplicate")


def article_of(fields: Mapping[str, Any]) -> newsclf.Article:
    """The article in an item. Its URL is its id, so that a second crawl knows it again."""
    return newsclf.Article(
        text=fields.get("text") or "",
        title=fields.get("title") or "",
        id=fields.get("url"),
        published=fields.get("published"),
        source=fields.get("source"),
        url=fields.get("url"),
    )


def answer(sighting: newsclf.Sighting) -> dict[str, Any]:
    """What the item is told: topic is None where the model would not say, ``duplicate_*`` are None where it copies nothing."""
    return {
        "topic": sighting.prediction.topic,
        "probability": round(sighting.prediction.probability, 4),
        "duplicate_of": sighting.canonical if sighting.duplicate else None,
        "duplicate_kind": sighting.kind,
    }
