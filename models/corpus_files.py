"""How `models/` reads the corpora, which are not part of the repository."""

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any


def rows_of(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSON Lines file, plain or gzipped; none where there is no such file."""
    if not path.exists():
        return []
    open_text = gzip.open if path.suffix == ".gz" else open
    with open_text(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def lot(row: dict[str, Any]) -> bytes:
    """A place in an order that has nothing to do with the article, and is always the same."""
    return hashlib.sha256(row["id"].encode()).digest()
