# Everything needs only a Python 3.11 or 3.12 with venv; packages are installed into .venv.
#   make quickstart   a first run with pictures          make test    all checks but the slow ones
#   make oracle       comparison with ELM's own files    make docs    the documentation site

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
SOURCES := src tests benchmarks docs/site_hooks.py
PYTHON ?= $(shell for p in python3.11 python3.12 python3; do \
	$$p -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' \
	2>/dev/null && echo $$p && break; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help quickstart test test-slow oracle benchmarks spinup-benchmark docs clean

help:
	@sed -n 's/^#  *\(make.*\)/\1/p' Makefile
	@echo "more targets: test-slow, benchmarks, spinup-benchmark, clean"

# The stamps are newer than pyproject.toml as long as what it asks for is installed.
$(VENV)/python:
	@test -n "$(PYTHON)" || { echo "no Python 3.11 or 3.12 with venv found; name one with PYTHON=..." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	@$(PYTHON) --version > $@

$(VENV)/installed: pyproject.toml | $(VENV)/python
	@echo "installing into $(VENV)"
	@$(PIP) install --editable .
	@touch $@

$(VENV)/installed-dev: pyproject.toml | $(VENV)/python
	@echo "installing with development tools into $(VENV)"
	@$(PIP) install --editable '.[dev]'
	@touch $(VENV)/installed $@

quickstart: $(VENV)/installed
	@rm -rf quickstart
	@$(BIN)/kiloland quickstart --output quickstart

test: $(VENV)/installed-dev
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/mkdocs build --strict --quiet --site-dir $(VENV)/site
	$(BIN)/pytest -m "not slow" --numprocesses 2 --dist loadfile

test-slow: $(VENV)/installed-dev
	$(BIN)/pytest -m slow

oracle: $(VENV)/installed
	@$(BIN)/kiloland oracle $(ORACLE)

benchmarks: $(VENV)/installed-dev
	@for script in $(filter-out benchmarks/machine.py benchmarks/spinup.py,$(wildcard benchmarks/*.py)); do echo "$$script"; $(BIN)/python $$script; done

# Hours with the full world; QUICK=1 takes minutes. Finished rows are used again.
spinup-benchmark: $(VENV)/installed-dev
	@$(BIN)/python benchmarks/spinup.py $(if $(QUICK),--quick) $(if $(SEED),--seed $(SEED)) \
		$(if $(CELLS),--cells $(CELLS)) $(if $(WORLD),--world $(WORLD)) $(if $(HALF),--half $(HALF))

docs: $(VENV)/installed-dev
	$(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) site .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
