# Every target has one line of help; `make` alone lists them.
PYTHON ?= python3
MODELS ?= models
PORT ?= 8000
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup run train serve test check prove models large bench observed instructions torture soak images compose-test newman clients lock clean
.PHONY: chart-check workflow-check values-table monitoring tools prometheus kind-up deploy e2e kind-down chart push-images push-chart release-check

help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: .venv/ready ## Make .venv with copse-train, copse-import, copse-serve and copse-models in its bin

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

# As many tests at a time as there are CPUs; 0 runs one after the other, which is what a debugger wants.
# OpenMP's threads would wait for each other in a loop that takes the CPUs from whom they wait for: ten times as long.
WORKERS ?= logical

test: setup ## Run every test that needs no cluster and no container engine (WORKERS=0: one at a time)
	@$(BIN)/coverage erase
	@OMP_WAIT_POLICY=passive $(BIN)/coverage run -m pytest --numprocesses $(WORKERS) --dist worksteal
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

check: setup ## Lint, check formatting and types, chart, manifests and workflows
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(MAKE) --no-print-directory chart-check workflow-check

# A program that is missing skips what needs it, except on CI.
TOOLS_PATH := $(CURDIR)/.tools:$(PATH)
MISSING = [ -z "$$CI" ]

chart-check: setup ## Check the chart and the manifests (needs helm; kubeconform is compiled if Go is there)
	@if scripts/tool.sh helm && scripts/tool.sh kubeconform; then PATH="$(TOOLS_PATH)" $(BIN)/pytest -q -m helm tests/deploy; else $(MISSING); fi

workflow-check: ## Check the workflows (actionlint is compiled if Go is there)
	@if scripts/tool.sh actionlint; then PATH="$(TOOLS_PATH)" actionlint -shellcheck= -pyflakes=; else $(MISSING); fi

values-table: setup ## Renew the table of values in the chart's README
	@$(BIN)/python scripts/values_table.py helm/copse

monitoring: setup ## Renew the dashboard for Grafana and the copies in k8s/monitoring/
	@$(BIN)/python -m scripts.monitoring

prometheus: ## Compile Prometheus and promtool into .tools, pinned, for the tests of what they read (needs Go; 4 minutes, once)
	@for name in prometheus promtool; do scripts/tool.sh $$name --install || exit 1; done

tools: ## Compile helm, kind, kubeconform and actionlint into .tools, pinned (needs Go; HELM=helm3 takes Helm 3)
	@for name in $(HELM) kind kubeconform actionlint; do scripts/tool.sh $$name --install || exit 1; done

HELM ?= helm

prove: setup ## Compare export and scikit-learn on 100,000 adversarial rows and print the table
	@$(BIN)/python -m tests.exactness

large: setup ## Train on 1,000,000 rows of 30 columns and print time and peak memory (3 minutes)
	@mkdir -p build
	@[ -f build/large.csv ] || $(BIN)/python scripts/example_tables.py --rows 1000000 --columns 30 build/large.csv
	@$(BIN)/copse-train --models build/models --data build/large.csv --target answer --trees 20 --param max_depth=10 --force

bench: setup ## Measure Copse, its limits and its peers side by side; renew benchmarks/ (20 minutes; PEERS=: 2, prints)
	@scripts/tool.sh vegeta || true
	@$(BIN)/python -m benchmarks $(if $(filter undefined,$(origin PEERS)),,--peers $(PEERS))

observed: setup ## Measure what metrics, drift, logs and traces cost; renew benchmarks/README.md (6 minutes)
	@scripts/tool.sh vegeta || true
	@$(BIN)/python -m benchmarks.observed

instructions: setup ## Count the instructions of a request, beside those recorded (needs valgrind; 1 minute; RECORD=1 records)
	@$(BIN)/python -m benchmarks.instructions $(if $(RECORD),--record)

models: setup ## Prove the exports of many estimators and pipelines; renew the table in docs/models.md (3 minutes)
	@$(BIN)/python -m tests.models

torture: setup ## Swap, break, overload and stop a real server; renew the table in docs/reliability.md (30 minutes; SHORT=1: 5)
	@$(BIN)/python -m tests.torture $(if $(SHORT),--short)

SECONDS ?= 1200

soak: setup ## Swap and mix input for 20 minutes, looking at memory and descriptors (SECONDS=number)
	@$(BIN)/python -m tests.torture --seconds "$(SECONDS)" soak

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

clients: .clients/ready ## Install tritonclient and kserve into .clients, for the tests of these client libraries

.clients/ready: requirements/clients.txt
	@echo "clients: installing into .clients (a minute, once)"
	@$(PYTHON) -m venv --clear .clients
	@.clients/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/clients.txt
	@touch $@

kind-up: ## Make a kind cluster whose Service answers on a port of this machine (CLUSTER=name)
	@$(KIND) up

deploy: images ## Build both images, load them into the cluster and install (INSTALL=helm or manifests)
	@$(KIND) deploy

e2e: setup ## Test on the cluster, once by Helm and once by the manifests (make kind-up images first)
	@$(KIND) load
	@mkdir -p build && PATH="$(TOOLS_PATH)" kind get kubeconfig --name "$(CLUSTER)" >build/kubeconfig
	@KUBECONFIG=build/kubeconfig COPSE_E2E_NEXT_TAG="$(NEXT_TAG)" PATH="$(TOOLS_PATH)" $(BIN)/pytest -m cluster tests/e2e

kind-down: ## Delete the kind cluster
	@$(KIND) down

CLUSTER ?= copse
INSTALL ?= helm
NEXT_TAG = $(VERSION)-next
KIND = CLUSTER="$(CLUSTER)" INSTALL="$(INSTALL)" VERSION="$(VERSION)" NEXT_TAG="$(NEXT_TAG)" scripts/kind.sh

chart: ## Package the chart for images in a registry (REGISTRY=ghcr.io/name)
	@rm -rf build/chart && mkdir -p build/chart && cp -R helm/copse build/chart/copse
	@sed -i.orig 's|^  registry: ""$$|  registry: "$(IMAGES_AT)"|' build/chart/copse/values.yaml && rm build/chart/copse/values.yaml.orig
	@PATH="$(TOOLS_PATH)" helm package build/chart/copse --destination build/chart

push-images: ## Build both images for two architectures, with provenance and SBOM, and push them (REGISTRY=ghcr.io/name)
	@for name in train serve; do \
	  docker buildx build --platform linux/amd64,linux/arm64 --provenance mode=max --sbom true --push \
	    --file Dockerfile.$$name --build-arg VERSION=$(VERSION) --tag $(IMAGES_AT)/copse-$$name:$(VERSION) . || exit 1; done

push-chart: chart ## Push the packaged chart as an OCI artefact (REGISTRY=ghcr.io/name)
	@PATH="$(TOOLS_PATH)" helm push build/chart/copse-$(VERSION).tgz oci://$(IMAGES_AT)/charts

release-check: ## Check that a release's tag is the project's version (TAG=v1.2.3)
	@[ "$(TAG)" = "v$(VERSION)" ] || { echo "release: tag $(TAG) is not the version v$(VERSION)"; exit 1; }

IMAGES_AT = $(shell echo "$(or $(REGISTRY),$(error REGISTRY must be given, such as ghcr.io/name))" | tr A-Z a-z)

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)

lock: setup ## Renew requirements/*.txt from pyproject.toml, and those of the benchmarks' peers
	@for extra in serve train; do $(BIN)/uv $(COMPILE) --extra $$extra --output-file requirements/$$extra.txt pyproject.toml; done
	@$(BIN)/uv $(COMPILE) --extra docs --no-deps --no-emit-package msgspec --output-file requirements/docs.txt pyproject.toml
	@$(BIN)/uv $(COMPILE) --group pyproject.toml:clients --python-version 3.11 --output-file requirements/clients.txt
	@$(BIN)/uv $(COMPILE) --all-extras --output-file requirements/dev.txt pyproject.toml
	@for peer in benchmarks/peers/*; do \
	  $(BIN)/uv $(COMPILE) --python-version 3.11 --output-file $$peer/requirements.txt $$peer/requirements.in || exit 1; done

COMPILE := pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-header --no-annotate

clean: ## Remove what was made here, except trained models
	@rm -rf .venv .clients .node .tools .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
