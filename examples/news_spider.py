"""A spider for one news site: follows its links, takes the pages that hold an article, and has each looked up in the index.

scrapy runspider news_spider.py -a site=https://example.org/news -O articles.jsonl
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import scrapy
from scrapy.http import HtmlResponse, Response
from scrapy.linkextractors import LinkExtractor
from scrapy_pipeline import NewsclfPipeline


@dataclass
class NewsItem:
    """An article as the spider finds it; the last four fields are the pipeline's."""

    url: str
    title: str
    text: str
    published: str | None
    source: str | None
    topic: str | None = None
    probability: float | None = None
    duplicate_of: str | None = None
    duplicate_kind: str | None = None


class NewsSpider(scrapy.Spider):
    """Crawls the host of ``site``, ``DEPTH_LIMIT`` links deep."""

    name = "news"
    custom_settings = {  # noqa: RUF012 as Scrapy declares it
        "ITEM_PIPELINES": {NewsclfPipeline: 300},
        "DEPTH_LIMIT": 2,
        "ROBOTSTXT_OBEY": True,
        "AUTOTHROTTLE_ENABLED": True,  # slows down with the site
        "COOKIES_ENABLED": False,  # nobody logs in
        "TELNETCONSOLE_ENABLED": False,  # no port is opened on this machine
        "REMOTE_CONTROL_ENABLED": False,  # the same, and no file in the home; Scrapy 2.19
    }

    def __init__(self, site: str = "", **arguments: Any) -> None:
        super().__init__(**arguments)
        host = urlsplit(site).hostname
        if host is None:
            raise ValueError(f"site is {site!r}; it must be the URL of a page to start from: -a site=https://example.org/news")
        self.start_urls = [site]
        self.allowed_domains = [host]
        self.links = LinkExtractor()  # of web pages; Scrapy drops those of other hosts

    def parse(self, response: Response) -> Iterator[Any]:
        """An item of a page that holds an article, and requests for the pages that it links to."""
        if not isinstance(response, HtmlResponse):
            return
        if response.css("article h1"):
            yield news_item(response)
        yield from response.follow_all(self.links.extract_links(response))


def news_item(page: HtmlResponse) -> NewsItem:
    """Title, paragraphs and time of publication, where most sites have them. Write your own site's selectors here."""
    paragraphs = [paragraph.xpath("normalize-space()").get(default="") for paragraph in page.css("article p")]
    return NewsItem(
        url=page.url,
        title=page.css("article h1").xpath("normalize-space()").get(default=""),
        text="\n\n".join(paragraphs),
        published=page.css("article time::attr(datetime)").get(),
        source=page.css("meta[property='og:site_name']::attr(content)").get(),
    )
