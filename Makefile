# The verbs of this project; `make` alone lists them. ARGS="..." is handed on, as in  make test ARGS="-k session"
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup demo test slow-test stack-test stack-up stack-down lint bench lock clean

# scripts/setup/run leaves the Java that it found or installed behind this link.
with_java = JAVA_HOME="$(CURDIR)/.cache/java"

help: ## List the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: ## Make this folder ready to run: .venv, pinned packages and jars, Java (the other verbs do it by themselves)
	@scripts/setup/run

demo: setup ## Listening figures out of sample logs, in a few minutes
	@$(with_java) .venv/bin/metrics-lake demo $(ARGS)

test: setup ## The tests, all but those that need real servers or hours
	@$(with_java) .venv/bin/python -m pytest -n 2 --dist loadgroup --no-loadscope-reorder -m "not stack and not slow" $(ARGS)

slow-test: setup ## The tests that take minutes to hours: random kills, hundreds of histories
	@$(with_java) .venv/bin/python -m pytest -m slow $(ARGS)

stack-test: setup ## The tests against real servers, which it installs
	@scripts/setup/stack
	@$(with_java) .venv/bin/python -m pytest -m stack $(ARGS)

stack-up: ## Those servers by hand, on the ports of conf/emulators.yaml, for  metrics-lake run --env emulators
	@scripts/setup/run >&2
	@scripts/setup/stack >&2
	@.venv/bin/python scripts/stack/stack.py up $(ARGS)

stack-down: setup ## Stop them; what they held is gone
	@.venv/bin/python scripts/stack/stack.py down $(ARGS)

lint: setup ## Style, types, and who may import whom
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy
	@.venv/bin/lint-imports

bench: setup ## How fast it is on this machine
	@$(with_java) scripts/bench/run $(ARGS)

lock: ## Pin packages and jars anew; ARGS=--upgrade takes the newest that fit
	@scripts/setup/lock $(ARGS)

clean: ## Delete what the verbs above made, .venv too; never data/
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	rm -rf build dist demo spark-warehouse metastore_db derby.log
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
