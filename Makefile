# Commands of the project. Users of the collection need none of them: see README.md.
# Everything that is installed or made goes below .build/, but for the Debian packages that prepare-machine names.

SHELL := /bin/bash
.DELETE_ON_ERROR:

in_environment := . .build/environment &&

.PHONY: help demo test lint unit molecule mutations bench clean-clone format docs html lock clean

help: ## Show the commands
	@printf '%s\n' 'Commands of the project. Users of the collection need none of them: they begin with README.md.' ''
	@sed -n 's/^\([a-z][a-z -]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 20 | sed 's/^/  make /'
	@printf '%s\n' '' \
	  'make demo and make test need root on Debian 12 or 13, and install what is missing; all else is made below .build/.' \
	  'One check alone, or several:  . .build/environment && tests/run-checks unit playbooks' \
	  'One Molecule scenario:        . .build/environment && molecule test --scenario-name nftables' \
	  'Variables of make demo:       BACKEND=firewalld, FW_IMAGE=debian12, LOAD=1, ROWS=every (docs/demo.md)'

demo: .build/environment ## Build a lab of containers, apply the port matrix to it, prove every row with packets
	@$(in_environment) extensions/lab/demo/run

test: .build/environment ## Run everything that CI runs
	@$(in_environment) tests/run-checks

lint unit molecule: .build/environment ## Run one part of the tests
	@$(in_environment) tests/run-checks $@

# One after the other, on a lab of their own, each test with its protection and without: about half an hour.
mutations: .build/environment ## Take each protection of a change out, and see its test fail
	@$(in_environment) molecule destroy --scenario-name faults && molecule create --scenario-name faults && \
	{ python tests/faults/mutations.py .build/lab/molecule-faults; status=$$?; \
	molecule destroy --scenario-name faults; exit $$status; }

# PARTS="compile packets" measures only some.
bench: .build/environment ## Measure speed, side by side with what else people would use
	@$(in_environment) requirements/install benchmark .build/bench/venv && \
	PYTHONPATH=$$PYTHONPATH:$$PWD/extensions/bench python -m benchmark $(PARTS)

clean-clone: .build/environment ## Clone into a fresh Debian 12 and 13, and run there what a container allows
	@$(in_environment) tests/checks/clean-clone

format docs: .build/environment ## Format the code; write the generated tables
	@$(in_environment) ruff format . && python docs/generate_tables.py

html: .build/environment ## Make web pages of the guide, plugins and roles in .build/html
	@$(in_environment) tests/run-checks html

.build/environment: tests/prepare-machine requirements/development.lock requirements/build.lock requirements/installer.lock
	@tests/prepare-machine $@

lock: ## Write the locks in requirements/ anew; UPGRADE=1 takes the newest of everything
	@# With any environment that is there: the one that the locks ask for may be what cannot be made.
	@[ -x .build/venv/bin/python ] || $(MAKE) .build/environment
	@UPGRADE=$(UPGRADE) requirements/renew

clean: ## Remove what the other commands made in the checkout
	rm -rf .build .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage
