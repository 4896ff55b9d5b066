"""Near-duplicates in a corpus: the public door to ``duplicates``."""

from collections.abc import Iterable

from newsclf.article import Article
from newsclf.duplicates.cluster import Clusters
from newsclf.duplicates.find import Progress, find_clusters
from newsclf.model import NewsModel, as_article

MIN_MEMORY_BYTES = 1 << 24  # less would cut the search into more parts than it has use for
DEFAULT_MEMORY_BYTES = 1 << 30


def find_duplicates(
    articles: Iterable[Article | str],
    model: NewsModel,
    *,
    n_jobs: int = 1,
    max_memory_bytes: int = DEFAULT_MEMORY_BYTES,
    progress: Progress = lambda step, n_done, n_articles: None,
) -> Clusters:
    """The clusters of near-duplicates in a corpus: which articles copy which, what kind of copy each is, how sure that is.

    Candidates are all pairs with TF-IDF cosine of .45 or more, found exactly, and texts cut from longer ones (most of them);
    the model decides on each. Clusters are stars: every member is a duplicate of its canonical, the article that was published
    first, of several the longest, then the one with the lowest id. The same articles give the same clusters in any order.

    Args:
        articles: read once, as they come; texts and rows are kept in temporary files.
        model: gives the terms their weights, and decides.
        n_jobs: number of processes that clean and count (joblib's meaning: -1 is one a core).
        max_memory_bytes: about what the search may take. Less memory costs time, not results; a corpus takes at least some
            150 bytes an article and 8 bytes a term that several articles share.
        progress: called with the step, how many articles are done in it, and how many there are where that is known.

    Returns:
        A ``Membership`` for each article, in their order. No article gives no membership.

    Raises:
        TypeError: if it is given one article or one str.
        ValueError: if ``max_memory_bytes`` is too little.
        ModelFileError: if the model was made by an older newsclf and knows nothing of duplicates.
        OSError: if the disk for temporary files is full.

    >>> import newsclf
    >>> wheat, rocket = "The wheat harvest in the north was the best in ten years.", "A rocket took two satellites to orbit."
    >>> clusters = find_duplicates([wheat, rocket, wheat], newsclf.load())
    >>> [(member.canonical, member.kind) for member in clusters]
    [(0, None), (1, None), (0, 'exact')]
    """
    if isinstance(articles, str | Article):
        raise TypeError("articles must be several, in a list or stream; for a pair there is compare")
    if max_memory_bytes < MIN_MEMORY_BYTES:
        raise ValueError(f"max_memory_bytes must be {MIN_MEMORY_BYTES:,} or more, not {max_memory_bytes:,}")
    return find_clusters(
        map(as_article, articles),
        model.vocabulary,
        model.decision,
        n_jobs=n_jobs,
        max_memory_bytes=max_memory_bytes,
        progress=progress,
    )
