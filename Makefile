# Everything happens in .venv/, which `make install` creates; a second call changes nothing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO := runs/demo
LOWEST := .venv-lowest
LOWEST_STAMP := $(LOWEST)/.installed
# Not tried with the lowest versions: how Typer names the types of options, and the tools of the site, which only `docs` needs.
LOWEST_LEAVES := --ignore tests/cli/test_words.py --ignore tests/dev
NEWEST := .venv-newest
NEWEST_LEAVES := --ignore tests/dev
NEWEST_TESTS := tests
TORCH := $(shell grep ^torch== constraints.txt)
AUDIT := .venv-audit

.PHONY: install demo test test-fast test-lowest test-newest test-install audit check docs format bench drills drills-of-files drills-of-calls dist clean

install: $(STAMP)

# torch comes first and by its pinned version: as a mere dependency its newest build would be taken, with gigabytes of CUDA.
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=23.1"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev,docs,studio]"
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

# The lowest versions that pyproject.toml allows, in an environment of their own. torch is that of constraints.txt:
# constraints-lowest.txt says why. Old releases may call what newer ones of their own dependencies deprecate.
$(LOWEST_STAMP): pyproject.toml constraints.txt constraints-lowest.txt
	$(PYTHON) -m venv --clear $(LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet --upgrade "pip>=23.1"
	$(LOWEST)/bin/python -m pip install --quiet --constraint constraints.txt torch
	PYTHONWARNINGS=ignore $(LOWEST)/bin/python -m pip install --quiet --constraint constraints-lowest.txt --editable ".[dev]" \
		"$$(grep ^torch== constraints.txt)"
	touch $@

test-lowest: $(LOWEST_STAMP)
	$(LOWEST)/bin/python -m pytest --numprocesses 2 --dist worksteal -m "not slow" --hypothesis-profile fast \
		-W ignore::DeprecationWarning $(LOWEST_LEAVES)

# The newest versions that pyproject.toml allows, in an environment of their own, which each call brings up to date. torch is
# that of constraints.txt; another one: make test-newest TORCH="torch>=2.13". Fewer tests: make test-newest NEWEST_TESTS=tests/cli
test-newest:
	test -x $(NEWEST)/bin/python || $(PYTHON) -m venv --clear $(NEWEST)
	$(NEWEST)/bin/python -m pip install --quiet --upgrade "pip>=23.1"
	$(NEWEST)/bin/python -m pip install --quiet --upgrade "$(TORCH)"
	PYTHONWARNINGS=ignore $(NEWEST)/bin/python -m pip install --quiet --upgrade --upgrade-strategy eager --editable ".[dev]" "$(TORCH)"
	$(NEWEST)/bin/python -m pytest --numprocesses 2 --dist worksteal -m "not slow" --hypothesis-profile fast \
		$(NEWEST_LEAVES) $(NEWEST_TESTS)

# Known vulnerabilities of all that `make install` installs. A package that could not be looked up is an error too: without
# --strict, pip-audit finds nothing wrong where its database cannot be reached.
audit: $(STAMP)
	test -x $(AUDIT)/bin/pip-audit || $(PYTHON) -m venv --clear $(AUDIT)
	$(AUDIT)/bin/python -m pip install --quiet --upgrade pip-audit
	mkdir -p build
	$(BIN)/python -m pip freeze --exclude-editable | sed 's/+cpu$$//' > build/installed.txt
	$(AUDIT)/bin/pip-audit --strict --no-deps --disable-pip --requirement build/installed.txt

# The wheel is built from the sdist, in an environment of its own: so both are complete.
dist: $(STAMP)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt build twine
	rm -rf build dist
	$(BIN)/python -m build
	$(BIN)/python -m twine check --strict dist/*.whl dist/*.tar.gz
	$(BIN)/python -m dev.man_page dist/seqgan-wgp.1

# Install the wheel outside the clone, in an empty environment, and use it: under a minute and a half.
test-install: dist
	PYTHON=$(PYTHON) dev/try_install.sh

check: $(STAMP) docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The site, in build/site. A link that leads nowhere and a page that the navigation leaves out are errors. NO_MKDOCS_2_WARNING
# silences a notice of the theme that is not about this site.
docs: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet --clean --site-dir build/site
	@echo "the site is in build/site; to look at it, search included: $(BIN)/python -m http.server --directory build/site"

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# On two cores, one for each.
drills: $(STAMP)
	$(MAKE) --jobs 2 --output-sync=target drills-of-files drills-of-calls

drills-of-files: $(STAMP)
	$(BIN)/python -m benchmarks.drills --damages 3000 --kills 1000 --races 50 --pairs 2 --triples 364

drills-of-calls: $(STAMP)
	$(BIN)/python -m benchmarks.fault_injection

bench: $(STAMP)
	$(BIN)/python -m benchmarks.ngrams
	$(BIN)/python -m benchmarks.generate
	$(BIN)/python -m benchmarks.critic_step

clean:
	rm -rf $(VENV) $(LOWEST) $(NEWEST) $(AUDIT) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
