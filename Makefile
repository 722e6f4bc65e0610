# Two commands matter: `make demo` and `make test`. Each does all set-up itself, on python3 and make alone.
.DELETE_ON_ERROR:
.PHONY: setup demo test static lint types collected warm bench proof docs lock clean
SHELL := /bin/bash
PY := .venv/bin/python
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
# One more than the gate has cores: where a test waits, another works.
WORKERS ?= 3
SHARED := -n $(WORKERS) --dist loadgroup --no-loadscope-reorder
unexport PYTHONDONTWRITEBYTECODE # commands started by tests read what others have compiled

setup: .venv/dev.stamp

.tools/bin/uv:
	@python3 -m venv .tools 2>/dev/null || { echo "python3 here cannot make virtual environments: install its venv package (Debian: python3-venv) or uv"; exit 1; }
	@.tools/bin/python -m pip install --quiet --disable-pip-version-check uv

.venv/pyvenv.cfg: .python-version | $(filter .tools/bin/uv,$(UV))
	@$(UV) venv --quiet --clear --no-python-downloads .venv || { echo "tvquant needs Python 3.12 or 3.13 and found none: install it (python.org, pyenv, or the system's package) and run make again"; exit 1; }

# A third of what the development packages hold is ever imported: only the demo's are compiled at once.
.venv/%.stamp: lock/%.txt pyproject.toml .venv/pyvenv.cfg
	@echo "setup: installing lock/$*.txt"
	@$(UV) pip sync --quiet $(if $(filter demo,$*),--compile-bytecode) --require-hashes --python $(PY) lock/$*.txt
	@$(UV) pip install --quiet --python $(PY) --no-deps --editable .
	@rm -f .venv/*.stamp && touch $@

demo:
	@if [ -f .venv/dev.stamp ]; then $(MAKE) --no-print-directory .venv/dev.stamp; else $(MAKE) --no-print-directory .venv/demo.stamp; fi
	@.venv/bin/tvquant demo

static: lint types

lint: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/lint-imports

types: setup
	.venv/bin/mypy

collected: setup # assertions are rewritten once, while kernels compile, and not by every worker
	@said=$$($(PY) -m pytest --collect-only -qq 2>&1) || { echo "$$said"; exit 1; }

warm: setup
	$(PY) -m tvquant.app.warm

test: setup # three at once, of which each takes half a minute: two cores are busy to the end
	@$(MAKE) --no-print-directory --output-sync=target --jobs=3 warm types collected lint
	$(PY) -m pytest $(SHARED) --durations=20

.tools/pandas-ta/pyvenv.cfg: benchmarks/pandas-ta.txt
	@$(UV) venv --quiet --clear --no-python-downloads .tools/pandas-ta
	@$(UV) pip install --quiet --python .tools/pandas-ta/bin/python --no-deps -r $<
	@touch $@

.tools/hurst/hurst.txt: benchmarks/hurst.txt | .venv/pyvenv.cfg
	@$(UV) pip install --quiet --python $(PY) --target .tools/hurst --no-deps -r $<
	@cp $< $@

.tools/nautilus2/nautilus2.txt: benchmarks/nautilus2.txt | .venv/pyvenv.cfg
	@rm -rf .tools/nautilus2
	@$(UV) pip install --quiet --python $(PY) --target .tools/nautilus2 --no-deps -r $<
	@cp $< $@

.tools/ray/ray.txt: benchmarks/ray.txt | .venv/pyvenv.cfg
	@rm -rf .tools/ray
	@$(UV) pip install --quiet --python $(PY) --target .tools/ray --no-deps -r $<
	@cp $< $@

.tools/bt/bt.txt: benchmarks/bt.txt | .venv/pyvenv.cfg
	@rm -rf .tools/bt
	@$(UV) pip install --quiet --python $(PY) --target .tools/bt --no-deps -r $<
	@cp $< $@

PEERS := .tools/pandas-ta/pyvenv.cfg .tools/hurst/hurst.txt .tools/nautilus2/nautilus2.txt .tools/bt/bt.txt

bench: setup $(PEERS)
	TVQUANT_PANDAS_TA=.tools/pandas-ta/bin/python TVQUANT_HURST=.tools/hurst TVQUANT_NAUTILUS2=.tools/nautilus2 \
		TVQUANT_BT=.tools/bt $(PY) benchmarks/run.py

proof: setup .tools/nautilus2/nautilus2.txt .tools/ray/ray.txt
	TVQUANT_PROOF=1 $(PY) -m pytest $(SHARED)
	TVQUANT_PROOF=1 PYTHONPATH=$(CURDIR)/.tools/ray:$(CURDIR)/tests RAY_raylet_start_wait_time_s=200 \
		$(PY) -m pytest -n 0 -k ray tests/contracts/test_backends.py

docs: setup
	$(PY) docs/requirements.py
	$(PY) docs/house.py
	$(PY) docs/reference.py
	$(PY) docs/results.py

lock: | $(filter .tools/bin/uv,$(UV))
	$(UV) pip compile pyproject.toml --quiet --python-version 3.12 --universal --generate-hashes --no-header --no-emit-index-url --all-extras --group dev -o lock/all.txt
	$(UV) pip compile pyproject.toml --quiet --python-version 3.12 --universal --generate-hashes --no-header --no-emit-index-url -c lock/all.txt --extra demo -o lock/demo.txt
	$(UV) pip compile pyproject.toml --quiet --python-version 3.12 --universal --generate-hashes --no-header --no-emit-index-url -c lock/all.txt --extra demo --group dev -o lock/dev.txt

clean:
	rm -rf .venv .tools tvquant-demo
