# Two commands for a newcomer: `make run` and `make test`. Everything else is `make help`.
VENV ?= .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
# A file's tests stay together: they share what is slow to start.
PYTEST := $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder
ARGS ?=
OURS := booking config ical outside papers platzwart sync web workers
export UV_PROJECT_ENVIRONMENT := $(VENV)

.DEFAULT_GOAL := help

$(BIN)/uv:
	python3 -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(VENV)/.runtime: $(BIN)/uv pyproject.toml uv.lock
	$(BIN)/uv sync --quiet --frozen --inexact --compile-bytecode --no-dev
	@$(BIN)/python -m compileall -q -j 0 $(OURS)
	@touch $@

$(VENV)/.dev: $(BIN)/uv pyproject.toml uv.lock
	$(BIN)/uv sync --quiet --frozen --inexact --compile-bytecode
	@$(BIN)/python -m compileall -q -j 0 $(OURS)
	@touch $@ $(VENV)/.runtime

.PHONY: run
run: $(VENV)/.runtime  ## start everything with the demonstration: make run ARGS="--port 8123 --data DIR"
	@exec $(BIN)/platzwart up --demo $(ARGS)

.PHONY: setup
setup: $(VENV)/.dev
	$(BIN)/python -m tests.browser_setup
	@$(BIN)/python -m tests.reader_setup

.PHONY: test
test: check setup  ## lint, types, import contracts and all tests (a tenth of the long matrices)
	$(PYTEST) $(ARGS)

.PHONY: soak
soak: setup  ## all tests with the long matrices whole
	PLATZWART_SOAK=1 $(PYTEST) --timeout 3600 $(ARGS)

.PHONY: check
check: $(VENV)/.dev  ## lint, types, import contracts, undeclared dependencies
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .

.PHONY: format
format: $(VENV)/.dev  ## let ruff put the code in shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: bench
bench: setup  ## measure feeds, races, webhooks and start-up beside peers
	$(BIN)/python -m bench $(ARGS)

.PHONY: screenshots
screenshots: setup  ## take the pictures in docs/screenshots anew
	$(BIN)/python -m tests.browser.screenshots $(ARGS)

.PHONY: help
help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
