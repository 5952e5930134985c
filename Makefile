# Every target sets up what it needs; `make demo` and `make test` work on a fresh clone.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c '$(SUPPORTED)' 2>/dev/null && { echo $$p; break; }; done)
VENV ?= .venv
BIN := $(VENV)/bin
# What packs and installs packages must not stand among those that are tried.
TOOLS := .venv-dist
# Tests of one file stay together: they share a service or a virtual microphone. Files with slow tests come first.
# Three on two cores, since many tests wait for sound to pass: 5 min instead of 7.
WORKERS ?= 3
TESTS := -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder
# Without it the tests, and the program in each of its processes, would be compiled again every time.
unexport PYTHONDONTWRITEBYTECODE

help:  ## Show the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 15

install: $(VENV)/.installed  ## Make .venv with every part on board

$(VENV)/.installed: pyproject.toml
	@test -n "$(PYTHON)" || { echo "asrcli needs Python 3.11 to 3.14"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); sh tests/support/install_venv.sh && $(PYTHON) -m venv $(VENV); }
	$(BIN)/python -m pip install -qq --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install -qq --editable '.[serve,socks,ffmpeg,plot,remote,cluster]' --group dev
	@touch $@

demo: install  ## Transcribe the sample talk live, through the local service
	$(BIN)/asrcli file tests/data/talk.wav --region local --stats

test: install  ## Run the tests
	$(BIN)/python $(TESTS)

coverage: install  ## Run the tests and count the lines that they run, in children too; fails below the floor
	$(BIN)/coverage erase
	$(BIN)/coverage run $(TESTS)
	$(BIN)/coverage combine -q
	$(BIN)/coverage report

dist: install $(TOOLS)/.installed  ## Build sdist and wheel, and try them in empty environments of pip, pipx and uv
	rm -rf dist
	$(TOOLS)/bin/python -m build --outdir dist .
	$(TOOLS)/bin/twine check --strict dist/*
	$(BIN)/python -m tests.support.try_dist dist $(PYTHON) $(TOOLS)/bin $(BIN)/python

$(TOOLS)/.installed: pyproject.toml | install
	$(BIN)/python -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip install -qq --upgrade 'pip>=25.1'
	$(TOOLS)/bin/python -m pip install -qq --group dist
	@touch $@

test-all:  ## Run the tests on every supported Python that is installed
	@sh tests/support/test_all.sh

check: install  ## Formatting, lint, unused code, types as on Linux, macOS and Windows
	$(BIN)/ruff format --check asrcli tests
	$(BIN)/ruff check asrcli tests
	$(BIN)/mypy
	$(BIN)/vulture asrcli
	$(BIN)/vulture asrcli tests
	$(BIN)/mypy --platform darwin --cache-dir .mypy_cache/darwin asrcli
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32 asrcli

format: install  ## Put the code in order
	$(BIN)/ruff format asrcli tests
	$(BIN)/ruff check --fix asrcli tests

bench: install  ## Measure speed and memory, beside the vendor's SDK; JSON=FILE adds the figures to FILE
	$(BIN)/python -m tests.benchmarks $(PARTS) $(if $(JSON),--json $(JSON))

bench-compare: install  ## What a change did: OLD=FILE NEW=FILE, of runs with JSON=
	@$(BIN)/python -m tests.benchmarks.compare $(OLD) $(NEW)

completions: install  ## Write the completion scripts for bash, zsh and fish
	for shell in bash zsh fish; do $(BIN)/asrcli --show-completion $$shell > completions/asrcli.$$shell; done

man: install  ## Write the man pages, of the help and the guides
	$(BIN)/python -m tests.support.man_pages asrcli/guide/man

pictures: install  ## Make the pictures of the README and the guides, of a run and, with Chromium, of the page
	$(BIN)/python -m tests.support.terminal_picture asrcli/guide/pictures/live.svg
	$(BIN)/python -m tests.support.page_picture asrcli/guide/pictures/page.png

bench-fleet: install  ## Measure a corpus over several workers: speed, limits, kills, a simulated million; PARTS="limits"
	$(BIN)/python -m tests.benchmarks.fleet $(PARTS) $(if $(JSON),--json $(JSON))

bench-faults: install  ## Break links, damage files, play six hours, end runs everywhere, let every system call fail
	$(BIN)/python -m tests.benchmarks.faults

clean:  ## Remove what the targets made
	rm -rf .venv .venv-* dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help install demo test coverage dist test-all check format bench bench-compare man pictures bench-fleet bench-faults completions clean
