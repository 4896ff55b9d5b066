# `make demo` and `make test` need Python 3.11 or newer and nothing else; both set up .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready

.PHONY: demo test soak check bench
.DELETE_ON_ERROR:

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $(READY)

demo: $(READY) ## train on the starter corpus, predict with that model and the one that ships, find duplicates, ingest
	$(BIN)/newsclf train data/articles.jsonl -o $(VENV)/demo.safetensors --budget 30
	$(BIN)/newsclf predict data/sample.txt -m $(VENV)/demo.safetensors
	$(BIN)/newsclf predict data/sample.txt
	$(BIN)/newsclf dedup data/articles.jsonl data/duplicates.jsonl | tail -8
	$(BIN)/newsclf ingest data/articles.jsonl data/duplicates.jsonl --index $(VENV)/demo.db | tail -4

test: $(READY) ## all tests
	$(BIN)/python -m pytest -q

soak: $(READY) ## kill ingest processes 500 times at random instants; nothing may be lost
	$(BIN)/python -m tests.killing --kills 500

check: $(READY) ## lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY) ## speed beside scikit-learn's, measured here and now
	$(BIN)/python benchmarks/speed.py
