# The commands of Hourcast. Works from any folder with `make -C <here>`.
# Needs Python 3.11, 3.12 or 3.13; everything else goes into .venv and .local, beside this file.
SHELL := /bin/sh
.DEFAULT_GOAL := help
export TICKERS SOURCE
.PHONY: help run psql status logs down clean env up test check fix bench pretrain evaluate leakcheck yahoo venv venv-dev

# The first Python that is new enough and can make virtual environments. Each one is run, because a version manager
# may leave a program of that name that only prints an error.
FIND_PYTHON = for candidate in python3.11 python3.12 python3.13 python3 python; do \
	  if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' >/dev/null 2>&1; \
	  then echo "$$candidate"; exit 0; fi; done; \
	echo "Hourcast needs Python 3.11, 3.12 or 3.13 with its venv module, and found none (looked for python3.11, python3.12," \
	     "python3.13, python3, python). On Debian and Ubuntu: apt install python3.11 python3.11-venv" >&2; exit 1
# Version 2 is a plugin of docker; version 1 is a program, and the only one in Debian 12.
COMPOSE = $$(docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose)
BOOTSTRAP = python=$$($(FIND_PYTHON)) && "$$python" -I include/local/bootstrap.py
# Without an installation there is nothing to show or to stop; one that was interrupted is completed first.
IF_INSTALLED = if [ ! -e .venv ]; then echo "Nothing is installed here yet; start with: make run"; exit 0; fi; $(BOOTSTRAP) run &&
PYTHON = .venv/bin/python
LAUNCHER = $(PYTHON) -m include.local

##@ Using Hourcast

run: venv ## Start everything, forecast, print the table; optional: TICKERS="AAPL BTC-USD" SOURCE=files
	@exec $(LAUNCHER) run --tickers="$$TICKERS" --source="$$SOURCE"

psql: ## Open psql, which reads the forecasts; optional: ARGS="-f sql/queries/next_bar.sql"
	@$(IF_INSTALLED) exec $(LAUNCHER) psql -- $(ARGS)

status: ## Show what runs, the newest hour and the next, and why a ticker is not forecast
	@$(IF_INSTALLED) exec $(LAUNCHER) status

logs: ## Show the newest lines of every log; optional: FOLLOW=1
	@$(IF_INSTALLED) exec $(LAUNCHER) logs $(if $(FOLLOW),--follow)

down: ## Stop everything that `make run` or `make up` started
	@($(IF_INSTALLED) $(LAUNCHER) down)
	@if [ -f .env ] && command -v docker >/dev/null 2>&1 && [ -n "$$($(COMPOSE) ps -q 2>/dev/null)" ]; then $(COMPOSE) down; fi

clean: ## Remove .local (database, models, logs) after a question; FORCE=1 does not ask
	@$(IF_INSTALLED) exec $(LAUNCHER) clean $(if $(FORCE),--force)

env: ## Write .env with random secrets, for docker compose
	@python=$$($(FIND_PYTHON)) && "$$python" -I include/local/dotenv.py

up: env ## Start the same product in containers, with docker compose
	$(COMPOSE) up --build --detach

help: ## Show these commands
	@awk -F ':.*## ' '/^##@ /{printf "%s%s\n", gap, substr($$0, 5); gap = "\n"} /^[a-z-]+:.*## /{printf "  make %-9s  %s\n", $$1, $$2}' Makefile

##@ Developing Hourcast

test: venv-dev ## Run all tests, with the real Postgres and the real Airflow; optional: ARGS="tests/model -x"
	@$(PYTHON) -m pytest -n auto --dist loadscope --no-loadscope-reorder $(ARGS)

check: venv-dev ## Lint, format, types, import rules, SQL; changes nothing
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(PYTHON) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'
	$(PYTHON) -m sqlfluff lint sql

fix: venv-dev ## Correct what `make check` can correct by itself
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .
	$(PYTHON) -m sqlfluff fix sql

bench: venv-dev ## Measure what everything costs, as JSON and tables; optional: ARGS="--only fine_tune --tickers 1,50"
	@OMP_NUM_THREADS=1 $(PYTHON) -m bench $(ARGS)

pretrain: venv-dev ## Train the backbone that new tickers start from; BARS=folder UNTIL=2025-02-28
	@test -n "$(BARS)" && test -n "$(UNTIL)" || { echo "Say which bars, until when: make pretrain BARS=folder UNTIL=2025-02-28" >&2; exit 1; }
	@OMP_NUM_THREADS=1 $(PYTHON) -m include.pipeline.pretraining.pretrain --bars "$(BARS)" --until "$(UNTIL)" $(ARGS)

evaluate: venv-dev ## Score every forecaster, walk-forward; BARS=folder, optional: ARGS="--since 2025-01-01"
	@test -n "$(BARS)" || { echo "Say where the bars are: make evaluate BARS=folder" >&2; exit 1; }
	@OMP_NUM_THREADS=1 $(PYTHON) -m research.evaluate --bars "$(BARS)" $(ARGS)

leakcheck: venv-dev ## Plant leaks and random futures, count those caught; writes docs/leaks.md; optional: ARGS="--count 100"
	@OMP_NUM_THREADS=1 $(PYTHON) -m tests.leaks $(ARGS)

yahoo: venv-dev ## Start a stand-in for Yahoo, with faults to choose from
	@$(PYTHON) -m tests.yahoo $(ARGS)

venv:
	@$(BOOTSTRAP) run

venv-dev:
	@$(BOOTSTRAP) dev
