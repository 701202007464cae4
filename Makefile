# Everything works from a fresh clone: each target first sets up what it needs, once.
#
#   make test PYTHON=/opt/python3.13/bin/python3     another Python for .venv
#   make demo ARGS="--dialect deployed --data /tmp/demo"
#   make bench-anomaly WEEKS=4 ARGS="--parts weeks"

PYTHON ?= $(firstword $(shell command -v python3.11) $(shell command -v python3) python3.11)
BIN    := .venv/bin
COVERAGE_MIN := 90

.DEFAULT_GOAL := help
.PHONY: help demo test test-newest test-kill test-compose \
  generate lint bench bench-anomaly lock clean

help: ## Show this list
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo

demo: .venv/.project ## Run simulator, exporter, Prometheus and Alertmanager on loopback
	@$(BIN)/python -m scripts.demo $(ARGS)

test: lint ## Run every check and test that CI runs
	$(BIN)/ops-exporter generate --check
	@rm -f .coverage .coverage.*
	$(BIN)/coverage run -m pytest -n 2 --dist loadscope --no-loadscope-reorder $(ARGS)
	@$(BIN)/coverage combine --quiet
	@mkdir -p .cache && $(BIN)/coverage report --fail-under=$(if $(ARGS),0,$(COVERAGE_MIN)) >.cache/coverage || \
	  { cat .cache/coverage; exit 1; }
	@tail -n 1 .cache/coverage | sed 's/^TOTAL.* /coverage /'

test-newest: .venv/.project ## Run what uses Prometheus and Alertmanager on the newest of Debian
	DEBIAN_SUITE=sid $(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder \
	  tests/mixin tests/e2e tests/newest tests/service/alerts/real $(ARGS)

test-kill: .venv/.project ## Kill the action service 500 times in the middle of its work
	KILLS=$(or $(KILLS),500) $(BIN)/python -m pytest tests/e2e/test_kill.py $(ARGS)

test-compose: .venv/.project ## Build the image and run docker-compose.yml (as root)
	$(BIN)/python -m pytest tests/compose $(ARGS)

generate: .venv/.project ## Render dashboards, rules, Alertmanager config and tables
	$(BIN)/ops-exporter generate

lint: .venv/.project ## Check style, types and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.project ## Measure scrapes, memory and start-up beside prometheus_client
	$(BIN)/python -m tests.bench $(ARGS)

bench-anomaly: .venv/.project ## Measure how anomalies are found, beside the z-score
	$(BIN)/python -m tests.bench_anomaly --weeks $(WEEKS) $(ARGS)
WEEKS ?= 1

lock: .venv/.project ## Pin the dependencies with hashes (ARGS=--upgrade for newer ones)
	$(BIN)/uv pip compile $(LOCK) pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile $(LOCK) pyproject.toml --group dev -o requirements-dev.lock
	$(BIN)/uv pip compile $(LOCK) --group wheel -c requirements-dev.lock -o requirements-build.lock
LOCK := $(ARGS) --quiet --generate-hashes --universal --python-version 3.11 \
	--no-emit-index-url --no-emit-find-links --no-header

clean: ## Remove all that these targets made outside version control
	rm -rf .venv .cache .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache \
	  .import_linter_cache .hypothesis

# Set-up. A file in .venv says that a step is done; it is done again when its source is newer.
.venv/.project: .venv/.packages pyproject.toml
	@$(PIP) install --no-deps --no-build-isolation --no-index --editable .
	@touch $@

.venv/.packages: requirements-dev.lock | .venv/.python
	@echo "Installing the pinned packages into .venv ..."
	@$(PIP) install --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

# Debian's python3 has no pip without python3-venv: its own wheel of pip then comes into .cache.
.venv/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'make: needs Python 3.11 or later: install python3.11 or set PYTHON=' >&2; exit 1; }
	@if $(PYTHON) -c 'import ensurepip' 2>/dev/null; then \
	  $(PYTHON) -m venv --clear .venv; \
	else \
	  wheel=$$(scripts/debian-packages pip.whl) && \
	  $(PYTHON) -m venv --clear --without-pip .venv && \
	  $(BIN)/python "$$wheel/pip" install --quiet --no-index "$$wheel"; \
	fi
	@touch $@

PIP = $(BIN)/python -m pip -qq --disable-pip-version-check
