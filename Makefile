# make run    first results and pages            make test   the tests
# make check  compare with the baselines         make speed  docs/speed.md: speed ratios, not part of the tests
# make docs   docs/strategies.md from the docstrings
PYTHON ?= python3
BIN := .venv/bin

# make gpu-report   measure on this machine's GPU; LIMIT=9m stops in time; GPU_PYTHON: an interpreter that has all it needs
.PHONY: run test check speed docs gpu-report clean

run: .venv/installed
	$(BIN)/clbench run --all --out my_results
	$(BIN)/clbench report --results my_results --out my_reports
	@echo "Open file://$(CURDIR)/my_reports/index.html"

test: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/python -m pytest -q

check: .venv/installed
	$(BIN)/clbench check --profile smoke

speed: .venv/installed
	-$(BIN)/python -m pytest tests/speed/test_steps.py tests/speed/test_pairs.py tests/speed/test_speed.py --override-ini addopts=--import-mode=importlib --benchmark-disable-gc \
		--benchmark-json .speed.json
	$(BIN)/python tools/speed_table.py .speed.json

ifdef GPU_PYTHON
gpu-report:
	$(GPU_PYTHON) tools/gpu_report.py $(if $(LIMIT),--limit $(LIMIT))
else
gpu-report: .venv/installed
	$(BIN)/python tools/gpu_report.py $(if $(LIMIT),--limit $(LIMIT))
endif

docs: .venv/installed
	$(BIN)/python tools/strategy_docs.py

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	touch $@

clean:
	rm -rf .venv build *.egg-info
