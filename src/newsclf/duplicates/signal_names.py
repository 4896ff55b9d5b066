"""The signals of a pair by name, apart from how they are computed: a model is loaded without that."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

# Names of the signals in their columns, and the direction in which each may move P(duplicate): 0 is free.
SIGNALS: dict[str, int] = {
    "cosine": 1,
    "containment_max": 1,
    "containment_min": 1,
    "bigram_containment_max": 1,
    "bigram_containment_min": 1,
    "trigram_containment_max": 1,
    "trigram_containment_min": 1,
    "rare_containment_max": 1,
    "rare_containment_min": 1,
    "rare_missing": -1,
    "name_containment_max": 1,
    "name_containment_min": 1,
    "name_missing": -1,
    "token_missing": -1,
    "repeated_missing": -1,
    "repeated_name_missing": -1,
    "title_missing": -1,
    "lead_missing": -1,
    "number_containment_max": 1,
    "number_containment_min": 1,
    "number_shared": 0,
    "number_missing": -1,
    "rounded_missing": -1,
    "lead_number_missing": -1,
    "date_shared": 0,
    "date_missing": -1,
    "slot_shared": 0,
    "slot_disagreement": -1,
    "title_containment_max": 1,
    "title_containment_min": 1,
    "lead_containment_max": 1,
    "lead_containment_min": 1,
    "length_ratio": 0,
    "shorter_length": 0,
    "longest_passage": 1,
    "longest_passage_share": 1,
    "passage_cover_max": 1,
    "passage_cover_min": 1,
    "start_cover_max": 1,
    "start_cover_min": 1,
    "end_cover_max": 1,
    "end_cover_min": 1,
    "order_agreement": 1,
    "title_agreement": 0,
    "worst_quarter_max": 1,
    "worst_quarter_min": 1,
    "word_containment_max": 1,
    "word_containment_min": 1,
    "name_share_of_missing": -1,
    "stage_missing": -1,
    "stage_missing_max": -1,
    "stage_shared": 0,
}
N_SIGNALS = len(SIGNALS)
COSINE, CONTAINMENT = list(SIGNALS).index("cosine"), list(SIGNALS).index("containment_max")
ABSENT = -1.0  # where neither side has what the signal compares
