.DEFAULT_GOAL := help
.PHONY: help dev demo-load test check bench pictures messages requirements

# Another Python: make dev PYTHON=python3.12
PYTHON ?= python3

# Processes that share the tests: make test PROCESSES=1
PROCESSES ?= 5
# Another measurement: make bench BENCH=dispatch
BENCH ?= worker
BIN := .venv/bin
INSTALLED := .venv/installed
# Checks look at the code, not at what this machine is set to.
CHECKS := ENV_FILE=/dev/null APP_ENV=local DATABASE_URL=sqlite://:memory:

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

dev: $(INSTALLED) .env ## Run everything on this machine, at http://127.0.0.1:8000 (PORT=… for another port)
	@exec $(BIN)/python manage.py dev

demo-load: $(INSTALLED) .env ## Queue made-up jobs for a minute, to watch the dashboard (ARGS="--seconds 10 --rate 20")
	@exec $(BIN)/python manage.py demo_load $(ARGS)

test: $(INSTALLED) ## Run all tests (ARGS="tests/unit -k wait" for some)
	@exec $(BIN)/python -m pytest --numprocesses $(PROCESSES) --dist worksteal $(ARGS)

check: $(INSTALLED) ## Formatting, lint, types, Django's checks, missing migrations
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(CHECKS) $(BIN)/python manage.py check --fail-level WARNING
	$(CHECKS) $(BIN)/python manage.py makemigrations --check --dry-run

bench: $(INSTALLED) ## Measure a worker beside RQ's own and a bare loop, some minutes (BENCH=dispatch, history, beside, pages, schedule_storm, audience)
	@exec $(BIN)/python bench/$(BENCH).py $(ARGS)

pictures: $(INSTALLED) ## Take the pictures of docs/pages.md anew, with Chromium (ARGS="--page job --kind png --to /tmp/looks")
	@exec $(BIN)/python bench/pictures.py $(ARGS)

messages: $(INSTALLED) ## Bring the catalogues of translated texts up to the code, and compile them
	@exec $(BIN)/python -m allegro.dev.messages

requirements: $(INSTALLED) ## Pin anew what pyproject.toml asks for
	@rm -f requirements.txt
	@$(BIN)/pip-compile --quiet --no-header --generate-hashes --strip-extras --allow-unsafe --no-emit-options \
		--no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
		--extra allegro --extra alerts --extra telemetry --extra api --extra dev --output-file requirements.new pyproject.toml
	@{ echo "# Every package and its exact version, from pyproject.toml; remade by: make requirements"; \
		cat requirements.new; } > requirements.txt
	@rm requirements.new

$(INSTALLED): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed; '$(PYTHON)' is not that. Name another one: make PYTHON=python3.12 dev"; \
		exit 1; }
	@[ -x $(BIN)/pip ] || $(PYTHON) -m venv .venv || { \
		rm -rf .venv; \
		echo "Python's venv module is needed; on Debian: apt-get install python3-venv"; \
		exit 1; }
	@echo "Installing the packages of requirements.txt into .venv …"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --requirement requirements.txt
	@touch $@

.env: | .env.example
	@umask 077; key=$$($(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(48))'); \
		sed "s/^SECRET_KEY=$$/SECRET_KEY=$$key/" .env.example > $@
	@echo "Made .env from .env.example."
