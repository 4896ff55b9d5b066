"""Settings for all tests."""

import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from newsclf.duplicates.decide import DuplicateModel
from newsclf.duplicates.signal_names import SIGNALS
from newsclf.model_file import load, save

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a job in the background; what tests start would not hear Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("newsclf", deadline=None, derandomize=True)  # a busy machine is not a defect; the same run everywhere
settings.load_profile("newsclf")


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model that ships, but a pair is a duplicate where one has over half of the other's 3-grams."""
    signal = np.array([[list(SIGNALS).index("trigram_containment_max")]], np.int16)
    leaves = np.array([[-4, 4]], np.float32)
    stub = DuplicateModel(signal, np.array([[0.5]], np.float32), leaves, np.array([1.0, 0.0]))
    path = tmp_path_factory.mktemp("model") / "stub.safetensors"
    save(replace(load(), duplicates=stub), path)
    return path
