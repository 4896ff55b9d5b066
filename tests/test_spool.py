"""What is put on disk comes back as it was, in whatever order it is asked for."""

from contextlib import closing
from random import Random

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsclf.duplicates.spool import ArraySpool, RecordSpool, TextSpool
from newsclf.text.clean import CleanArticle

any_text = st.text(st.characters(exclude_categories=()), max_size=30)  # lone surrogates and line ends included


@settings(max_examples=50)
@given(st.lists(any_text, max_size=12), st.randoms(use_true_random=False))
@example(["", "\ud800", "", "\r\n\0", "報"], Random(0))
def test_records_come_back_in_any_order(records: list[str], random: Random) -> None:
    with closing(RecordSpool()) as spool:
        for record in records:
            spool.append(record)
        assert len(spool) == len(records)
        wanted = random.choices(range(len(records)), k=2 * len(records)) if records else []
        assert [spool.read(index) for index in wanted] == [records[index] for index in wanted]


@settings(max_examples=50)
@given(st.lists(st.builds(CleanArticle, any_text, any_text), max_size=8), st.integers(0, 8))
def test_articles_come_back_without_their_tags(articles: list[CleanArticle], n_first: int) -> None:
    with closing(TextSpool()) as spool:
        spool.append(CleanArticle(article.title, article.body, ("tag",)) for article in articles[:n_first])
        spool.append(articles[n_first:])
        backwards = range(len(articles) - 1, -1, -1)
        assert spool.read(backwards) == articles[::-1]
        assert spool.read([]) == []


@settings(max_examples=50)
@given(st.lists(st.lists(st.integers(0, 2**64 - 1), max_size=9), max_size=6), st.data())
def test_an_array_is_read_by_ranges_and_as_a_whole(blocks: list[list[int]], data: st.DataObject) -> None:
    values = np.array([value for block in blocks for value in block], np.uint64)
    with closing(ArraySpool(np.uint64)) as spool:
        for block in blocks:
            spool.append(np.array(block, np.uint64))
        assert spool.size == len(values)
        start = data.draw(st.integers(0, len(values)))
        stop = data.draw(st.integers(start, len(values)))
        np.testing.assert_array_equal(spool.read(start, stop), values[start:stop])
        np.testing.assert_array_equal(spool.mapped(), values)


def test_values_are_stored_as_the_type_of_the_spool() -> None:
    with closing(ArraySpool(np.int32)) as spool:
        spool.append(np.arange(6, dtype=np.int64)[::2])
        assert (spool.mapped().dtype.name, spool.mapped().tolist()) == ("int32", [0, 2, 4])


def test_a_mapped_array_is_read_only_and_outlives_its_spool() -> None:
    with closing(ArraySpool(np.int32)) as spool:
        spool.append(np.array([7, 8]))
        mapped = spool.mapped()
    assert mapped.tolist() == [7, 8]
    with pytest.raises(ValueError, match="read-only"):
        mapped[0] = 1
