"""The examples as a user runs them, on a site that is served here; nothing of them may leave this machine."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

import newsclf

EXAMPLES = Path(__file__).parents[1] / "examples"
PAGES = Path(__file__).parent / "files" / "site"
TOPICS = {
    "budget": "economy",
    "verdict": "crime",
    "verdict-update": "crime",  # the verdict with some words changed
    "harvest": "agriculture",
    "launch": "space",
    "exercise": "military",
    "coalition": "politics",
}
COPIES = {"verdict", "verdict-update"}
WAIT_SECONDS = 120  # for a process on a busy machine
STAY_HERE = """
import os, sys

def watch(event, arguments):
    host = arguments[1][0] if event == "socket.connect" and isinstance(arguments[1], tuple) else None
    host = arguments[0] if event == "socket.getaddrinfo" else host
    is_port = event == "socket.bind" and arguments[1][0] != "::1"  # where urllib3 tries whether there is IPv6
    if host not in (None, "127.0.0.1") or is_port:
        os.write(2, f"{event} {arguments}".encode())
        os._exit(97)

sys.addaudithook(watch)
"""
OTHER_ITEMS = """
import scrapy
from scrapy_pipeline import NewsclfPipeline

class Story(scrapy.Item):
    url, text, topic, probability, duplicate_of, duplicate_kind = (scrapy.Field() for _ in range(6))

class Spider(scrapy.Spider):
    name = "other"
    start_urls = ["data:,"]
    custom_settings = {
        "ITEM_PIPELINES": {NewsclfPipeline: 1}, "TELNETCONSOLE_ENABLED": False, "REMOTE_CONTROL_ENABLED": False
    }

    def parse(self, response):
        text = "The rocket lifted off with two satellites on board and reached orbit after nine minutes."
        yield {"url": "dict", "text": text}
        yield Story(url="item", text=text)
"""


@dataclass(frozen=True)
class Site:
    """A site on loopback, and what it was asked for: (path, status)."""

    url: str
    requests: list[tuple[str, int]]

    def page(self, name: str) -> str:
        return f"{self.url}/{name}.html"


@pytest.fixture
def site() -> Iterator[Site]:
    requests: list[tuple[str, int]] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_request(self, code: Any = "-", size: Any = "-") -> None:
            requests.append((self.path, int(code)))

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=PAGES))
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield Site(f"http://127.0.0.1:{server.server_port}", requests)
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that end with status 97 when they look for another machine, or wait to be found by one."""
    folder = tmp_path / "python"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(STAY_HERE)
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


pytestmark = pytest.mark.usefixtures("environment")


def run(*command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, *command)
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=WAIT_SECONDS)


def crawl(site: Site, folder: Path, *options: str) -> tuple[list[dict[str, Any]], str]:
    """The items of a crawl by page, and its log."""
    fast = ("-s", "AUTOTHROTTLE_ENABLED=0", "-s", "NEWSCLF_INDEX=seen.db")
    spider = ("runspider", str(EXAMPLES / "news_spider.py"), "-a", f"site={site.page('index')}", "-O", "items.jsonl")
    result = run("-m", "scrapy", *spider, *fast, *options, folder=folder)
    assert result.returncode == 0 and "ERROR" not in result.stderr, result.stderr
    return json_lines((folder / "items.jsonl").read_text()), result.stderr


def feed_loop(site: Site, folder: Path, *feeds: str) -> subprocess.CompletedProcess[str]:
    urls = [f"{site.url}/{feed}" for feed in feeds]
    result = run(str(EXAMPLES / "feed_loop.py"), *urls, "--index", "seen.db", "--once", "--pause", "0", folder=folder)
    assert result.returncode == 0, result.stderr
    return result


def json_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def topics(site: Site, lines: list[dict[str, Any]]) -> dict[str, str]:
    return {line["url"].removeprefix(f"{site.url}/").removesuffix(".html"): line["topic"] for line in lines}


@pytest.mark.parametrize(
    "call", ["getaddrinfo('elsewhere.example', 80)", "create_connection(('192.0.2.1', 80))", "create_server(('', 0))"]
)
def test_leaving_this_machine_or_opening_a_port_would_be_noticed(call: str, tmp_path: Path) -> None:
    assert run("-c", f"import socket; socket.{call}", folder=tmp_path).returncode == 97


def test_the_spider_finds_topics_and_marks_the_copy(site: Site, tmp_path: Path) -> None:
    items, log = crawl(site, tmp_path)
    assert len(items) == len(TOPICS) and topics(site, items) == TOPICS
    assert all(0.5 < item["probability"] <= 1 for item in items)
    (copy,) = [item for item in items if item["duplicate_of"]]
    assert {copy["url"], copy["duplicate_of"]} == {site.page(name) for name in COPIES} and copy["duplicate_kind"] == "edited"
    assert "'newsclf/new': 7" in log and "'newsclf/duplicate': 1" in log
    assert ("/gone.html", 404) in site.requests


def test_a_second_crawl_finds_everything_known(site: Site, tmp_path: Path) -> None:
    first, _ = crawl(site, tmp_path)
    second, log = crawl(site, tmp_path)
    assert sorted(second, key=lambda item: str(item["url"])) == sorted(first, key=lambda item: str(item["url"]))
    assert "'newsclf/unchanged': 7" in log and "'newsclf/new'" not in log
    with newsclf.open_index(tmp_path / "seen.db", read_only=True) as index:
        assert index.stats().n_articles == len(TOPICS)
        assert index.article(site.page("launch")).article.published == "2026-03-03T14:20:00Z"  # type: ignore[union-attr]


def test_the_pipeline_can_drop_duplicates_and_remembers_them(site: Site, tmp_path: Path) -> None:
    items, log = crawl(site, tmp_path, "-s", "NEWSCLF_DROP_DUPLICATES=1")
    dropped = TOPICS.keys() - topics(site, items).keys()
    assert len(items) == len(TOPICS) - 1 and dropped < COPIES
    assert "'item_dropped_count': 1" in log
    with newsclf.open_index(tmp_path / "seen.db", read_only=True) as index:
        assert index.article(site.page(dropped.pop())) is not None


def test_the_pipeline_takes_dicts_and_scrapy_items(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(EXAMPLES), prepend=os.pathsep)
    (tmp_path / "spider.py").write_text(OTHER_ITEMS)
    result = run("-m", "scrapy", "runspider", "spider.py", "-O", "items.jsonl", folder=tmp_path)
    first, second = json_lines((tmp_path / "items.jsonl").read_text())
    assert first["topic"] == second["topic"] == "space", result.stderr
    assert first["duplicate_of"] is None and second["duplicate_of"] == "dict" and second["duplicate_kind"] == "exact"


def test_a_spider_without_a_site_says_what_it_needs(tmp_path: Path) -> None:
    result = run("-m", "scrapy", "runspider", str(EXAMPLES / "news_spider.py"), folder=tmp_path)
    assert "site is ''" in result.stderr and "-a site=https://example.org/news" in result.stderr


def test_the_loop_prints_topics_and_the_copy_once(site: Site, tmp_path: Path) -> None:
    first = feed_loop(site, tmp_path, "feed.xml")
    lines = json_lines(first.stdout)
    assert len(lines) == len(TOPICS) and topics(site, lines) == TOPICS
    copies = {line["id"]: (line["duplicate_of"], line["duplicate_kind"]) for line in lines if line["duplicate_of"]}
    guid = "tag:velmark-post.example,2026:verdict"
    assert copies == {f"{guid}-update": (guid, "edited")}
    n_requests = len(site.requests)
    second = feed_loop(site, tmp_path, "feed.xml")
    assert second.stdout == ""
    assert [path for path, _ in site.requests[n_requests:]] == ["/feed.xml", "/gone.html"]


def test_the_loop_stores_the_articles_without_the_rest_of_the_page(site: Site, tmp_path: Path) -> None:
    feed_loop(site, tmp_path, "feed.xml")
    with newsclf.open_index(tmp_path / "seen.db", read_only=True) as index:
        stored = index.article("tag:velmark-post.example,2026:harvest")
    assert stored is not None and stored.article.published == "2026-03-03T06:45:00Z"
    assert "who farms 180 hectares of grain near Ostwick" in stored.article.text
    assert "made up" not in stored.article.text and "Write to us" not in stored.article.text


def test_a_failing_feed_or_page_is_named_and_the_loop_goes_on(site: Site, tmp_path: Path) -> None:
    result = feed_loop(site, tmp_path, "absent.xml", "index.html", "feed.xml")
    assert len(json_lines(result.stdout)) == len(TOPICS)
    absent, no_feed, page = result.stderr.splitlines()
    assert absent.startswith(f"{site.url}/absent.xml: the server answers 404")
    assert no_feed == f"{site.page('index')}: this is neither RSS nor Atom"
    assert page.startswith(f"{site.page('gone')}: the server answers 404")


def test_the_loop_reads_no_file_that_a_feed_links_to(site: Site, tmp_path: Path) -> None:
    result = feed_loop(site, tmp_path, "hostile.xml")
    assert result.stdout == "" and "Not supported URL scheme file" in result.stderr


def test_the_loop_asks_for_a_feed_that_has_not_changed_with_its_version(site: Site, tmp_path: Path) -> None:
    arguments = [f"{site.url}/feed.xml", "--index", "seen.db", "--every", "0.1", "--pause", "0"]
    command = [sys.executable, str(EXAMPLES / "feed_loop.py"), *arguments]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            wait_for_two_rounds(site, process)
            process.send_signal(signal.SIGINT)
            lines = json_lines(process.communicate(timeout=WAIT_SECONDS)[0])
        finally:
            process.kill()  # where it has ended that does nothing; else it would go on for ever, and the test with it
    assert process.returncode == 0
    assert topics(site, lines) == TOPICS and len(lines) == len(TOPICS)
    assert [status for path, status in site.requests if path == "/feed.xml"][:2] == [200, 304]
    assert ("/gone.html", 404) in site.requests[len(TOPICS) + 2 :]  # tried again, though the feed has not changed


def wait_for_two_rounds(site: Site, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while [path for path, _ in site.requests].count("/gone.html") < 2:  # the last page of a round
        assert process.poll() is None and time.monotonic() < end, f"after {site.requests}"
        time.sleep(0.05)
