# Everything runs in a virtual environment of its own; Python 3.11+ with venv and make are all it needs.
PYTHON ?= python3
VENV := .venv
PIP := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test lint bench soak crash fuzz clean

demo: $(VENV)/.run
	$(VENV)/bin/tapo-automate demo

# Four at a time, on two cores as well: most of the time a test waits.  A file's tests stay together, since some share what takes long to make.
# Afterwards those whose clocks run fast.
test: $(VENV)/.dev
	$(VENV)/bin/python -m pytest --numprocesses 4 --dist loadfile -m "not alone"
	$(VENV)/bin/python -m pytest -m alone

lint: $(VENV)/.dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-cache

bench: $(VENV)/.dev
	$(VENV)/bin/python -m benchmarks

soak: $(VENV)/.dev
	$(VENV)/bin/python -m benchmarks.soak

# Kill the daemon that many times, and look whether anything was lost: make crash ROUNDS=1000
ROUNDS ?= 200
crash: $(VENV)/.dev
	CRASH_ROUNDS=$(ROUNDS) $(VENV)/bin/python -m pytest tests/crash -s

# Give both sides of the wire, and whatever reads files, what nobody should send: make fuzz FUZZ_EXAMPLES=10000
FUZZ_EXAMPLES ?= 1000
fuzz: $(VENV)/.dev
	FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) $(VENV)/bin/python -m pytest tests/fuzz --timeout 0

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "tapo-automate needs Python 3.11 or newer; name one with make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml | $(VENV)/bin/python
	$(PIP) --editable .
	touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(PIP) --editable '.[dev]'
	touch $@ $(VENV)/.run

clean:
	rm -rf $(VENV) dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
