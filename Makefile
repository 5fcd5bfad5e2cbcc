# Each target sets up what it needs in .venv, by way of a stamp file, and again when pyproject.toml or constraints.txt
# changed. All it asks of the machine is make and a Python of at least 3.11 with venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help lab test notebooks bench screenshots soak clean

help: ## this list
	@echo "make TARGET, where TARGET is one of"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' Makefile

# connect() starts the sandbox for its parent process. Here that is the recipe's shell, which becomes Jupyter by exec,
# so that the sandbox ends when Jupyter does.
START_SANDBOX := import graphsandbox; s = graphsandbox.connect(); \
    print(f"The sandbox is ready. Portal: {s.portal}  Mailbox: {s.mailbox}", flush=True)

lab: $(VENV)/.lab ## open JupyterLab on notebook 01, the sandbox ready (LAB="--no-browser --port 8899" passes flags on)
	@as_root=; if [ "$$(id -u)" = 0 ]; then as_root=--allow-root; fi; \
	$(BIN)/python -c '$(START_SANDBOX)' && \
	exec $(BIN)/python -m jupyterlab --LabApp.default_url=/lab/tree/notebooks/01_register.ipynb \
	    --ContentsManager.pre_save_hook=graphhelpers.guard.mask_before_saving $$as_root $(LAB)

# Three processes share the tests (tests/side_by_side.py), since many wait for a browser or a kernel;
# PYTEST="-n 0" runs them in one.
test: $(VENV)/.test ## run every test (PYTEST="-k mail" passes flags on; REQUIRE_ALL=1 makes a skip a failure)
	@$(BIN)/python -m pytest -n 3 --dist loadfile $(PYTEST)

notebooks: $(VENV)/.test ## run the four notebooks on a fresh sandbox and save their outputs
	@$(BIN)/python -m tools.run_notebooks $(NOTEBOOKS)

bench: $(VENV)/.bench ## measure, and write benchmarks/README.md and its figures (BENCH="imports growth" runs these)
	@$(BIN)/python benchmarks/_all.py $(BENCH)

screenshots: $(VENV)/.test ## picture the notebooks and the sandbox's pages into screenshots/, and check their layout
	@$(BIN)/python -m tools.screenshots $(NOTEBOOKS)

# Hypothesis marks what it tries on many examples; here it takes ten thousand of each.
soak: $(VENV)/.test ## the long runs of load, fuzzing and killing
	@$(BIN)/python -m pytest -m "soak or hypothesis" --hypothesis-profile=soak $(PYTEST)

clean: ## remove .venv, caches and screenshots; registrations and mails stay
	@rm -rf $(VENV) screenshots build dist .pytest_cache .hypothesis .mypy_cache .ruff_cache
	@find . -name __pycache__ -prune -exec rm -rf {} + -o -name .ipynb_checkpoints -prune -exec rm -rf {} +

# The extras of pyproject.toml: test includes lab, and bench includes test. JupyterLab's question about its news would
# meet every newcomer before the first lesson, so its plugin is off in .venv.
define SET_UP
	@echo "Setting up $(VENV) for $(1) (once, about a minute) ..."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -e ".[$(1)]" -c constraints.txt
	@$(BIN)/python -m jupyter labextension disable --level=sys_prefix \
	    @jupyterlab/apputils-extension:announcements >$(VENV)/labextension.log 2>&1
	@touch $(2)
endef

$(VENV)/.lab: pyproject.toml constraints.txt | $(BIN)/python
	$(call SET_UP,lab,$@)

$(VENV)/.test: pyproject.toml constraints.txt | $(BIN)/python
	$(call SET_UP,test,$(VENV)/.lab $@)

$(VENV)/.bench: pyproject.toml constraints.txt | $(BIN)/python
	$(call SET_UP,bench,$(VENV)/.lab $(VENV)/.test $@)

# The first Python that is new enough; a name on the PATH may be a stub that does not run, so each is tried.
$(BIN)/python:
	@for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	    "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	    if "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
	        exec "$$python" -m venv --clear $(VENV); \
	    fi; \
	    lacking="$$python"; \
	done; \
	if [ -n "$$lacking" ]; then \
	    echo "$$lacking is new enough but has no venv. On Debian and Ubuntu: apt install python3-venv"; \
	else \
	    echo "No Python of at least 3.11 found. Install one, or name it: make PYTHON=/path/to/python3"; \
	fi >&2; exit 1
