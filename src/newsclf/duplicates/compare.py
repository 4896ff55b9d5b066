"""One pair of articles: the decision and all the evidence for it."""

from dataclasses import dataclass

import numpy as np

from newsclf.article import Article
from newsclf.duplicates.decide import MIN_PROBABILITY, DuplicateModel, kinds
from newsclf.duplicates.passages import Passage, explain_signals, passages
from newsclf.duplicates.profiles import profile
from newsclf.duplicates.signal_names import CONTAINMENT, COSINE
from newsclf.duplicates.signals import pair_signals
from newsclf.text.clean import clean
from newsclf.tfidf import Vocabulary


@dataclass(frozen=True)
class Match:
    """How two articles relate.

    Attributes:
        probability: that they are duplicates, in [0, 1].
        duplicate: True where the probability is ``MIN_PROBABILITY`` or more: where the decision found most right.
        kind: exact, retitled, cut, edited or retranslated; None where they are no duplicates.
        cosine: of their TF-IDF rows, in [0, 1].
        containment: the share of the words of the one that the other has too, weighted by idf; the larger of both shares.
        passages: what both texts say in the same words, in the order of the first; offsets are characters of ``Article.text``.
        reasons: in words, what agrees and what does not: numbers, names, titles, lengths.
    """

    probability: float
    duplicate: bool
    kind: str | None
    cosine: float
    containment: float
    passages: tuple[Passage, ...]
    reasons: tuple[str, ...]


def compare_articles(a: Article, b: Article, vocabulary: Vocabulary, decision: DuplicateModel) -> Match:
    """The decision on one pair, with its evidence; a text without a word is a duplicate of nothing."""
    cleaned = [clean(a), clean(b)]
    profiles = profile(cleaned, vocabulary)
    wordless = [name for name, n_tokens in zip("AB", profiles.n_tokens.tolist(), strict=True) if not n_tokens]
    if wordless:
        return Match(0.0, False, None, 0.0, 0.0, (), tuple(f"no words in {name}" for name in wordless))
    signals = pair_signals(profiles, np.array([0]), np.array([1]))
    probability = decision.probabilities(signals)[0]
    is_duplicate = bool(probability >= np.float32(MIN_PROBABILITY))
    return Match(
        probability=float(probability),
        duplicate=is_duplicate,
        kind=kinds(signals)[0] if is_duplicate else None,
        cosine=float(signals[0, COSINE]),
        containment=float(signals[0, CONTAINMENT]),
        passages=passages(a.text, b.text),
        reasons=tuple(explain_signals(*cleaned)),
    )
