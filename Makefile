# Every target sets up .venv by itself, the first time and whenever a pin changes.

.DEFAULT_GOAL := help
.PHONY: help demo serve export test test-slow torture lint format deploy-tools perf-tools bench bench-long clean distclean

PYTHON ?= $(shell for p in python3.11 python3.12 python3; do \
	"$$p" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && echo "$$p" && break; \
	done)
VENV := .venv
PY := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
PERF_TOOLS := .cache/perf-tools/.installed
ARGS ?=
HTTP_PORT ?= 8000
GRPC_PORT ?= 8001
METRICS_PORT ?= 8002
GATEWAY_PORT ?= 8080

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

demo: export ## restore real photographs through a real server; look at out/demo/index.html
	$(PY) -m demo --out out/demo

serve: export ## page and REST on GATEWAY_PORT, Triton on HTTP_PORT and GRPC_PORT, until Ctrl-C; ARGS="--models denoise"
	$(PY) -m darkroom_gateway.serve --gateway-port $(GATEWAY_PORT) \
		--http-port $(HTTP_PORT) --grpc-port $(GRPC_PORT) --metrics-port $(METRICS_PORT) $(ARGS)

export: $(INSTALLED) ## fetch weights and export the networks that are missing
	$(PY) -m export all

test: export lint $(PERF_TOOLS) deploy-tools ## linters, types, unit tests, and integration tests against a real server
	$(PY) -m pytest -m "not slow" $(ARGS)

test-slow: export ## the tests that take minutes
	$(PY) -m pytest -m slow $(ARGS)

torture: export ## 20,000 hostile files and 10,000 cancelled jobs through a real server, minutes
	$(PY) -m perf.torture $(ARGS)
	$(PY) -m perf.cancel --jobs 10000

lint: $(INSTALLED) ## ruff and mypy
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

format: $(INSTALLED) ## let ruff rewrite what it can
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

deploy-tools: ## Debian's Prometheus and HAProxy below .cache, where they are not installed
	@for fetch in deploy/*/download; do $$fetch || exit; done

perf-tools: $(PERF_TOOLS) ## perf_analyzer and locust, in an environment of their own

bench: export $(PERF_TOOLS) ## the README's main figures in half an hour; look at out/perf/index.html
	$(PY) -m perf.bench $(ARGS)

bench-long: export $(PERF_TOOLS) ## all other figures: hours
	$(PY) -m perf.bench --long $(ARGS)

clean: ## remove results and caches
	rm -rf out build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

distclean: clean ## also remove the environment and the exported networks
	rm -rf $(VENV) .cache
	rm -f model_repository/*/*/*.onnx model_repository/*/*/*.onnx.data model_repository/*/*/networks.json
	rm -f model_repository/image_to_image/1/diffusion.json model_repository/image_to_image/1/tokenizer.json \
		model_repository/image_to_image/1/scheduler_config.json

# The stamp is written last, so an interrupted installation is taken up again.
$(INSTALLED): requirements.lock pyproject.toml clients/pyproject.toml clients/gateway/pyproject.toml
	@"$(PYTHON)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null || \
		{ echo "Darkroom needs Python 3.11 or 3.12; found neither. Name one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@test -x $(PY) || "$(PYTHON)" -m venv $(VENV)
	$(PY) -m pip install --disable-pip-version-check --quiet -r requirements.lock
	$(PY) -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e . -e clients -e clients/gateway
	$(PY) -m pip check
	@touch $@

$(PERF_TOOLS): $(INSTALLED) perf/tools/__main__.py perf/tools/requirements.lock
	$(PY) -m perf.tools
	@touch $@
