"""What a news article is about, and whether it has been seen before.

Importing newsclf loads nothing; each name is imported when it is first used.

>>> import newsclf
>>> newsclf.load().predict("The rocket lifted off with two satellites on board and reached orbit.").topic
'space'
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from newsclf.article import Article as Article
    from newsclf.article import ArticlePair as ArticlePair
    from newsclf.dedup import find_duplicates as find_duplicates
    from newsclf.duplicates.cluster import Clusters as Clusters
    from newsclf.duplicates.compare import Match as Match
    from newsclf.errors import CorpusError as CorpusError
    from newsclf.errors import IndexFileError as IndexFileError
    from newsclf.errors import InputError as InputError
    from newsclf.errors import ModelFileError as ModelFileError
    from newsclf.errors import NewsclfError as NewsclfError
    from newsclf.index.article_index import ArticleIndex as ArticleIndex
    from newsclf.index.opening import open_index as open_index
    from newsclf.index.records import Sighting as Sighting
    from newsclf.model import NewsModel as NewsModel
    from newsclf.model import Prediction as Prediction
    from newsclf.model_file import load as load
    from newsclf.model_file import save as save
    from newsclf.reading import read_articles as read_articles
    from newsclf.reading import read_pairs as read_pairs
    from newsclf.training import train as train

__version__ = "0.1.0"

_MODULES = {
    "Article": "article",
    "ArticleIndex": "index.article_index",
    "ArticlePair": "article",
    "Clusters": "duplicates.cluster",
    "CorpusError": "errors",
    "IndexFileError": "errors",
    "InputError": "errors",
    "Match": "duplicates.compare",
    "ModelFileError": "errors",
    "NewsModel": "model",
    "NewsclfError": "errors",
    "Prediction": "model",
    "Sighting": "index.records",
    "find_duplicates": "dedup",
    "load": "model_file",
    "open_index": "index.opening",
    "read_articles": "reading",
    "read_pairs": "reading",
    "save": "model_file",
    "train": "training",
}
__all__ = ["__version__", *_MODULES]  # noqa: PLE0604 the keys are strings


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'newsclf' has no attribute {name!r}")
    return getattr(import_module(f"newsclf.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
