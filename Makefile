# Everything happens in .venv/, which `make install` creates; a second call changes nothing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO := runs/demo

.PHONY: install demo test test-fast check format bench clean

install: $(STAMP)

# torch comes first and by its pinned version: as a mere dependency its newest build would be taken, with gigabytes of CUDA.
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=23.1"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

demo: $(STAMP)
	$(BIN)/seqgan-wgp train words --minutes 2 --out $(DEMO) --overwrite
	@echo "ten more strings, from: seqgan-wgp generate $(DEMO)"
	@$(BIN)/seqgan-wgp generate $(DEMO) -n 10 --seed 1

test: $(STAMP)
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal

# One test of each slow kind, the first cases of tests that have many, and fewer examples of each property.
test-fast: $(STAMP)
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal -m "not slow" --hypothesis-profile fast

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP)
	$(BIN)/python -m benchmarks.ngrams
	$(BIN)/python -m benchmarks.generate
	$(BIN)/python -m benchmarks.critic_step

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
