"""Training: what is refused, what is left out, and the same bytes from the same articles."""

import hashlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from newsclf.article import Article
from newsclf.corpus import labelled_corpus, near_duplicate_groups
from newsclf.errors import CorpusError
from newsclf.model_file import load, save
from newsclf.tfidf import count_terms, tfidf_rows
from newsclf.training import train

DATA = Path(__file__).parents[1] / "data"
N_ARTICLES = 140  # of the starter corpus: enough to learn from, and a second to train on


def starter() -> list[Article]:
    from newsclf.reading import read_articles

    articles = sorted(read_articles(DATA / "articles.jsonl"), key=lambda article: hashlib.md5(article.text.encode()).digest())
    return articles[:N_ARTICLES]


def digest_after_training(articles: Sequence[Article], folder: Path, n_jobs: int = 1) -> str:
    save(train(articles, budget_seconds=1, n_jobs=n_jobs), folder / "model.safetensors")
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def messages_of(articles: Sequence[Article]) -> list[str]:
    messages: list[str] = []
    labelled_corpus(articles, messages.append)
    return messages


def test_order_and_processes_change_no_byte_of_the_model(tmp_path: Path) -> None:
    articles = starter()
    shuffled = random.Random(0).sample(articles, len(articles))
    first = digest_after_training(articles, tmp_path)
    assert digest_after_training(shuffled, tmp_path, n_jobs=2) == first


def test_hash_seed_and_threads_change_no_byte_of_the_model(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus.jsonl"
    lines = [{"text": a.text, "title": a.title, "label": a.label, "source": a.source} for a in starter()]
    corpus.write_text("".join(json.dumps(line) + "\n" for line in lines))
    digests = set()
    for seed, threads in (("1", "1"), ("2", "2")):
        model = tmp_path / f"{seed}.safetensors"
        environment = os.environ | {"PYTHONHASHSEED": seed, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        command = [sys.executable, "-m", "newsclf", "train", str(corpus), "-o", str(model), "--budget", "1"]
        subprocess.run(command, env=environment, check=True, capture_output=True)
        digests.add(hashlib.sha256(model.read_bytes()).hexdigest())
    assert len(digests) == 1


def test_a_model_learns_topics_of_the_users_own(tmp_path: Path) -> None:
    articles = [replace(article, label=f"My {article.label}") for article in starter()]
    save(train(articles, budget_seconds=1), tmp_path / "own.safetensors")
    model = load(tmp_path / "own.safetensors")
    text = "The rocket lifted off from the launch pad and put two satellites into orbit around the Earth, the space agency said."
    prediction = model.predict(text)
    assert prediction.topic == "My space" == max(prediction.probabilities, key=prediction.probabilities.__getitem__)
    assert sum(prediction.probabilities.values()) == pytest.approx(1, abs=1e-5)


def test_two_topics_are_enough() -> None:
    articles = [article for article in starter() if article.label in ("crime", "space")]
    model = train(articles, budget_seconds=1)
    assert model.topics.labels == ("crime", "space")
    answers = [prediction.topic for prediction in model.predict_many(articles)]
    assert np.mean([answer == article.label for answer, article in zip(answers, articles, strict=True)]) > 0.95


def test_scores_are_of_articles_that_the_model_has_not_seen() -> None:
    """With labels dealt by chance nothing can be learned, and the scores must say so."""
    shuffler = random.Random(0)
    articles = [replace(article, label=shuffler.choice(["a", "b"]), source=None) for article in starter()]
    scores = train(articles, budget_seconds=1).facts["scores"]
    assert list(scores) == ["new articles"]  # no source is named
    assert 0.3 < scores["new articles"]["accuracy"] < 0.7


def test_a_topic_from_one_source_can_be_trained_on() -> None:
    articles = [replace(a, source="only" if a.label == "crime" else f"s{len(a.text) % 9}") for a in starter()]
    chosen = [article for article in articles if article.label in ("crime", "space")]
    assert train(chosen, budget_seconds=1).topics.labels == ("crime", "space")


def test_texts_without_common_terms_are_refused() -> None:
    articles = [Article(f"alpha{index} beta{index}", label="ab"[index % 2]) for index in range(30)]
    with pytest.raises(CorpusError, match="no term stands in 3 articles or more"):
        train(articles)


def test_a_corpus_of_near_duplicates_alone_is_refused() -> None:
    common = " ".join(f"word{index}" for index in range(60))
    articles = [Article(f"{common} tail{index}", label="ab"[index % 2]) for index in range(30)]
    with pytest.raises(CorpusError, match="near-duplicates"):
        train(articles)


def test_a_copy_in_another_fold_does_not_flatter_the_scores() -> None:
    """Each text twice with one odd word changed: labels by chance stay a coin's throw though every text has a twin."""
    shuffler = random.Random(1)
    articles = [replace(article, label=shuffler.choice(["a", "b"]), source=None) for article in starter()[:80]]
    twins = [replace(article, text=f"{article.text} zzyzx") for article in articles]
    scores = train([*articles, *twins], budget_seconds=1).facts["scores"]
    assert scores["new articles"]["accuracy"] < 0.7


def test_heavy_articles_outvote_light_ones() -> None:
    articles = [article for article in starter() if article.label in ("crime", "space")]
    wrong = [replace(a, text=a.text + " qqq", label="space" if a.label == "crime" else "crime", weight=0.01) for a in articles]
    model = train([*articles, *wrong], budget_seconds=1)
    answers = [prediction.topic for prediction in model.predict_many(articles)]
    assert np.mean([answer == article.label for answer, article in zip(answers, articles, strict=True)]) > 0.95


def test_of_copies_the_heaviest_is_kept_and_named() -> None:
    articles = starter()
    copy = replace(articles[0], label="other", weight=0.5)
    corpus = labelled_corpus([*articles, copy], lambda message: None)
    assert len(corpus) == len(articles)
    assert messages_of([*articles, copy]) == ["left out 1 copies of the same text (1 texts had more than one label)"]


def test_articles_without_label_or_text_are_left_out_and_counted() -> None:
    odd = [Article("no label here"), Article("", label="crime"), Article(" \n", label="crime")]
    assert messages_of([*starter(), *odd]) == ["left out 1 articles without a label", "left out 2 articles without a text"]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([], r"no labelled article; training needs at least 2 topics"),
        (["sport"] * 30, r"1 topic \('sport'\); training needs at least 2 topics\. Check the 'label' field"),
        (["sport"] * 20 + ["Sport"] * 5, r"differ only in case or spaces: 'Sport' \(5\) and 'sport' \(20\)"),
        (["sport", "war"] * 5, r"10 different articles; training needs at least 20\. Add articles"),
    ],
)
def test_corpora_that_cannot_be_trained_on_are_refused(labels: list[str], message: str) -> None:
    articles = [Article(f"text number {index} of some length", label=label) for index, label in enumerate(labels)]
    with pytest.raises(CorpusError, match=message):
        train(articles)


def test_a_balance_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="balance must be from 0 to 1, not 2"):
        train(starter(), balance=2)


def test_near_duplicates_share_a_group_through_others_too() -> None:
    base = " ".join(f"word{index}" for index in range(60))
    texts = [base, "another text about nothing alike", base + " tail", base.replace("word5 ", "")]
    rows = tfidf_rows(texts, count_terms(texts, 1))
    assert near_duplicate_groups(rows, np.arange(4)).tolist() == [0, 1, 0, 0]
    assert near_duplicate_groups(rows, np.array([0, 1, 2, 1])).tolist() == [0, 0, 0, 0]


def run_train(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "newsclf", "train", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command_writes_a_model_and_its_scores(tmp_path: Path) -> None:
    result = run_train(DATA / "articles.jsonl", "-o", tmp_path / "m.safetensors", "--budget", "1", "--format", "jsonl")
    scores = json.loads(result.stdout)
    assert result.returncode == 0 and scores["articles"] == 686
    assert min(scores["new articles"]["macro_f1"], scores["new sources"]["macro_f1"]) > 0.9
    assert "686 articles of 7 topics" in result.stderr and "wrote" in result.stderr
    assert load(tmp_path / "m.safetensors").facts["scores"]["new sources"] == scores["new sources"]


def test_the_command_refuses_a_corpus_in_one_line(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text('{"text": "a goal", "label": "sport"}\n')
    result = run_train(corpus, "-o", tmp_path / "m.safetensors")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        "newsclf: the corpus has 1 topic ('sport'); training needs at least 2 topics. Check the 'label' field.\n"
    )
    assert not (tmp_path / "m.safetensors").exists()


def test_the_command_checks_its_output_before_it_trains(tmp_path: Path) -> None:
    result = run_train(DATA / "articles.jsonl", "-o", tmp_path / "absent" / "m.safetensors")
    assert result.returncode == 2 and "is not a folder" in " ".join(result.stderr.split())
