# make demo   install into .venv and run the example on real data
# make test   install into .venv and run the whole test suite
# make bench  the project's own benchmarks      make fuzz   long differential fuzzing
# make lint   ruff and mypy                     make memcheck   native code under valgrind (half an hour)
# make ulps   errors of vector mathematics, at millions of points
# make clean  remove .venv and caches

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
STAMPS := $(VENV)/stamps
GRAPHS ?= 100000
POINTS ?= 1000000
PYTEST_ARGS ?= -n 2

.PHONY: demo test lint bench fuzz memcheck ulps clean

demo: $(STAMPS)/demo
	$(BIN)/python examples/digits.py

test: $(STAMPS)/test
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(STAMPS)/test $(STAMPS)/lint
	$(BIN)/python -m ruff check src tests examples benchmarks docs
	$(BIN)/python -m mypy

bench: $(STAMPS)/test
	$(BIN)/python benchmarks/run.py

fuzz: $(STAMPS)/test
	$(BIN)/python tests/fuzz/run.py --graphs $(GRAPHS)

memcheck: $(STAMPS)/test
	$(BIN)/python tests/memcheck/run.py

ulps: $(STAMPS)/test
	$(BIN)/python tests/backends/native/vector_errors.py $(POINTS)

$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; set PYTHON=..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "The venv module is missing; on Debian: apt-get install python3-venv"; exit 1; }
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/demo $(STAMPS)/test $(STAMPS)/lint: $(STAMPS)/%: pyproject.toml | $(STAMPS)/venv
	$(PIP) --editable '.[$*]'
	@touch $@

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
