# Everything a newcomer needs: `make demo` and `make test`. Everything a developer needs: `make check`.
PY     ?= python3.11
UV     := .tools/bin/uv
PYTHON := .venv/bin/python
READY  := .venv/.ready
CODE   := vpp_core firmware_profiles edge_agent cloud simulators tests
export UV_PYTHON_DOWNLOADS := never
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test check format bench schemas lock clean

demo: $(READY)
	@$(PYTHON) -m simulators.rig.demo $(DEMO)

test: $(READY)
	@.ci/packages
	$(PYTHON) -m pytest -q --cov --cov-report=term $(TEST)

check: $(READY)
	.venv/bin/ruff format --check $(CODE)
	.venv/bin/ruff check $(CODE)
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(PYTHON) tests/tidy.py vpp_core firmware_profiles edge_agent cloud simulators

format: $(READY)
	.venv/bin/ruff format $(CODE)
	.venv/bin/ruff check --fix $(CODE)

bench: $(READY)
	$(PYTHON) -m pytest -q tests/benchmarks --benchmarks

schemas: $(READY)
	$(PYTHON) -m vpp_core.contract docs/reference/contract

lock: $(UV)
	$(UV) pip compile -q pyproject.toml --all-extras --group dev --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url --custom-compile-command "make lock" -o requirements/dev.txt
	$(UV) pip compile -q pyproject.toml --extra edge --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url --custom-compile-command "make lock" -c requirements/dev.txt -o requirements/edge.txt

clean:
	rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage

$(UV): requirements/uv.txt
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "Gridchorus needs Python 3.11 or newer; '$(PY)' is not that. Install python3.11 or call: make PY=/path/to/python3.11"; exit 2; }
	@$(PY) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv module is missing. Install it first: apt-get install python3-venv"; exit 2; }
	$(PY) -m venv .tools
	.tools/bin/pip install -q --require-hashes -r requirements/uv.txt
	@touch $@

$(READY): requirements/dev.txt pyproject.toml $(UV)
	$(UV) venv -q --allow-existing --python $(PY) .venv
	$(UV) pip sync -q --compile-bytecode --require-hashes --python $(PYTHON) requirements/dev.txt
	$(UV) pip install -q --no-deps --no-build-isolation --python $(PYTHON) -e .
	@touch $@
