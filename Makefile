# make run     install what is needed, start the server
# make test    all tests, with coverage
# make check   format, lint, types, direction of imports, generated files
# make lock    renew the lock files from pyproject.toml
# make docs    renew the generated files
# make bench, make torture: long; see bench/ and tests/

PYTHON ?= $(shell command -v python3.11 || command -v python3 || command -v python)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --custom-compile-command "make lock" pyproject.toml

.PHONY: setup run test check bench torture lock docs dev
.DEFAULT_GOAL := run

setup: .venv/runtime.stamp

run: setup
	$(BIN)/python init.py

test: dev
	$(BIN)/python -m pytest --cov --cov-report=term

check: dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m config --check
	$(BIN)/python -m protocol export --check
	$(BIN)/python -m gateways.chat_api.openapi --check

bench: dev
	$(BIN)/python -m bench

torture: dev
	$(BIN)/python -m pytest -m torture

docs: dev
	$(BIN)/python -m config
	$(BIN)/python -m protocol export
	$(BIN)/python -m gateways.chat_api.openapi

lock: dev
	$(COMPILE) --upgrade --output-file requirements.lock
	$(COMPILE) --upgrade --extra dev --constraint requirements.lock --output-file requirements-dev.lock

dev: .venv/dev.stamp

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and none was found." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) -V 2>&1). Try: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv .venv

.venv/runtime.stamp: requirements.lock | .venv/bin/python
	$(PIP) install --require-hashes --no-deps -r requirements.lock
	@touch $@

.venv/dev.stamp: requirements-dev.lock | .venv/runtime.stamp
	$(PIP) install --require-hashes --no-deps -r requirements-dev.lock
	@touch $@
