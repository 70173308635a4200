# Commands of the project. Users of the collection need none of them: see README.md.
# Everything that is installed or made goes below .build/, but for the Debian packages that prepare-machine names.

SHELL := /bin/bash
.DELETE_ON_ERROR:

in_environment := . .build/environment &&

.PHONY: help demo test lint unit molecule mutations clean-clone format docs lock clean

help: ## Show the commands
	@sed -n 's/^\([a-z -]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

demo: .build/environment ## Build a lab of containers, apply the port matrix to it, prove every row with packets
	@$(in_environment) extensions/lab/demo/run

test: .build/environment ## Run everything that CI runs
	@$(in_environment) tests/run-checks

lint unit molecule: .build/environment ## Run one part of the tests
	@$(in_environment) tests/run-checks $@

# One after the other, on a lab of their own: about a quarter of an hour.
mutations: .build/environment ## Take each protection of a change out, and see its test fail
	@$(in_environment) molecule destroy --scenario-name faults && molecule create --scenario-name faults && \
	{ python tests/faults/mutations.py .build/lab/molecule-faults; status=$$?; \
	molecule destroy --scenario-name faults; exit $$status; }

clean-clone: .build/environment ## Clone into a fresh Debian 12 and 13, and run there what a container allows
	@$(in_environment) tests/checks/clean-clone

format docs: .build/environment ## Format the code; write the generated tables
	@$(in_environment) ruff format . && python docs/generate_tables.py

.build/environment: tests/prepare-machine requirements-dev.lock
	@tests/prepare-machine $@

# One file for all Pythons, with the hashes of everything that is installed.
lock: .build/environment ## Pin what requirements-dev.txt asks for in requirements-dev.lock
	@$(in_environment) uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --custom-compile-command "make lock" --output-file requirements-dev.lock requirements-dev.txt

clean: ## Remove what the other commands made in the checkout
	rm -rf .build .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage
