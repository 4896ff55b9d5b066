"""Builds the model that ships, from corpora that are not part of the repository.

    python models/build.py CORPORA -o models/newsclf.safetensors

``CORPORA`` is the folder with ``gold/`` and ``silver/``; ``models/README.md`` names each source, its licence and its
counts. The same corpora give the same bytes. What this does before ``newsclf.train``:

- only sources of tiers A and B are used: public domain or Creative Commons, research use or no clear grant;
- a silver article that repeats a gold article is left out: gold was labelled by reading, silver by its source or a rule;
- of each source at most ``MAX_SILVER`` articles of a topic are taken, by the order of their ids' SHA-256, and together they
  weigh no more than ``MAX_SILVER_WEIGHT`` of them would, so that no house style outweighs the others;
- gold counts 4 where nine of ten editors would agree and 1 where not, articles written for newsclf count 8, silver .3: chosen by
  macro-F1 on gold articles of sources that were left out;
- the decision on duplicates learns from the pairs of `pairs.py`.
"""

import argparse
import hashlib
import re
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from corpus_files import lot, rows_of
from pairs import pairs_to_learn_from

import newsclf
from newsclf.article import Article

ROOT = Path(__file__).parents[1]
OWN_CORPORA = ("articles.jsonl", "hard_cases.jsonl")  # in data/
MAX_SILVER, MAX_SILVER_WEIGHT = 2000, 400
BALANCE = 0.5  # of the topics' weights
BUDGET_SECONDS = 200  # one C is tried: of 1, 3 and 10 an earlier build chose it
CLEAR_GOLD, UNCLEAR_GOLD, OWN, SILVER = 4.0, 1.0, 8.0, 0.3
KEY_CHARACTERS = 160  # two texts whose words start alike for so long are the same article
MIN_TITLE_CHARACTERS = 25  # shorter titles are shared by chance
OPEN_TIERS = {  # silver sources, as classed by licence; tier C is left out
    "abc_rural_science",
    "afmil_rss",
    "agnews_test",
    "congress_releases",
    "doj_press_releases",
    "fakes_syria_war",
    "huffpost_subset",
    "inshorts",
    "isaf_press_releases",
    "kpcrowd_500n",
    "muc4_latin_america",
    "newsgroups20",
    "nyt_frontpage_cap",
    "prosecutor_releases",
    "re3d_syria_iraq",
    "reuters21578",
    "senate_releases_weak",
    "usnews_econ",
    "wikinews_2019_2020",
    "wikipedia_current_events",
}

DUPLICATE_SOURCES = OPEN_TIERS | {"senate_bulk"}  # of the pairs that teach duplicates; senate_bulk, of tier A, has no labels


def main() -> None:
    """Builds the model and says what it is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("corpora", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=-1)
    arguments = parser.parse_args()
    start = time.perf_counter()
    articles = training_articles(arguments.corpora)
    pairs = pairs_to_learn_from(arguments.corpora, ROOT / "data", DUPLICATE_SOURCES)
    model = newsclf.train(
        articles, budget_seconds=BUDGET_SECONDS, balance=BALANCE, pairs=pairs, n_jobs=arguments.jobs, notify=say
    )
    newsclf.save(model, arguments.output)
    size_mb = arguments.output.stat().st_size / 1e6
    digest = hashlib.sha256(arguments.output.read_bytes()).hexdigest()
    say(f"wrote {arguments.output}: {size_mb:.2f} MB, SHA-256 {digest}, {time.perf_counter() - start:.0f} s")


def training_articles(corpora: Path) -> list[Article]:
    """All articles that the model learns from, with their weights."""
    gold = list(gold_articles(corpora))
    own = [article_of(row, source="newsclf", weight=OWN) for name in OWN_CORPORA for row in rows_of(ROOT / "data" / name)]
    silver = list(silver_articles(corpora, {key for article in gold for key in keys_of(article)}))
    return [article for article in gold if article.weight] + own + silver


def gold_articles(corpora: Path) -> Iterator[Article]:
    """Gold of every tier, for their keys; those of tier C with weight 0, which training leaves out."""
    for row in rows_of(corpora / "gold" / "gold.jsonl.gz"):
        weight = 0.0 if row["tier"] == "C" else CLEAR_GOLD if row["clear"] else UNCLEAR_GOLD
        # Two folders of one source must not stand on both sides of a split: the translations share their articles.
        source = "wmt" if row["source"].startswith("wmt_") else row["source"]
        yield article_of(row, source=source, weight=weight)


def silver_articles(corpora: Path, gold_keys: set[str]) -> Iterator[Article]:
    """Silver of the open tiers that repeats no gold, so many of each source and topic."""
    for source in sorted(OPEN_TIERS):
        groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in sorted(rows_of(corpora / "silver" / f"{source}.jsonl.gz"), key=lot):
            if gold_keys.isdisjoint(keys_of(article_of(row, source=source, weight=SILVER))):
                groups[row["label"]].append(row)
        for label in sorted(groups):
            chosen = groups[label][:MAX_SILVER]
            weight = SILVER * min(1.0, MAX_SILVER_WEIGHT / len(chosen))
            yield from (article_of(row, source=source, weight=weight) for row in chosen)


def article_of(row: dict[str, Any], *, source: str, weight: float) -> Article:
    """A row of a corpus file as a training article."""
    return Article(row["text"], title=row["title"] or "", id=row["id"], source=source, label=row["label"], weight=weight)


def keys_of(article: Article) -> Iterator[str]:
    """What an article and its repetition share: the first words of its text, with and without title, and a long title."""
    yield key_of(article.text)
    yield key_of(f"{article.title} {article.text}")
    if len(article.title) > MIN_TITLE_CHARACTERS:
        yield key_of(article.title)


def key_of(text: str) -> str:
    """The first words of a text, in lower case."""
    return " ".join(re.findall(r"\w+", text[: 4 * KEY_CHARACTERS].lower()))[:KEY_CHARACTERS]


def say(message: str) -> None:
    """Prints a line for people."""
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
