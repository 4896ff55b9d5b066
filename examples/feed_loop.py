"""Watches news feeds: a JSON line for each new article, with its topic and what it copies of all that came before.

python feed_loop.py https://example.org/news.xml https://example.net/atom --index articles.db

Needs `pip install 'newsclf[feeds]'`. Stop it as you like: what was printed is in the index, and the rest comes next time.
"""

import argparse
import json
import sys
import time
from contextlib import suppress
from io import BytesIO
from typing import Any

import feedparser
import trafilatura
import urllib3

import newsclf

HTTP = urllib3.PoolManager(
    timeout=urllib3.Timeout(connect=10, read=20),  # seconds
    retries=urllib3.Retry(total=None, connect=0, read=0, other=0, redirect=5),  # the next round is the second try
    headers={"User-Agent": "feed_loop.py (your address here)", "Accept-Encoding": "gzip"},
)
VERSION = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}  # how a server names one: how to ask for a newer


def fetch(url: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of a page or feed; of more than 10 MB the rest is left."""
    with HTTP.request("GET", url, headers={**HTTP.headers, **headers}, preload_content=False) as response:
        if response.status >= 400:
            raise urllib3.exceptions.HTTPError(f"the server answers {response.status} {response.reason}")
        return response.status, {name.lower(): value for name, value in response.headers.items()}, response.read(10_000_000)


def refreshed(feed: Any, url: str) -> Any:
    """The feed as it is now; the server sends it only if it has changed since the round before."""
    status, headers, body = fetch(url, {ask: feed.headers[name] for name, ask in VERSION.items() if name in feed.headers})
    if status == 304:
        return feed
    if not (parsed := feedparser.parse(BytesIO(body), response_headers={**headers, "content-location": url})).version:
        raise ValueError("this is neither RSS nor Atom")
    return parsed


def article_of(entry: Any, id: str, source: str) -> newsclf.Article:
    """An entry with the text of its page."""
    if not (text := trafilatura.extract(fetch(entry.link, {})[2], include_comments=False)):
        raise ValueError("no article was found in the page")
    time_parts = entry.get("published_parsed") or entry.get("updated_parsed")
    published = time.strftime("%Y-%m-%dT%H:%M:%SZ", time_parts) if time_parts else None
    return newsclf.Article(text, entry.get("title", ""), id, published, source, entry.link)


def add_new(feed: Any, url: str, index: newsclf.ArticleIndex, pause: float) -> None:
    """Adds and prints the entries that the index does not know; a page that fails is tried again in the next round."""
    for entry in feed.entries:
        link = entry.get("link", "")
        id = entry.id if ":" in entry.get("id", "") else link  # a guid like 4711 means something in its own feed only
        if not link or index.article(id):
            continue
        try:
            seen = index.add(article_of(entry, id, url))
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            print(f"{link}: {error}", file=sys.stderr)
        else:
            copied = {"duplicate_of": seen.canonical if seen.duplicate else None, "duplicate_kind": seen.kind}
            topic = {"topic": seen.prediction.topic, "probability": round(seen.prediction.probability, 4)}
            print(json.dumps({"id": id, "url": link, "title": entry.get("title", "")} | topic | copied), flush=True)
        time.sleep(pause)


def main() -> None:
    """Reads the feeds once, or for ever."""
    parser = argparse.ArgumentParser()
    parser.add_argument("feeds", nargs="+", metavar="URL", help="RSS or Atom")
    parser.add_argument("--index", default="articles.db", help="made where there is none")
    parser.add_argument("--once", action="store_true", help="one round")
    parser.add_argument("--every", type=float, default=600, help="seconds between rounds")
    parser.add_argument("--pause", type=float, default=1, help="seconds between pages")
    options = parser.parse_args()
    feeds = {url: feedparser.FeedParserDict(entries=[], headers={}) for url in options.feeds}
    with newsclf.open_index(options.index) as index, suppress(KeyboardInterrupt):
        while True:
            for url, feed in feeds.items():
                try:
                    feeds[url] = refreshed(feed, url)
                except (urllib3.exceptions.HTTPError, ValueError) as error:
                    print(f"{url}: {error}", file=sys.stderr)
                add_new(feeds[url], url, index, options.pause)
            if options.once:
                break
            time.sleep(options.every)


if __name__ == "__main__":
    main()
