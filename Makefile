PYTHON ?= python3
BIN := .venv/bin
# A process per core, each with one thread of torch. The tests of a file stay together: they share what is expensive.
PARALLEL := -n logical --maxprocesses 8 --dist loadscope

.PHONY: help run test coverage check verify results speed docs gpu-report clean

help:                       ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' Makefile

run: .venv/installed        ## first results and pages: every strategy on the small benchmarks
	$(BIN)/clbench run --all --profile smoke
	$(BIN)/clbench report

test: .venv/installed       ## the style of the code, its types, and the tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q $(PARALLEL)

coverage: .venv/installed   ## the tests, and which lines of clbench they run
	$(BIN)/python -m pytest -q $(PARALLEL) --cov --cov-report=term-missing:skip-covered

check: .venv/installed      ## compare the smoke profile with the baselines
	$(BIN)/clbench check --profile smoke

verify: .venv/installed     ## after an edit: which committed records does the code still compute?
	$(BIN)/clbench verify --profile quick --results results
	$(BIN)/clbench verify --profile smoke --results results

results: .venv/installed    ## write what is committed: smoke anew, its baselines, quick verified, pages, tables in README and docs
	$(BIN)/clbench run --all --profile smoke --fresh --device cpu --out results
	$(BIN)/clbench baseline accept --profile smoke --results results
	-$(BIN)/clbench verify --profile quick --results results      # what it does not verify is marked stale in the pages
	$(BIN)/clbench report --results results --out reports
	$(BIN)/python tools/readme_table.py
	-$(BIN)/python tools/page_picture.py      # where there is a Chromium
	$(BIN)/python tools/choosing_docs.py
	$(BIN)/python tools/agreement_docs.py

speed: .venv/installed      ## docs/speed.md: speed ratios, not part of the tests
	-$(BIN)/python -m pytest tests/speed/test_steps.py tests/speed/test_pairs.py tests/speed/test_labelled.py tests/speed/test_speed.py --override-ini addopts=--import-mode=importlib --benchmark-disable-gc \
		--benchmark-json .speed.json
	$(BIN)/python tools/speed_table.py .speed.json

# LIMIT=9m stops in time; GPU_PYTHON: an interpreter that has all it needs.
ifdef GPU_PYTHON
gpu-report:                 ## measure on this machine's GPU
	$(GPU_PYTHON) tools/gpu_report.py $(if $(LIMIT),--limit $(LIMIT))
else
gpu-report: .venv/installed
	$(BIN)/python tools/gpu_report.py $(if $(LIMIT),--limit $(LIMIT))
endif

docs: .venv/installed       ## docs/strategies.md from the docstrings
	$(BIN)/python tools/strategy_docs.py

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	touch $@

clean:                      ## remove the environment and what was built
	rm -rf .venv build *.egg-info
