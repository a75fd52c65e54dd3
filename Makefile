# Every habit of this project is a target here. `make help` names them.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
CATALOGUE := worker/language/locale/fr/LC_MESSAGES/campaigns
COMPILE := $(BIN)/uv pip compile --universal --generate-hashes --python-version 3.11 --no-annotate \
  --custom-compile-command "make lock"

.PHONY: help setup demo test test-all packages lint format messages docs wheel bench chaos mutants lock clean

help: ## Name every target
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

setup: $(READY) $(CATALOGUE).mo ## Make .venv with the command `campaigns` in it, from the committed lock

$(READY): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed: set PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed, this is $$($(PYTHON) -V): set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)

$(CATALOGUE).mo: $(CATALOGUE).po $(READY)
	@$(BIN)/python hatch_build.py

demo: setup ## Send a campaign of 5,200 rows through a sandbox gateway, and see it add up
	@$(BIN)/campaigns demo

test: lint ## Lint, check types, and run every test against a real Valkey and a real PostgreSQL
	$(BIN)/pytest -n 3 --dist loadfile

test-all: lint ## The same, and fail where a test would be skipped: Chromium, PHP and curl must be here
	TEST_ALL=1 $(BIN)/pytest -n 3 --dist loadfile

packages: ## Install what test-all needs, by Debian's packages (as root)
	apt-get install --yes --no-install-recommends chromium curl jq openssl php-cli php-curl php-soap php-redis prometheus systemd \
	  $(if $(shell command -v npm),,nodejs npm)

lint: setup ## Ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup ## Let ruff put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

messages: setup ## Collect what people are told, and bring the French of it up to date
	$(BIN)/python -m tests.messages

docs: setup ## Build the pages into var/docs, without a network; a link that leads nowhere is an error
	$(BIN)/sphinx-build -q -W --keep-going -n -j auto -c docs -d var/doctrees . var/docs
	@echo "var/docs/index.html"

wheel: setup ## Build the wheel and the source archive into dist/, with the hatchling of the lock
	$(BIN)/hatchling build --directory dist --clean

bench: setup ## Measure speed and scale against their goals, in one run: QUICK=1 ONLY=contest N=100000
	$(BIN)/python -m tests.benchmarks $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY)) $(if $(N),--recipients $(N))

chaos: setup ## Hurt whole installations in every way: ROUNDS=200 SEED=7 JOBS=4
	$(BIN)/python -m tests.chaos $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SEED),--seed $(SEED)) $(if $(JOBS),--jobs $(JOBS))

mutants: setup ## Break the code in one place after another, and see that a test fails: SEED=5 COUNT=160 MODULES=batches,claims
	$(BIN)/python -m tests.mutants $(if $(SEED),--seed $(SEED)) $(if $(COUNT),--count $(COUNT)) $(if $(MODULES),--modules $(MODULES))

lock: setup ## Resolve the dependencies anew: all of them, then what the image runs and is built with, held to the first
	$(COMPILE) pyproject.toml --group dev --upgrade --output-file requirements.lock
	$(COMPILE) pyproject.toml --extra xlsx --extra otel --constraint requirements.lock --output-file requirements-run.lock
	$(COMPILE) --group build --constraint requirements.lock --output-file requirements-build.lock

clean: ## Remove what these targets made
	rm -rf .venv var dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
