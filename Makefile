# AYS Studio. `make help` prints the targets below from their comments.
# PIP_ARGS is passed on to pip, for instance PIP_ARGS="--index-url ..." for a wheel index of your own.

PIP_ARGS ?=
VENV := .venv
PY := $(VENV)/bin/python
INSTALLED := $(VENV)/installed
# Small tensors, few cores: two threads, or two processes; none that spins while it waits for work.
THREADS = 2
test: THREADS = 1
TEST_ENV = OMP_NUM_THREADS=$${OMP_NUM_THREADS:-$(THREADS)} OMP_WAIT_POLICY=PASSIVE GRADIO_ANALYTICS_ENABLED=False

.DEFAULT_GOAL := help
.PHONY: help app test check bench scenes unet defaults leaderboard browser clean

help:  ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

app: $(INSTALLED)  ## set everything up and serve http://127.0.0.1:7860
	$(PY) app.py

test: $(INSTALLED) browser  ## set everything up and run every test, browser tests too
	$(TEST_ENV) $(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: $(INSTALLED)  ## format, lint, types and the fast tests: before every commit
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	@rm -f components/*.pyi  # stubs that Gradio writes; an old one would hide the source
	$(VENV)/bin/basedpyright --pythonpath $(PY)
	$(TEST_ENV) $(PY) -m pytest -m "not slow and not ui and not gpu"

bench: $(INSTALLED) browser  ## print the measured figures, with machine and date
	$(PY) -m tests.benchmarks

scenes: $(INSTALLED)  ## redraw and refit the embedded picture model
	$(PY) assets/models/make_scenes.py

unet: $(INSTALLED)  ## train the embedded network on for an hour, from its last checkpoint
	$(PY) assets/models/make_unet.py --minutes 60

defaults: $(INSTALLED)  ## search again the optimised schedules that are shipped
	$(PY) -m assets.schedules.make_defaults

leaderboard: $(INSTALLED)  ## go on with the leaderboard, column by column
	$(PY) assets/leaderboard/make_leaderboard.py

browser: $(INSTALLED)
	@$(PY) -m tests.ui.chromium

clean:  ## remove the virtual environment and all caches
	rm -rf $(VENV) .pytest_cache .ruff_cache .gradio
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Made anew only when a requirements file changes. One pip call for both files, so that no tool
# lifts a run-time package past its bound.
$(INSTALLED): requirements.txt requirements-dev.txt
	@python=; for name in python3 python3.12 python3.11; do \
	  if $$name -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null; \
	  then python=$$name; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "AYS Studio needs Python 3.11 or 3.12 on the PATH (as python3, python3.12 or python3.11)." >&2; \
	  exit 1; \
	fi; \
	$$python -m venv $(VENV)
	$(PY) -m pip install --quiet $(PIP_ARGS) -r requirements.txt -r requirements-dev.txt
	@touch $@
