# Every target has one line of help; `make` alone lists them.
PYTHON ?= python3
MODELS ?= models
PORT ?= 8000
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup run train serve test check prove images compose-test newman lock clean

help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: .venv/ready ## Make .venv with copse-train, copse-serve and copse-models in its bin

.venv/ready: pyproject.toml requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit("Copse needs Python 3.11 or newer; name one with PYTHON=" if sys.version_info < (3, 11) else 0)'
	@echo "setup: installing into .venv (a minute or two, once)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

run: setup ## Train if the model repository is empty, then serve on 127.0.0.1 (MODELS=folder PORT=number)
	@ls "$(MODELS)"/*/CURRENT >/dev/null 2>&1 || $(BIN)/copse-train --models "$(MODELS)"
	@exec $(BIN)/copse-serve --models "$(MODELS)" --port "$(PORT)"

train: setup ## Train the example, prove its export and publish it (MODELS=folder)
	@$(BIN)/copse-train --models "$(MODELS)"

serve: setup ## Serve what is published (MODELS=folder PORT=number)
	@exec $(BIN)/copse-serve --models "$(MODELS)" --port "$(PORT)"

test: setup ## Run every test that needs no cluster and no container engine
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

check: setup ## Lint, check formatting and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

prove: setup ## Compare export and scikit-learn on 100,000 adversarial rows and print the table
	@$(BIN)/python -m tests.exactness

images: ## Build both images and print how large they are and their largest parts
	@for name in train serve; do \
	  docker build --file Dockerfile.$$name --build-arg VERSION=$(VERSION) --tag copse-$$name:$(VERSION) . || exit 1; done
	@$(PYTHON) scripts/image_sizes.py copse-train:$(VERSION) copse-serve:$(VERSION)

compose-test: setup newman images ## Look into both images, then train and serve with compose.yaml, with curl and newman
	@$(BIN)/pytest -m docker tests/deploy/test_images.py tests/deploy/test_compose.py

newman: .node/ready ## Install newman into .node, to run the Postman collection (needs npm)

.node/ready: docs/postman/package.json docs/postman/package-lock.json
	@mkdir -p .node
	@cp docs/postman/package.json docs/postman/package-lock.json .node/
	@npm ci --prefix .node --no-audit --no-fund --loglevel error
	@touch $@

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)

lock: setup ## Renew requirements/*.txt from pyproject.toml
	@for extra in serve train; do $(BIN)/uv $(COMPILE) --extra $$extra --output-file requirements/$$extra.txt pyproject.toml; done
	@$(BIN)/uv $(COMPILE) --all-extras --output-file requirements/dev.txt pyproject.toml

COMPILE := pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-header --no-annotate

clean: ## Remove what was made here, except trained models
	@rm -rf .venv .node .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
