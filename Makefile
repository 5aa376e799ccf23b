# Everything a person does with Hourcast. Works from any folder with `make -C <here>`.
# Needs Python 3.11, 3.12 or 3.13; everything else goes into .venv and .local, beside this file.
SHELL := /bin/sh
.DEFAULT_GOAL := help
export TICKERS SOURCE
.PHONY: help run down status logs clean test check fix env up yahoo leakcheck evaluate pretrain bench venv venv-dev

# The first Python that is new enough and able to make virtual environments. A version manager's stand-in that only
# prints an error does not count, so each one is asked.
FIND_PYTHON = for candidate in python3.11 python3.12 python3.13 python3 python; do \
	  if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' >/dev/null 2>&1; \
	  then echo "$$candidate"; exit 0; fi; done; \
	echo "Hourcast needs Python 3.11, 3.12 or 3.13 with its venv module, and found none (looked for python3.11, python3.12," \
	     "python3.13, python3, python). On Debian and Ubuntu: apt install python3.11 python3.11-venv" >&2; exit 1
# Version 2 is a plugin of docker, version 1 a program of its own, and Debian 12 has only that.
COMPOSE = $$(docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose)
BOOTSTRAP = python=$$($(FIND_PYTHON)) && "$$python" -I include/local/bootstrap.py
# Nothing to look at or to stop where nothing was ever installed; a half-made environment is repaired first.
IF_INSTALLED = if [ ! -e .venv ]; then echo "Nothing was installed here yet; start with: make run"; exit 0; fi; $(BOOTSTRAP) run &&
PYTHON = .venv/bin/python
LAUNCHER = $(PYTHON) -m include.local

help: ## What can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' Makefile

run: venv ## Start everything, forecast, print the table; TICKERS="AAPL 2330.TW BTC-USD" and SOURCE=files choose
	@exec $(LAUNCHER) run --tickers "$$TICKERS" --source "$$SOURCE"

down: ## Stop everything that `make run` or `make up` started
	@($(IF_INSTALLED) $(LAUNCHER) down)
	@if [ -f .env ] && command -v docker >/dev/null 2>&1 && [ -n "$$($(COMPOSE) ps -q 2>/dev/null)" ]; then $(COMPOSE) down; fi

status: ## How the components and the tickers are
	@$(IF_INSTALLED) exec $(LAUNCHER) status

logs: ## The newest lines of every log; FOLLOW=1 goes on
	@$(IF_INSTALLED) exec $(LAUNCHER) logs $(if $(FOLLOW),--follow)

clean: ## Remove .local (database, models, logs) after asking; FORCE=1 does not ask
	@$(IF_INSTALLED) exec $(LAUNCHER) clean $(if $(FORCE),--force)

test: venv-dev ## All tests, with the real Postgres and the real Airflow
	@$(PYTHON) -m pytest $(ARGS)

check: venv-dev ## Lint, types, layers, SQL; changes nothing
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(PYTHON) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'
	$(PYTHON) -m sqlfluff lint sql

fix: venv-dev ## What check can correct by itself
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .
	$(PYTHON) -m sqlfluff fix sql

env: ## Write .env with random secrets, for docker compose
	@python=$$($(FIND_PYTHON)) && "$$python" -I include/local/dotenv.py

up: env ## The same product in containers: docker compose
	$(COMPOSE) up --build --detach

yahoo: venv-dev ## A stand-in for Yahoo with faults to choose from
	@$(PYTHON) -m tests.yahoo $(ARGS)

pretrain: venv-dev ## Train the backbone that new tickers start from; BARS=folder UNTIL=2025-02-28
	@test -n "$(BARS)" && test -n "$(UNTIL)" || { echo "Say which bars, until when: make pretrain BARS=folder UNTIL=2025-02-28" >&2; exit 1; }
	@OMP_NUM_THREADS=1 $(PYTHON) -m include.pipeline.pretrain --bars "$(BARS)" --until "$(UNTIL)" $(ARGS)

leakcheck: venv-dev ## Plant leaks, change the future at random, and see what is caught; writes docs/leaks.md; ARGS="--count 100"
	@OMP_NUM_THREADS=1 $(PYTHON) -m tests.leaks $(ARGS)

evaluate: venv-dev ## Score every forecaster on a folder of bars, walk-forward; BARS=folder, ARGS="--since 2025-01-01"
	@test -n "$(BARS)" || { echo "Say where the bars are: make evaluate BARS=folder" >&2; exit 1; }
	@OMP_NUM_THREADS=1 $(PYTHON) -m include.pipeline.evaluate --bars "$(BARS)" $(ARGS)

bench: venv-dev ## Measure what everything costs, as JSON and tables; ARGS="--only fine_tune --tickers 1,50"
	@OMP_NUM_THREADS=1 $(PYTHON) -m bench $(ARGS)

venv:
	@$(BOOTSTRAP) run

venv-dev:
	@$(BOOTSTRAP) dev
