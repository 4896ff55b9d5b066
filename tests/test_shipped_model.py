"""The model that ships: what its card says, and the user's own sample."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

import newsclf
from newsclf.duplicates import copies
from newsclf.model_file import shipped_model_path

ROOT = Path(__file__).parents[1]
CORPORA = Path(os.environ.get("NEWSCLF_CORPORA", ROOT.parent / "shared"))
TOPICS = ("agriculture", "crime", "economy", "military", "other", "politics", "space")


def test_it_is_small_and_is_the_one_that_its_card_describes() -> None:
    content = shipped_model_path().read_bytes()
    card = (ROOT / "models" / "README.md").read_text(encoding="utf-8")
    assert len(content) <= 4_000_000
    assert hashlib.sha256(content).hexdigest() in card
    assert newsclf.load().topics.labels == TOPICS


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("The central bank raised interest rates by half a point to slow inflation, and shares fell.", "economy"),
        ("Police arrested two men on suspicion of murder after a body was found; they appear in court on Monday.", "crime"),
        ("Farmers say the dry spring has cut the wheat harvest by a third and left pasture short for cattle.", "agriculture"),
        ("The rocket lifted off with two astronauts on board and docked with the space station six hours later.", "space"),
        ("The army said its troops had shelled rebel positions and that two soldiers were killed in the fighting.", "military"),
        ("The prime minister lost a confidence vote in parliament and opposition parties called for an election.", "politics"),
        ("The striker scored twice in the second half as the champions won the cup final in front of 60,000 fans.", "other"),
    ],
)
def test_plain_cases(text: str, topic: str) -> None:
    prediction = newsclf.load().predict(text)
    assert prediction.topic == topic and not prediction.abstained


@pytest.mark.parametrize(
    "text",
    [
        "El Gobierno anunció nuevas medidas de apoyo a los agricultores tras la sequía que afectó a varias provincias.",
        "Die Bundesregierung hat am Mittwoch neue Hilfen für die von der Dürre betroffenen Landwirte beschlossen.",
        "Le gouvernement a annoncé mercredi de nouvelles aides pour les agriculteurs touchés par la sécheresse.",
        "政府は水曜日、干ばつの被害を受けた農家に対する新たな支援策を発表した。",
        "asdf qwer zxcv uiop hjkl bnmt tyui ghjk vbnm qazw sxed crfv tgby hnuj mikl",
        "0123 4567 8901 2345 6789 0123 4567 8901 2345 6789 1111 2222 3333 4444",
    ],
)
def test_what_it_cannot_read_gets_no_topic(text: str) -> None:
    prediction = newsclf.load().predict(text)
    assert prediction.topic is None and prediction.reason


ARTICLE = newsclf.Article(
    title="Ferry service to Aldbrook resumes after storm",
    text="The ferry between Aldbrook and the mainland resumed on Tuesday after a storm had kept it in port for four days. "
    "Some 3,200 passengers had been stranded, harbour master Ines Duarte said. Two trucks with medicine crossed first. "
    "The operator put the damage to the landing stage at 410,000 euros and said repairs would take until the end of May. "
    "Fishing boats stayed in port, and the school on the island is to open again on Thursday. The regional government has "
    "promised to pay for a second ferry.",
)


@pytest.mark.parametrize(
    ("copy", "kind"),
    [
        (ARTICLE, "exact"),
        (replace(ARTICLE, title="Island linked to mainland once more"), "retitled"),
        (replace(ARTICLE, text=ARTICLE.text[:290]), "cut"),
        (replace(ARTICLE, text=ARTICLE.text.replace("stranded", "left waiting").replace("3,200", "3 200 or so")), "edited"),
    ],
)
def test_copies_are_duplicates(copy: newsclf.Article, kind: str) -> None:
    match = newsclf.load().compare(ARTICLE, copy)
    assert (match.duplicate, match.kind) == (True, kind)


def test_a_template_with_other_facts_is_no_duplicate() -> None:
    facts = {
        "Aldbrook": "Kessling",
        "Tuesday": "Friday",
        "3,200": "1,150",
        "Ines Duarte": "Omar Haddad",
        "410,000": "95,000",
        "four": "two",
    }
    text, title = ARTICLE.text, ARTICLE.title
    for old, new in facts.items():
        text, title = text.replace(old, new), title.replace(old, new)
    assert not newsclf.load().compare(ARTICLE, newsclf.Article(text, title=title)).duplicate


def test_the_look_alikes_that_were_written_for_newsclf_are_told_apart() -> None:
    """The model has learned from them: this holds the shipped file to what it learned, and measures nothing."""
    names = ("articles.jsonl", "duplicates.jsonl", "negatives.jsonl")
    articles = list(newsclf.read_articles([ROOT / "data" / name for name in names]))
    found = {
        a.id for a, member in zip(articles, newsclf.find_duplicates(articles, newsclf.load()), strict=True) if member.duplicate
    }
    assert not [name for name in found if name and "-neg-" in name]
    assert len(found) >= 40


@pytest.mark.shared
@pytest.mark.skipif(
    not (CORPORA / "samples").exists(), reason="needs the corpora's samples/; name their folder in NEWSCLF_CORPORA"
)
def test_edited_copies_of_the_users_sample_are_found() -> None:
    sample = list(newsclf.read_articles(CORPORA / "samples" / "seeds.txt"))
    random = Random(3)
    for maker in (copies.edited(0.15), copies.cut(0.6)):
        edits = [maker(article, sample[0], random) for article in sample[1:]]
        ids = [member.cluster for member in newsclf.find_duplicates([*sample, *edits], newsclf.load())]
        assert len(set(ids[:6])) == 6
        assert ids[6:] == ids[1:6]


@pytest.mark.shared
@pytest.mark.skipif(
    not (CORPORA / "samples").exists(), reason="needs the corpora's samples/; name their folder in NEWSCLF_CORPORA"
)
def test_the_users_sample_is_right_six_times_of_six() -> None:
    articles = newsclf.read_articles(CORPORA / "samples" / "seeds.txt")
    topics = [prediction.topic for prediction in newsclf.load().predict_many(articles)]
    assert topics == ["economy", "crime", "agriculture", "space", "military", "politics"]
