# Works with nothing but Python 3.11+ and make. Every target sets up .venv first if that is needed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# The rival programs bring much (Spark, databases), so they have an environment of their own.
VERIFY_VENV := .venv-verify
VERIFY_READY := $(VERIFY_VENV)/.ready
# Test processes: one a core, since tests are mostly arithmetic; each holds some hundred megabytes.
TEST_WORKERS ?= auto
# The studies that have a page of findings; where they are done, and by how many processes.
STUDIES ?= rules attackers retention sharing density who exposure knowledge pseudonyms usefulness plates-against-faces honesty wrong-assumptions
# Those on streets that you bring: MAPS=DIR, where columbus.osm.pbf is.
MAP_STUDIES ?= $(if $(MAPS),attackers-columbus)
STUDIES_DIR ?= studies
STUDY_WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup demo test verify check format docs site findings bench clean

help:
	@echo "make setup   create .venv with everything"
	@echo "make demo    how long a town's readers need to learn where its drivers live and work, with a page"
	@echo "make test    the whole test suite"
	@echo "make verify  closed forms, conservation, rival programs (HoWDe among them needs Java); its table"
	@echo "make check   lint, format, types, import contracts, generated docs"
	@echo "make format  format the code"
	@echo "make docs    write the generated docs again"
	@echo "make site    build the documentation site into build/site, with the gallery's pictures"
	@echo "make findings  do all studies again with this engine (about an hour), take their tables over (MAPS=DIR: with Columbus)"
	@echo "make bench   speed and memory on this machine, beside the goals (MAPS=DIR: with Columbus)"
	@echo "make clean   remove .venv, caches and the demo's results"

setup: $(READY)

# The stamp is made last, so that an interrupted set-up is taken up again.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; name another one with make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	@echo "Setting up $(VENV): a minute or two, this once."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[maps,cluster,docs,dev,teach]'
	@echo "Compiling kernels: about a minute, whenever they change."
	@$(BIN)/python -m experiments.warm_up
	@touch $(READY)

demo: $(READY)
	@$(BIN)/platetrail demo

test: $(READY)
	$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist worksteal

$(VERIFY_READY): pyproject.toml constraints.txt
	@echo "Setting up $(VERIFY_VENV) with the rival programs: some minutes, this once."
	@$(PYTHON) -m venv $(VERIFY_VENV)
	@$(VERIFY_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[maps,rivals]' pytest pytest-xdist
	@touch $(VERIFY_READY)

verify: $(VERIFY_READY)
	PLATETRAIL_VERIFICATION_CSV=docs/verification.csv $(VERIFY_VENV)/bin/python -m pytest tests/verification -n $(TEST_WORKERS) --dist loadfile -rs
	@$(VERIFY_VENV)/bin/python -m experiments.docs_tables

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache --no-logo
	$(BIN)/python -m experiments.docs_tables --check

format: $(READY)
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

docs: $(READY)
	$(BIN)/python -m experiments.docs_tables

# Pages of the gallery are made first; what sphinx warns of is an error.
site: $(READY)
	$(BIN)/python -m experiments.figures.gallery docs/gallery
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/site
	@echo "Open build/site/index.html"

# Each engine has a folder of its own, so that a stopped one goes on, and never with cells of another engine.
findings: $(READY)
	@engine=$$($(BIN)/python -m experiments.findings engine) || exit 1; studies=$(STUDIES_DIR)/$$engine; \
	for study in $(STUDIES) $(MAP_STUDIES); do \
	    case $$study in *-columbus) map="$(if $(MAPS),--map $(MAPS)/columbus.osm.pbf)";; *) map=;; esac; \
	    $(BIN)/platetrail sweep $$study $$map --out $$studies/$$study --workers $(STUDY_WORKERS) \
	        && $(BIN)/python -m experiments.findings keep $$study $$studies/$$study || exit 1; \
	done
	@$(BIN)/python -m experiments.findings audits
	@$(BIN)/python -m experiments.own_assumptions_study
	@$(BIN)/python -m experiments.docs_tables
	@$(BIN)/python -m experiments.findings age

bench: $(READY)
	@$(BIN)/platetrail bench $(if $(MAPS),--maps $(MAPS))

clean:
	rm -rf $(VENV) $(VERIFY_VENV) build dist *.egg-info .mypy_cache .ruff_cache .hypothesis .import_linter_cache demo-run docs/gallery
	find simulator scenarios experiments tests -name __pycache__ -type d -prune -exec rm -rf {} +
