# Everything runs in .venv, which the first target that is called sets up.
PYTHON ?= python3
RUN := .venv/bin/python -m
READY := .venv/.ready

.PHONY: help setup demo test lint bench clean

help:
	@echo 'make setup   virtual environment .venv with all requirements; git-lfs and a browser where they are missing'
	@echo 'make demo    crawl stand-ins of the hubs on this machine into demo/data'
	@echo 'make test    the whole test suite'
	@echo 'make lint    format, lint and type checks'
	@echo 'make bench   the benchmarks'
	@echo 'make clean   remove .venv, caches and demo/data; data stays'
	@echo
	@echo 'Each sets up first what it needs. Another Python than python3: make setup PYTHON=python3.12'

setup: $(READY)

$(READY): requirements.txt requirements-dev.txt scripts/install-programs
	@PYTHON='$(PYTHON)' sh scripts/install-programs
	@echo 'installing requirements-dev.txt into .venv'
	@$(PYTHON) -m venv --clear .venv
	@$(RUN) pip install --quiet --quiet --disable-pip-version-check --no-input --requirement requirements-dev.txt
	@touch $@

demo: setup
	@$(RUN) demo.run

test: setup
	$(RUN) pytest -W error --numprocesses=auto --dist=worksteal

lint: setup
	$(RUN) ruff format --check
	$(RUN) ruff check
	$(RUN) mypy
	.venv/bin/lint-imports

bench: setup
	$(RUN) benchmarks

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache build dist *.egg-info demo/data
	find . -name __pycache__ -type d -not -path './data/*' -prune -exec rm -rf {} +
