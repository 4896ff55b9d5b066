"""Model files: a round trip, the same bytes, and whatever a broken or hostile file may hold."""

import json
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save as to_bytes

from newsclf import model_file
from newsclf.duplicates.decide import DuplicateModel
from newsclf.errors import ModelFileError
from newsclf.model import NewsModel
from newsclf.model_file import load, save
from newsclf.tfidf import count_terms
from newsclf.topics.model import TopicModel

TEXTS = ["wheat harvest rain field", "rocket orbit launch moon", "wheat field rocket moon rain"]


def small_decision() -> DuplicateModel:
    features, thresholds = np.array([[0, 1, 2]], np.int16), np.array([[0.5, 0.2, 0.9]], np.float32)
    return DuplicateModel(features, thresholds, np.array([[-2, -1, 1, 2]], np.float32), np.array([1.5, -0.25]))


def small_model() -> NewsModel:
    vocabulary = count_terms(TEXTS, min_document_frequency=1)
    weights = np.arange(2 * len(vocabulary), dtype=np.int8).reshape(2, -1)
    topics = TopicModel(("farm", "space"), weights, 0.25, np.array([0.5, -0.5], np.float32), np.array([0.6, 0.4], np.float32))
    return NewsModel(vocabulary, topics, 0.25, {"note": "für Tests"}, small_decision())


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    save(small_model(), tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def test_a_loaded_model_predicts_like_the_saved_one(saved: Path) -> None:
    text = "wheat field rocket moon rain"
    assert load(saved).predict(text) == small_model().predict(text)
    assert load(saved).facts == {"note": "für Tests"}
    assert load(saved).fingerprint == small_model().fingerprint
    assert load(saved).compare(text, f"{text} sun") == small_model().compare(text, f"{text} sun")


def test_a_file_of_format_1_is_read_and_knows_nothing_of_duplicates() -> None:
    """`format_1.safetensors` was written by newsclf 0.1.0 of 24 November 2026; never write it anew."""
    old = load(Path(__file__).parent / "files" / "format_1.safetensors")
    assert old.predict("wheat field rocket moon rain") == small_model().predict("wheat field rocket moon rain")
    with pytest.raises(ModelFileError, match="made by an older newsclf and knows nothing of duplicates"):
        old.compare("wheat", "wheat")


def test_the_same_model_gives_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    save(load(saved), tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == saved.read_bytes()


def test_saving_leaves_nothing_but_the_model(saved: Path) -> None:
    save(small_model(), saved)
    assert [path.name for path in saved.parent.iterdir()] == ["model.safetensors"]


def test_a_failed_save_keeps_the_old_file_and_leaves_no_other(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = saved.read_bytes()

    def fail(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="no space left"):
        save(small_model(), saved)
    assert [path.read_bytes() for path in saved.parent.iterdir()] == [before]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(data=st.data())
def test_any_changed_byte_is_noticed(saved: Path, data: st.DataObject) -> None:
    content = bytearray(saved.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    broken = saved.with_name("broken.safetensors")
    broken.write_bytes(content)
    with pytest.raises(ModelFileError):
        load(broken)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_cut_file_is_noticed(saved: Path, data: st.DataObject) -> None:
    content = saved.read_bytes()
    cut = saved.with_name("cut.safetensors")
    cut.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(ModelFileError, match="cut"):
        load(cut)


@given(st.binary(max_size=300))
def test_any_bytes_raise_model_file_error(content: bytes) -> None:
    import tempfile

    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        with pytest.raises(ModelFileError):
            load(file.name)


def write_hostile(folder: Path, arrays: dict[str, np.ndarray], header: dict[str, object]) -> Path:
    """A model file with some parts replaced and a checksum that is right for them."""
    model = small_model()
    all_arrays = model_file._arrays(model) | arrays
    whole_header = model_file._header(model) | header
    whole_header["sha256"] = model_file._checksum(whole_header, all_arrays)
    path = folder / "hostile.safetensors"
    path.write_bytes(to_bytes(all_arrays, metadata={"newsclf": json.dumps(whole_header)}))
    return path


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@example(name="n_articles", value=10**400)
@example(name="weight_scale", value=1e39)
@given(
    name=st.sampled_from(["format", "pipeline", "topics", "weight_scale", "min_known_share", "n_articles", "facts"]),
    value=json_values,
)
def test_a_hostile_header_with_a_right_checksum_is_refused_or_read(tmp_path: Path, name: str, value: object) -> None:
    path = write_hostile(tmp_path, {}, {name: value})
    with suppress(ModelFileError):
        assert np.isfinite(load(path).predict("wheat field rocket moon rain").probability)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("vocabulary.hashes", np.array([3, 2, 1], np.uint64)),
        ("vocabulary.hashes", np.zeros((2, 2), np.uint64)),
        ("topics.weights", np.zeros((3, 1), np.int8)),
        ("topics.intercepts", np.array([np.nan, 0], np.float32)),
        ("topics.shares", np.zeros(2, np.float64)),
        ("vocabulary.document_frequencies", np.zeros(15, np.int32)),
        ("duplicates.features", np.array([[0, 1, 9999]], np.int16)),
        ("duplicates.features", np.array([[0, 1]], np.int16)),
        ("duplicates.thresholds", np.array([[0.5, np.nan, 0.9]], np.float32)),
        ("duplicates.leaves", np.array([[-2, -1, 1]], np.float32)),
        ("duplicates.calibration", np.array([np.inf, 0])),
        ("duplicates.calibration", np.zeros(3)),
    ],
)
def test_hostile_arrays_with_a_right_checksum_are_refused(tmp_path: Path, name: str, array: np.ndarray) -> None:
    path = write_hostile(tmp_path, {name: array}, {})
    with pytest.raises(ModelFileError, match="damaged"):
        load(path)


def test_other_files_are_told_apart_by_name_and_reason(tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    other.write_bytes(to_bytes({"a": np.zeros(1)}))
    with pytest.raises(ModelFileError, match=r"other\.safetensors is a safetensors file, but not one of newsclf's"):
        load(other)
    with pytest.raises(ModelFileError, match=r"absent\.safetensors cannot be read: No such file"):
        load(tmp_path / "absent.safetensors")
    with pytest.raises(ModelFileError, match="cannot be read"):
        load(tmp_path)


def test_a_newer_format_says_what_to_do(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_file, "READABLE_FORMATS", (1,))
    with pytest.raises(ModelFileError, match="Train it again, or install the newsclf that made it"):
        load(saved)
