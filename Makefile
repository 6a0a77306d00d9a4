# Quick start: make demo, make app, make test. Everything lives in .venv and runs/.
PYTHON ?= python3
PORT ?= 8501
SAMPLE ?= images
BUDGET ?= 120
KILLS ?= 100
RUNS ?= 100000
BIN := .venv/bin
RUN := runs/demo-$(SAMPLE)

.PHONY: setup demo app test lint docs check-wheel bench-parity bench-budgets bench-startup check-exports check-kill check-hostile check-fuzz check-faults check-load audit clean

setup: .venv/ready

.venv/ready: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[starter,export,dev]'
	touch $@

demo: setup
	@rm -rf $(RUN)
	@$(BIN)/advisor run --offline --budget $(BUDGET) \
		--brief advisor/samples/$(SAMPLE).yaml \
		--data "$$($(BIN)/advisor sample $(SAMPLE) --out runs/samples)" \
		--out $(RUN)

app: setup
	$(BIN)/advisor app --port $(PORT)

test: setup
	$(BIN)/python -m pytest -n 2 --dist loadfile --cov=advisor --cov-report=term --cov-fail-under=90

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: setup
	$(BIN)/python -m pip install --quiet --requirement docs/requirements.txt
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "site: build/site/index.html"

check-wheel: setup
	$(BIN)/python benchmarks/wheel.py

bench-parity: setup
	$(BIN)/python benchmarks/parity.py

bench-budgets: setup
	$(BIN)/python benchmarks/budgets.py

bench-startup: setup
	$(BIN)/python benchmarks/startup.py

check-exports: setup
	$(BIN)/python benchmarks/exports.py

check-kill: setup
	$(BIN)/python benchmarks/kill.py --kills $(KILLS)

check-hostile: setup
	$(BIN)/python benchmarks/hostile.py

check-fuzz: setup
	$(BIN)/python -m pip install --quiet atheris
	$(BIN)/python benchmarks/fuzz.py --runs $(RUNS)

check-faults: setup
	$(BIN)/python benchmarks/faults.py

check-load: setup
	$(BIN)/python benchmarks/load.py

audit: setup
	$(BIN)/python benchmarks/audit.py

clean:
	rm -rf .venv runs build dist *.egg-info
