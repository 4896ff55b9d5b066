"""The article: the record that travels through the whole library."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Article:
    """One news article, as it came in.

    Attributes:
        text: the body. May be empty; a model then abstains.
        title: the headline, with or without ` | tag` tails. "" where there is none.
        id: the caller's own name for the article; readers fill it in where the input has none.
        published: date or time as given. It is compared as text, so ISO 8601 sorts as time does.
        source: publisher or feed.
        url: where it was found.
        label: the topic that a person or a rule gave. Used in training and evaluation only.
        weight: how much the article counts in training, 1 being normal.

    Raises:
        TypeError: if text or title is not a str.
        ValueError: if the weight is negative or not finite.

    >>> Article("Wheat prices fell.", title="Grain").title
    'Grain'
    """

    text: str
    title: str = ""
    id: str | None = None
    published: str | None = None
    source: str | None = None
    url: str | None = None
    label: str | None = None
    weight: float = 1.0

    def __post_init__(self) -> None:
        _check_str("text", self.text)
        _check_str("title", self.title)
        if not 0 <= self.weight < math.inf:
            raise ValueError(f"Article weight must be a number of 0 or more, not {self.weight}")


@dataclass(frozen=True, slots=True)
class ArticlePair:
    """Two articles that a person judged.

    Attributes:
        a: the one article.
        b: the other.
        duplicate: True where one is a near-duplicate of the other.
    """

    a: Article
    b: Article
    duplicate: bool


def _check_str(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"Article {name} must be a str, not {type(value).__name__}")
