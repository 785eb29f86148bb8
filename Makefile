# Each target makes its own virtual environment; all that is needed first is Python 3.11 or 3.12 and the package index.
#
#   make demo     a day of L-Town with 1,000 members, and a picture of its pressures in demo/
#   make test     everything that must hold: style, types, architecture, tests
#   make bench    what is measured; ONLY=name for one script, DATA=folder for the networks outside this repository
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

BENCHMARKS := $(basename $(notdir $(shell grep -l write_result benchmarks/*.py | grep -v common.py)))

.PHONY: demo test bench format clean
.DELETE_ON_ERROR:

demo: $(READY)
	$(BIN)/python examples/l_town_day/run.py

test: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pytest -n 2

bench: $(READY)
	@for name in $(or $(ONLY),$(BENCHMARKS)); do \
		echo "== $$name"; \
		TWEELING_DATA="$(abspath $(DATA))" $(BIN)/python benchmarks/$$name.py || exit 1; \
	done
	$(BIN)/python benchmarks/results.py

format: $(READY)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean:
	rm -rf $(VENV) demo .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(READY): pyproject.toml constraints.txt Makefile
	$(if $(PYTHON),,$(error Tweeling needs Python 3.11 or 3.12; if yours is elsewhere, say where: make PYTHON=/path/to/python3.12))
	@echo "Preparing $(VENV): about a minute the first time."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(PIP) --editable '.[demo,test]'
	@$(PIP) --no-deps epyt wntr
	@touch $(READY)
