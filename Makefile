# Two commands for a newcomer: `make demo` and `make test`. Both make what they need in .venv first;
# nothing has to be installed or activated but Python 3.11 or later and make.
#   make demo ARGS=--no-serve     make test ARGS="tests/library -k msp"

.DEFAULT_GOAL := help
.PHONY: help demo test lint fuzz env dev messages lock licences clean
SHELL := /bin/sh
# A foreign PYTHONPATH could put another package named "web" or "library" before ours.
unexport PYTHONPATH PYTHONHOME

VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --no-input
# Packages are built, where they must be, with the locked tools: nothing unpinned is ever fetched.
INSTALL := $(PIP) install --require-hashes --no-build-isolation
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev
PROJECT := $(VENV)/.project
CATALOGUES := $(wildcard */translations/*/LC_MESSAGES/*.po */*/translations/*/LC_MESSAGES/*.po)
MESSAGES := $(CATALOGUES:.po=.mo)
LOCK := uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-annotate --no-header

help:
	@echo "make demo   a small simulated network on this machine, with its pages (ARGS=--no-serve: the table only)"
	@echo "make test   every test          make lint   style, types, layers"
	@echo "make fuzz   10,000 changed files through every reader (XBT_FUZZ_SEED, XBT_FUZZ_COUNT)"
	@echo "make lock   pin dependencies    make clean  remove what the commands above made"

demo: env
	@$(VENV)/bin/xbt demo $(ARGS)

test: dev
	@$(PY) -m pytest -n 2 $(ARGS)

lint: dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

fuzz: dev
	@$(PY) tests/hostile/fuzz.py

env: $(RUNTIME) $(PROJECT) messages
dev: $(DEV) env
messages: $(MESSAGES)

$(PY):
	@tools/make-environment $(VENV)

$(RUNTIME): requirements/build.txt requirements/lock.txt | $(PY)
	@echo "Installing what XBT runs on; the first time this takes a minute or two."
	@$(INSTALL) --requirement requirements/build.txt
	@$(INSTALL) --requirement requirements/lock.txt
	@touch $@

$(DEV): requirements/dev.txt $(RUNTIME) | $(PY)
	@echo "Installing what the tests need."
	@$(INSTALL) --requirement requirements/dev.txt
	@touch $@

$(PROJECT): pyproject.toml $(RUNTIME) | $(PY)
	@$(PIP) install --quiet --no-build-isolation --no-deps --editable .
	@touch $@

%.mo: %.po $(RUNTIME) | $(PY)
	@$(PY) tools/build_messages.py

lock:
	@command -v uv >/dev/null || { echo "make lock needs uv (pip install uv)"; exit 1; }
	$(LOCK) requirements/build.in --output-file requirements/build.txt
	$(LOCK) pyproject.toml --constraints requirements/build.txt --constraints requirements/together.in \
		--output-file requirements/lock.txt
	$(LOCK) pyproject.toml requirements/build.in --extra dev --constraints requirements/lock.txt \
		--constraints requirements/build.txt --output-file requirements/dev.txt

licences: dev
	$(PY) tools/licences.py

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	rm -f $(MESSAGES)
	find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +
