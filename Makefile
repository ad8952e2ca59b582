# Everything runs in .venv, which the first target sets up.
PYTHON ?= python3
RUN := .venv/bin/python -m
READY := .venv/.ready
INSTALL := pip install --quiet --quiet --disable-pip-version-check --no-input

.PHONY: help setup demo test test-unit lint style types layers docs bench clean

help:
	@echo 'make setup   virtual environment .venv with all requirements; git-lfs and a browser where they are missing'
	@echo 'make demo    crawl stand-ins of the hubs on this machine into demo/data'
	@echo 'make test    the whole test suite'
	@echo 'make test-unit   the tests that need no crawl, in half a minute'
	@echo 'make lint    format, lint, types, layers of imports, links of the documentation'
	@echo 'make docs    the documentation as a site in build/site'
	@echo 'make bench   the benchmarks'
	@echo 'make clean   remove .venv, caches and demo/data; data stays'
	@echo
	@echo 'Each sets up first what it needs. Another Python than python3: make setup PYTHON=python3.12'

setup: $(READY)

# A newer pip than Python's own resolves in a third of the time. Like pip, compile what can be compiled, on all cores.
$(READY): requirements.txt requirements-dev.txt scripts/install-programs
	@PYTHON='$(PYTHON)' sh scripts/install-programs
	@echo 'installing requirements-dev.txt into .venv'
	@$(PYTHON) -m venv --clear .venv
	@$(RUN) $(INSTALL) --upgrade pip
	@$(RUN) $(INSTALL) --no-compile --requirement requirements-dev.txt
	@$(RUN) compileall -q -j 0 .venv || true
	@touch $@

demo: setup
	@$(RUN) demo.run

# The tests start hundreds of interpreters, which may not be allowed to cache bytecode (PYTHONDONTWRITEBYTECODE).
test: setup
	@$(RUN) compileall -q ptmtorrent_scrapy tests
	$(RUN) pytest -W error --numprocesses=auto --dist=worksteal

test-unit: setup
	$(RUN) pytest -W error --numprocesses=auto tests/unit ptmtorrent_scrapy

lint: style types layers docs

style: setup
	$(RUN) ruff format --check
	$(RUN) ruff check

types: setup
	$(RUN) mypy

layers: setup
	.venv/bin/lint-imports

docs: setup
	NO_MKDOCS_2_WARNING=1 $(RUN) mkdocs build --strict

bench: setup
	$(RUN) benchmarks

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache build dist *.egg-info demo/data
	find . -name __pycache__ -type d -not -path './data/*' -prune -exec rm -rf {} +
