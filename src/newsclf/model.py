"""The model that a user holds: articles in, predictions out."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from newsclf.article import Article
from newsclf.errors import ModelFileError
from newsclf.text.blocks import article_blocks
from newsclf.text.clean import clean, feature_text
from newsclf.text.tokens import TermHashes, hash_terms
from newsclf.tfidf import Vocabulary, count_known_tokens, weigh_columns
from newsclf.topics.model import TopicModel

if TYPE_CHECKING:  # a tenth of a second at start-up, for those who only want topics
    from newsclf.duplicates.compare import Match
    from newsclf.duplicates.decide import DuplicateModel

PIPELINE = 1  # raised whenever cleaning, tokens, hashes or weights change what a text becomes
MIN_KNOWN_TOKENS = 5  # fewer known words than this say too little
MAX_BLOCK_ARTICLES = 2048  # keeps the matrix of probabilities small where articles are a line each


@dataclass(frozen=True)
class Prediction:
    """What an article is about.

    Attributes:
        topic: the most probable topic; None where the model abstains.
        probability: that topic's probability, in [0, 1]; where the model abstains, the largest of ``probabilities``.
        probabilities: topic to probability, the most probable first; they sum to 1. Where the model cannot judge the text at all,
            the topics' shares of the training corpus.
        abstained: True where the model will not say.
        reason: why it abstained, in words; None where it did not.
    """

    topic: str | None
    probability: float
    probabilities: Mapping[str, float]
    abstained: bool
    reason: str | None = None


@dataclass(frozen=True)
class NewsModel:
    """A vocabulary and what was learned over it.

    Attributes:
        vocabulary: the terms and their document frequencies.
        topics: the topic model.
        min_known_share: an article with a smaller share of known words is in no language that the model learned.
        facts: how it was trained and how it scored, as in the model file's header.
        duplicates: what decides whether two articles are duplicates; None in a model that an older newsclf made.
    """

    vocabulary: Vocabulary
    topics: TopicModel
    min_known_share: float
    facts: Mapping[str, Any] = field(default_factory=dict)
    duplicates: "DuplicateModel | None" = None

    def predict(self, article: Article | str) -> Prediction:
        """The topic of one article, or of a text.

        >>> import newsclf
        >>> newsclf.load().predict("The central bank raised interest rates to slow inflation.").topic
        'economy'
        """
        return next(self.predict_many([article]))

    def predict_many(self, articles: Iterable[Article | str], n_jobs: int = 1) -> Iterator[Prediction]:
        """The topics of articles, in their order, as they come in; no article gives no prediction.

        Args:
            articles: any iterable, read a block of about 250,000 characters ahead, so that a stream need not fit in memory.
            n_jobs: number of processes (joblib's meaning: -1 is one a core).

        Raises:
            TypeError: if it is given one article or one str.
        """
        if isinstance(articles, str | Article):
            raise TypeError("articles must be several, in a list or stream; for one there is predict")
        blocks = article_blocks(map(as_article, articles), MAX_BLOCK_ARTICLES)
        if n_jobs == 1:
            return chain.from_iterable(map(self._predict_block, blocks))
        from joblib import Parallel, delayed  # imported where needed: a third of a second at start-up

        results = Parallel(n_jobs=n_jobs, return_as="generator")(delayed(self._predict_block)(block) for block in blocks)
        return chain.from_iterable(results)

    def compare(self, a: Article | str, b: Article | str) -> "Match":
        """Whether two articles are near-duplicates, what kind of copy the one is, and why.

        Raises:
            ModelFileError: if the model was made by an older newsclf and knows nothing of duplicates.

        >>> import newsclf
        >>> text = "The mill at Aldbrook burned for nine hours on Tuesday. Forty firefighters fought the blaze."
        >>> match = newsclf.load().compare(text, text + " Nobody was hurt.")
        >>> match.duplicate, match.passages[0].b_end
        (True, 90)
        """
        from newsclf.duplicates.compare import compare_articles

        return compare_articles(as_article(a), as_article(b), self.vocabulary, self.decision)

    @property
    def decision(self) -> "DuplicateModel":
        """What decides on duplicates.

        Raises:
            ModelFileError: if the model has nothing that does.
        """
        if self.duplicates is None:
            raise ModelFileError(
                "this model was made by an older newsclf and knows nothing of duplicates. Train it again, or use the model that "
                "ships."
            )
        return self.duplicates

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all that decides a text's row: two models with the same fingerprint make the same rows."""
        digest = hashlib.sha256(f"newsclf pipeline {PIPELINE}, {self.vocabulary.n_articles} articles".encode())
        digest.update(self.vocabulary.hashes.astype("<u8").tobytes())
        digest.update(self.vocabulary.document_frequencies.astype("<i4").tobytes())
        return digest.hexdigest()

    def _predict_block(self, articles: Sequence[Article]) -> list[Prediction]:
        return self.predict_terms(hash_terms([feature_text(clean(article)) for article in articles]))

    def predict_terms(self, terms: TermHashes) -> list[Prediction]:
        """The topics of a block of articles whose cleaned texts were hashed already."""
        columns = self.vocabulary.columns(terms.hashes)
        probabilities = self.topics.probabilities(weigh_columns(terms, columns, self.vocabulary))
        doubts = self._doubts(terms, columns)
        probabilities[list(doubts)] = self.topics.shares
        order = np.argsort(-probabilities, axis=1, kind="stable")  # of equal topics the first by name leads
        ranked = np.take_along_axis(probabilities, order, axis=1).tolist()
        labels = [[self.topics.labels[topic] for topic in topics] for topics in order.tolist()]
        return [_prediction(*answer, doubts.get(index)) for index, answer in enumerate(zip(labels, ranked, strict=True))]

    def _doubts(self, terms: TermHashes, columns: NDArray[np.int32]) -> dict[int, str]:
        """The articles that cannot be judged, by their index in the block, and why."""
        n_tokens, n_known = count_known_tokens(terms, columns)
        is_doubtful = (n_known < MIN_KNOWN_TOKENS) | (n_known < self.min_known_share * n_tokens)
        return {index: _doubt(int(n_tokens[index]), int(n_known[index])) for index in np.flatnonzero(is_doubtful).tolist()}


def as_article(article: Article | str) -> Article:
    """The article itself, or one that has the string as its text."""
    return Article(text=article) if isinstance(article, str) else article


def _prediction(labels: list[str], probabilities: list[float], doubt: str | None) -> Prediction:
    topic = labels[0] if doubt is None else None
    by_topic = dict(zip(labels, probabilities, strict=True))
    return Prediction(topic, probabilities[0], by_topic, abstained=doubt is not None, reason=doubt)


def _doubt(n_tokens: int, n_known: int) -> str:
    if n_tokens == 0:
        return "no words in the text"
    if n_tokens >= MIN_KNOWN_TOKENS:
        return f"the model knows {n_known} of the text's {n_tokens} words"
    return f"too short: {n_tokens} words"
