# 白露. `make` alone tells what there is. PYTHON=… names another Python; settings come from the environment or .env.
PYTHON ?= python3
VENV := .venv/bin/python
.DEFAULT_GOAL := help
.PHONY: run stop setup setup-dev setup-vllm test test-engines lint format bundle bundle-check bench soak model poems manage clean help

run: setup ## start everything on http://127.0.0.1:8000 (Ctrl+C stops it)
	@exec $(VENV) -m ops.run

stop: ## stop a house that runs in the background
	@test -x $(VENV) || { echo "Nothing runs from here: there is no .venv yet."; exit 1; }
	@$(VENV) -m ops.stop

setup: ## make .venv and install what running needs
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON). Install Python 3.11 to 3.13, or: make run PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -m ops.bootstrap

setup-dev:
	@$(PYTHON) -m ops.bootstrap --dev

bench: setup-dev ## the figures of the house, beside the engine's own
	@$(VENV) -m bench --model "$$($(VENV) -m inference.supply $(MODEL))"

soak: setup-dev ## random faults under writers who never pause; ARGS="--faults 100 --seed 2"
	@$(VENV) -m bench.soak $(ARGS)

model: setup ## fetch the model file that MODEL names, and print its path
	@$(VENV) -m inference.supply $(MODEL)

poems: setup ## fetch all poems of old and make their index, so that every line can be looked up
	@$(VENV) -m inference.corpus

manage: setup ## Django's commands with the house's settings: make manage DO="createsuperuser"
	@$(VENV) manage.py $(DO)

test: setup-dev ## every test this machine can run; ONLY="tests/ops -k ports" for some
	@$(VENV) -m ops.suite $(ONLY)

setup-vllm: ## make .venv-vllm: vLLM on a CPU, 3.5 GB
	@$(PYTHON) -m ops.bootstrap --vllm

test-engines: setup-dev setup-vllm ## one suite over every engine, with real vLLM and transformers; ten minutes and more
	@$(VENV) -m ops.suite --engines $(ONLY)

lint: setup-dev ## ruff, formatting, types, forgotten migrations
	@$(VENV) -m ruff check .
	@$(VENV) -m ruff format --check .
	@$(VENV) -m mypy
	@$(VENV) manage.py makemigrations --check --dry-run

format: setup-dev ## let ruff put the code in order
	@$(VENV) -m ruff check --fix .
	@$(VENV) -m ruff format .

bundle: ## build the editor's bundle (needs Node.js 20)
	@cd editor && npm ci --no-audit --no-fund --silent && npm run --silent build

bundle-check: bundle ## the committed bundle is what its source builds
	@git diff --exit-code --stat -- static/vendor

clean: ## remove .venv and what tools leave behind; your data (var/) and the models stay
	@rm -rf .venv .venv-vllm editor/node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'
