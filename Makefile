# `make setup` makes .venv from the lock file; every other target calls it. Variables reach the commands as options:
#   make demo SIZE=firm SEED=7 FAULTS=0.15 ERP=tryton STREAM=time-to-bill HOME_DIR=/var/lib/tieout
SIZE ?= small
SEED ?= 1
FAULTS ?= 0
ERP ?= netsuite
STREAM ?= all
HOME_DIR ?= .tieout
PYTEST_ARGS ?=
PYTEST_WORKERS ?= 2

BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all check format screenshots browse bench faults faults-vendors fuzz-api clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

setup: ## make .venv, exactly as requirements.lock says
	@tools/setup.sh

demo: setup ## fill the systems with a sample firm, run all streams, prove what came of them
	$(BIN)/tieout demo --size $(SIZE) --seed $(SEED) --faults $(FAULTS) --erp $(ERP) --stream $(STREAM) \
		--home "$(HOME_DIR)"

check: setup ## format, lint, types, layers, documents
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/docs

test: check ## check, then every test but the slow ones and the kill campaign
	$(BIN)/pytest -n $(PYTEST_WORKERS) --dist loadfile -m "not slow and not faults" --ignore tests/docs $(PYTEST_ARGS)

test-all: check ## as test, with the slow ones
	$(BIN)/pytest -n $(PYTEST_WORKERS) --dist loadfile -m "not faults" --ignore tests/docs $(PYTEST_ARGS)

format: setup ## put the code into its one form
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

screenshots: setup ## pictures of every page, light and dark, of the home that `make demo` filled (HOME_DIR)
	TIEOUT_BROWSER_HOME="$(HOME_DIR)" TIEOUT_SCREENSHOTS=docs/screenshots \
		$(BIN)/pytest -q tests/browser/test_every_page.py -k "whole or phone" $(PYTEST_ARGS)

browse: setup ## browser tests on the home that `make demo` filled (SIZE=firm HOME_DIR=...): every figure, every page in time
	TIEOUT_BROWSER_HOME="$(HOME_DIR)" $(BIN)/pytest -q tests/browser -k "not finance_user" $(PYTEST_ARGS)

bench: setup ## measure speed and memory, as ratios in one run
	$(BIN)/python -m benchmarks

faults: setup ## kill processes at every step boundary and count what was lost or posted twice
	$(BIN)/pytest -m faults -p no:xdist $(PYTEST_ARGS)

faults-vendors: setup ## of these, the kills between the steps of a provisioning, against the vendors' simulators
	$(BIN)/pytest -m faults -p no:xdist -s tests/faults/test_no_kill_doubles_a_project_at_a_vendor.py $(PYTEST_ARGS)

fuzz-api: setup ## send many requests, valid and broken, to every endpoint, and hold the answers against the description
	TIEOUT_FUZZ_EXAMPLES=400 $(BIN)/pytest -s tests/contract/api $(PYTEST_ARGS)

clean: ## remove the environment and every cache
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
