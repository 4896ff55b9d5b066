"""A model as one file: safetensors, with a JSON header.

Nothing in the file can run: arrays, and a header of plain JSON under the one metadata key ``newsclf``. What a file holds is
checked before it is believed, so that a cut, changed or hostile file raises ``ModelFileError`` and nothing else.

How the format changes: a change that an older newsclf could not read raises ``FORMAT``; readers of the older formats stay.
Format 1 knew nothing of duplicates.
"""

import hashlib
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from newsclf.atomic import replacing
from newsclf.duplicates.decide import DuplicateModel
from newsclf.errors import ModelFileError
from newsclf.model import PIPELINE, NewsModel
from newsclf.tfidf import Vocabulary
from newsclf.topics.model import TopicModel

FORMAT = 2
READABLE_FORMATS = (1, 2)
METADATA_KEY = "newsclf"
MAX_ARTICLES = 2**31 - 1
MAX_WEIGHT_SCALE = 1e6  # log-odds of over a million are no trained model's, and float32 must hold their sums
MAX_SIZE_BYTES = 1 << 30  # a model is megabytes; what is larger than a gigabyte is something else
ARRAYS: dict[str, tuple[str, tuple[str, ...]]] = {  # name: dtype, and the sizes that its dimensions must have
    "vocabulary.hashes": ("uint64", ("n_terms",)),
    "vocabulary.document_frequencies": ("int32", ("n_terms",)),
    "topics.weights": ("int8", ("n_topics", "n_terms")),
    "topics.intercepts": ("float32", ("n_topics",)),
    "topics.shares": ("float32", ("n_topics",)),
}
DUPLICATES = "duplicates."  # begins the names of the arrays that decide on duplicates; their own class checks them


def load(path: str | os.PathLike[str] | None = None) -> NewsModel:
    """The model in a file, or the model that ships.

    Raises:
        ModelFileError: if there is no such file, or it is cut, changed, of another format, or no model at all.

    >>> load().topics.labels
    ('agriculture', 'crime', 'economy', 'military', 'other', 'politics', 'space')
    """
    file = Path(path) if path is not None else shipped_model_path()
    header, arrays = _read(file)
    try:
        return _model(header, arrays)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ModelFileError(f"{file} is damaged: {error}") from error


def save(model: NewsModel, path: str | os.PathLike[str]) -> None:
    """Writes a model: the same model gives the same bytes, and a file that was there is replaced whole or not at all.

    Raises:
        OSError: if the file cannot be written.
    """
    from safetensors.numpy import save as to_bytes

    arrays, header = _arrays(model), _header(model)
    header["sha256"] = _checksum(header, arrays)
    content = to_bytes(arrays, metadata={METADATA_KEY: json.dumps(header, sort_keys=True)})
    with replacing(Path(path)) as stream:
        stream.write(content)


def shipped_model_path() -> Path:
    """Where the model that ships lies: in the installed package, or in ``models/`` of a checkout."""
    package = Path(__file__).parent
    installed = package / "models" / "newsclf.safetensors"
    return installed if installed.exists() else package.parents[1] / "models" / "newsclf.safetensors"


def _header(model: NewsModel) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "pipeline": PIPELINE,
        "topics": list(model.topics.labels),
        "weight_scale": model.topics.scale,
        "min_known_share": model.min_known_share,
        "n_articles": model.vocabulary.n_articles,
        "facts": dict(model.facts),
    }


def _arrays(model: NewsModel) -> dict[str, NDArray[Any]]:
    return {
        "vocabulary.hashes": model.vocabulary.hashes,
        "vocabulary.document_frequencies": model.vocabulary.document_frequencies,
        "topics.weights": np.ascontiguousarray(model.topics.weights),
        "topics.intercepts": model.topics.intercepts,
        "topics.shares": model.topics.shares,
        **{f"{DUPLICATES}{name}": array for name, array in (model.duplicates.to_arrays() if model.duplicates else {}).items()},
    }


def _read(file: Path) -> tuple[Mapping[str, Any], dict[str, NDArray[Any]]]:
    from safetensors import SafetensorError, safe_open

    try:
        size_bytes = file.stat().st_size
        if size_bytes > MAX_SIZE_BYTES:
            raise ModelFileError(f"{file} has {size_bytes:,} bytes; a model has at most {MAX_SIZE_BYTES:,}")
        with safe_open(file, framework="numpy") as content:
            header = _parsed_header(file, content.metadata())
            missing = sorted(set(ARRAYS) - set(content.keys()))
            if missing:
                raise ModelFileError(f"{file} is damaged: it has no array {missing[0]!r}")
            decision = [name for name in sorted(content.keys()) if name.startswith(DUPLICATES)]
            return header, {name: content.get_tensor(name) for name in [*ARRAYS, *decision]}
    except OSError as error:
        raise ModelFileError(f"{file} cannot be read: {error.strerror or error}") from error
    except (SafetensorError, TypeError, ValueError, KeyError) as error:  # the last three for types that NumPy does not know
        raise ModelFileError(f"{file} is no model file, or was cut or changed: {error}") from error


def _parsed_header(file: Path, metadata: Mapping[str, str] | None) -> Mapping[str, Any]:
    if not metadata or METADATA_KEY not in metadata:
        raise ModelFileError(f"{file} is a safetensors file, but not one of newsclf's")
    try:
        header = json.loads(metadata[METADATA_KEY])
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{file} is damaged: its header is not JSON") from error
    if not isinstance(header, dict) or header.get("format") not in READABLE_FORMATS or header.get("pipeline") != PIPELINE:
        found = (header.get("format"), header.get("pipeline")) if isinstance(header, dict) else header
        raise ModelFileError(
            f"{file} has format and pipeline {found}; this newsclf reads formats {READABLE_FORMATS} of "
            f"pipeline {PIPELINE}. Train it again, or install the newsclf that made it."
        )
    return header


def _model(header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> NewsModel:
    labels = header["topics"]
    if not isinstance(labels, list) or len(labels) < 2 or labels != sorted({str(label) for label in labels}):
        raise ValueError("its topics are not a sorted list of two or more names")
    _check_arrays(arrays, {"n_terms": arrays["vocabulary.hashes"].size, "n_topics": len(labels)})
    if _checksum(header, arrays) != header["sha256"]:
        raise ValueError("its content does not have the checksum that its header states")
    topics = TopicModel(
        labels=tuple(labels),
        weights=arrays["topics.weights"],
        scale=_number(header, "weight_scale", MAX_WEIGHT_SCALE),
        intercepts=arrays["topics.intercepts"],
        shares=arrays["topics.shares"],
    )
    if not isinstance(header["facts"], dict):
        raise ValueError("its facts are not a JSON object")
    vocabulary = Vocabulary(
        arrays["vocabulary.hashes"], arrays["vocabulary.document_frequencies"], int(_number(header, "n_articles", MAX_ARTICLES))
    )
    decision = {name.removeprefix(DUPLICATES): array for name, array in arrays.items() if name.startswith(DUPLICATES)}
    duplicates = DuplicateModel.from_arrays(decision) if decision else None
    return NewsModel(vocabulary, topics, _number(header, "min_known_share", 1.0), header["facts"], duplicates)


def _check_arrays(arrays: Mapping[str, NDArray[Any]], sizes: Mapping[str, int]) -> None:
    for name, (dtype, dimensions) in ARRAYS.items():
        array, shape = arrays[name], tuple(sizes[dimension] for dimension in dimensions)
        if array.dtype != dtype or array.shape != shape:
            raise ValueError(f"array {name!r} is {array.dtype} {array.shape}, not {dtype} {shape}")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"array {name!r} holds a number that is not finite")
    if not (arrays["vocabulary.hashes"][1:] > arrays["vocabulary.hashes"][:-1]).all():
        raise ValueError("its vocabulary is not in ascending order")
    if (arrays["vocabulary.document_frequencies"] < 1).any():
        raise ValueError("a term of its vocabulary was never seen")
    shares = arrays["topics.shares"]
    if (shares < 0).any() or not math.isclose(shares.sum(), 1, abs_tol=1e-3):
        raise ValueError("its topics' shares do not sum to 1")
    if (np.abs(arrays["topics.intercepts"]) > MAX_WEIGHT_SCALE).any():
        raise ValueError("an intercept is out of range")


def _number(header: Mapping[str, Any], name: str, largest: float) -> float:
    value = header[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= largest:
        raise ValueError(f"{name} is not a number from 0 to {largest:g}")
    return value


def _checksum(header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> str:
    """SHA-256 over the header, but for the checksum itself, and the arrays."""
    stated = {name: value for name, value in header.items() if name != "sha256"}
    digest = hashlib.sha256(json.dumps(stated, sort_keys=True).encode())
    for name in [*ARRAYS, *sorted(set(arrays) - set(ARRAYS))]:  # as format 1 had it, then what came later
        digest.update(np.ascontiguousarray(arrays[name]).data)
    return digest.hexdigest()
