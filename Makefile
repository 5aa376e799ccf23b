# The commands of Hourcast. Works from any folder with `make -C <here>`.
# Needs Python 3.11, 3.12 or 3.13; everything else goes into .venv and .local, beside this file.
SHELL := /bin/sh
.DEFAULT_GOAL := help
export TICKERS SOURCE
.PHONY: help run psql status doctor logs down backup restore clean env up cli test check fix audit bench pretrain evaluate leakcheck chaos soak loop yahoo mlflow tune tune-test venv venv-mlflow venv-language venv-dev

# The first Python that is new enough and can make virtual environments. Each one is run, because a version manager
# may leave a program of that name that only prints an error.
FIND_PYTHON = for candidate in python3.11 python3.12 python3.13 python3 python; do \
	  if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' >/dev/null 2>&1; \
	  then echo "$$candidate"; exit 0; fi; done; \
	echo "Hourcast needs Python 3.11, 3.12 or 3.13 with its venv module, and found none (looked for python3.11, python3.12," \
	     "python3.13, python3, python). On Debian and Ubuntu: apt install python3.11 python3.11-venv" >&2; exit 1
# Where this folder has containers, the commands serve them instead of the installation of `make run`.
COMPOSE = python=$$($(FIND_PYTHON)) && "$$python" -I include/local/compose.py
HAS_CONTAINERS = [ -f .env ] && command -v docker >/dev/null 2>&1 && ($(COMPOSE) exists 2>/dev/null)
# `make env` without an installation of `make run`: containers, also where none exists yet.
IS_FOR_CONTAINERS = ($(HAS_CONTAINERS) || { [ -f .env ] && [ ! -e .venv ]; })
BOOTSTRAP = python=$$($(FIND_PYTHON)) && "$$python" -I include/local/bootstrap.py
# Without an installation there is nothing to show or to stop; one that was interrupted is completed first.
IF_INSTALLED = if [ ! -e .venv ]; then echo "Nothing is installed here yet; start with: make run"; exit 0; fi; $(BOOTSTRAP) run &&
# Apart from .venv, since MLflow and Airflow need other versions of some packages.
INSTALL_MLFLOW = { cmp -s requirements-mlflow.txt .venv-mlflow/hourcast.lock || { python=$$($(FIND_PYTHON)) && \
	echo "Installing MLflow into .venv-mlflow" && "$$python" -m venv .venv-mlflow && .venv-mlflow/bin/python -m pip install \
	--quiet --disable-pip-version-check $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) -r requirements-mlflow.txt && \
	cp requirements-mlflow.txt .venv-mlflow/hourcast.lock; }; }
PYTHON = .venv/bin/python
LAUNCHER = $(PYTHON) -m include.local

##@ Using Hourcast

run: venv ## Start everything, forecast, print the table; optional: TICKERS="AAPL BTC-USD" SOURCE=files
	@exec $(LAUNCHER) run --tickers="$$TICKERS" --source="$$SOURCE"

psql: ## Open psql, which reads the forecasts; optional: ARGS="-f sql/queries/next_bar.sql"
	@if $(HAS_CONTAINERS); then $(COMPOSE) psql -- $(ARGS); exit; fi; $(IF_INSTALLED) exec $(LAUNCHER) psql -- $(ARGS)

status: ## Show what runs, the newest hour and the next, and why a ticker is not forecast
	@if $(HAS_CONTAINERS); then $(COMPOSE) status; exit; fi; $(IF_INSTALLED) exec $(LAUNCHER) status

doctor: ## Say what is wrong with the installation and what to do; changes nothing; optional: ARGS=--all
	@if $(HAS_CONTAINERS); then $(COMPOSE) exec python -m include.local.doctor $(ARGS); exit; fi; \
	if [ ! -x $(PYTHON) ]; then echo "Nothing is installed here yet; start with: make run"; exit 1; fi; \
	exec $(PYTHON) -m include.local.doctor $(ARGS)

logs: ## Show the newest lines of every log; optional: FOLLOW=1
	@if $(HAS_CONTAINERS); then $(COMPOSE) logs $(if $(FOLLOW),--follow); exit; fi; \
	$(IF_INSTALLED) exec $(LAUNCHER) logs $(if $(FOLLOW),--follow)

down: ## Stop everything that `make run` or `make up` started
	@if [ -e .venv ]; then ($(IF_INSTALLED) $(LAUNCHER) down); fi
	@if $(HAS_CONTAINERS); then $(COMPOSE) down; elif [ ! -e .venv ]; then echo "Nothing is installed here."; fi

backup: ## Save the database and the models in `backups`, while it runs or not
	@if $(HAS_CONTAINERS); then $(COMPOSE) exec python -m include.cli backup; exit; fi; $(IF_INSTALLED) exec $(LAUNCHER) backup

restore: ## Bring a backup into an empty installation and replay forecasts; optional: FROM=name SAMPLE=100
	@if $(IS_FOR_CONTAINERS); then $(COMPOSE) restore $(FROM) $(if $(SAMPLE),--sample $(SAMPLE)); exit; fi; \
	$(BOOTSTRAP) run && exec $(LAUNCHER) restore $(FROM) $(if $(SAMPLE),--sample $(SAMPLE))

clean: ## Remove .local (database, models, logs) after a question; FORCE=1 does not ask
	@$(IF_INSTALLED) exec $(LAUNCHER) clean $(if $(FORCE),--force)

env: ## Write .env with random secrets, for docker compose; optional: CELERY=1 TLS=1 MLFLOW=1
	@python=$$($(FIND_PYTHON)) && \
	"$$python" -I include/local/dotenv.py $(if $(CELERY),celery) $(if $(TLS),tls) $(if $(MLFLOW),mlflow)

up: env ## Start the same product in containers and print its address; optional: ARGS="--scale worker=2"
	@$(COMPOSE) up $(ARGS)

cli: ## Run a command of the command line; ARGS="onboard AAPL", or ARGS=--help
	@if $(HAS_CONTAINERS); then $(COMPOSE) exec python -m include.cli $(ARGS); exit; fi; \
	$(IF_INSTALLED) exec $(LAUNCHER) exec python -m include.cli $(ARGS)

# MLflow reports its use unless it is told not to. Its jobs judge language models, which nothing here uses.
mlflow: ## Show experiments and backbones in MLflow; optional: ARGS=mirror or ARGS=check
	@if $(HAS_CONTAINERS); then $(COMPOSE) mlflow $(ARGS); exit; fi; $(BOOTSTRAP) run && $(INSTALL_MLFLOW) && \
	exec $(LAUNCHER) exec env MLFLOW_DISABLE_TELEMETRY=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false \
	$(CURDIR)/.venv-mlflow/bin/python -m tracking $(or $(ARGS),serve)

tune: venv venv-language ## Tune a language model on filings; ARGS="run language.yaml", ARGS=compare, ARGS=serve
	@exec $(LAUNCHER) exec $(CURDIR)/.venv-language/bin/python -m language $(or $(ARGS),compare)

help: ## Show these commands
	@awk -F ':.*## ' '/^##@ /{printf "%s%s\n", gap, substr($$0, 5); gap = "\n"} /^[a-z-]+:.*## /{printf "  make %-9s  %s\n", $$1, $$2}' Makefile

##@ Developing Hourcast

test: venv-dev ## Run all tests, with the real Postgres and the real Airflow; optional: ARGS="tests/model -x"
	@$(PYTHON) -m pytest -n auto --dist loadscope --no-loadscope-reorder $(ARGS)

tune-test: venv-dev venv-language ## Run the tests that train a language model; optional: ARGS="-k merged"
	@$(PYTHON) -m pytest -m language tests/language tests/dags/test_tuning.py $(ARGS)

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

audit: ## Compare the pinned packages with known vulnerabilities; fails if one is found; optional: ARGS="-s osv"
	@python=$$($(FIND_PYTHON)) && "$$python" -I include/local/audit.py $(ARGS)

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

chaos: venv-dev ## Send faults at random instants and judge what is stored; optional: ARGS="--trials 50"
	@OMP_NUM_THREADS=1 $(PYTHON) -m tests.chaos $(ARGS)

soak: venv-dev ## Run hour after hour through Airflow and judge what grows; optional: ARGS="--hours 100 --minutes 60"
	@$(PYTHON) -m bench.soak $(ARGS)

loop: venv-dev ## Change a simulated market and see drift, retraining, promotion and rollback; optional: ARGS="--seed 2"
	@OMP_NUM_THREADS=1 $(PYTHON) -m bench.loop $(ARGS)

yahoo: venv-dev ## Start a stand-in for Yahoo, with faults to choose from
	@$(PYTHON) -m tests.yahoo $(ARGS)

venv:
	@$(BOOTSTRAP) run

venv-dev:
	@$(BOOTSTRAP) dev

venv-mlflow:
	@$(INSTALL_MLFLOW)

# Apart from .venv, since an hour needs none of it.
venv-language:
	@cmp -s requirements-language.txt .venv-language/hourcast.lock || { python=$$($(FIND_PYTHON)) && \
	echo "Installing what tunes language models into .venv-language" && "$$python" -m venv .venv-language && \
	.venv-language/bin/python -m pip install --quiet --disable-pip-version-check \
	$(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) -r requirements-language.txt && \
	cp requirements-language.txt .venv-language/hourcast.lock; }
