# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The front door. Everything made goes under .venv/ and build/; tools/run keeps the tools' homes and caches there too.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

FLEET ?= lab/fleets/mixed.yml
INVENTORY ?=
HOST ?=
RESULTS ?=
FILES ?=
FILE ?=
GOOD ?=
RECORD ?=
REBOOT_MINUTES ?= 5
ACCOUNT ?=
GPO_HOST ?=
ARGS ?=
RUNS ?=
KEY ?=
MUTANTS ?= 0
NEWEST_CORE ?= 2.21.5
NEWEST_PYTHONS ?= 3.14 3.13 3.12

# The real PowerShell of the tests (docs/development.md); empty where there is none.
ENGINE = TETRA_PWSH="$${TETRA_PWSH:-$$(tools/unpack-engine 2>/dev/null || true)}"

# Kerberos for Python is compiled; without headers the set that users install cannot be looked at.
KERBEROS_RUNTIME := $(if $(shell tools/can-build-kerberos),build/venvs/runtime/.stamp)

comma := ,
space := $(subst ,, )
RUN := tools/run
RUN_INSTALLED := tools/run --collections build/collections
LAB := python -m ansible_collections.fleetops.tetra.lab

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -e 's/:.*## /\t/' | expand -t 22

# ---- setting up ------------------------------------------------------------------------------------------------------

.venv/.stamp: requirements/dev.lock tools/make-venv
	@echo "Setting up .venv (once; needs the network)"
	@$(RUN) tools/make-venv .venv "$$(tools/find-python)" requirements/dev.lock

build/venvs/%/.stamp: requirements/%.lock tools/make-venv
	@echo "Setting up build/venvs/$* (once; needs the network)"
	@$(RUN) tools/make-venv build/venvs/$* "$$(tools/find-python)" requirements/$*.lock

build/dependencies/.stamp: .venv/.stamp requirements/ansible-windows.txt tools/get_ansible_windows.py
	@echo "Fetching the collection ansible.windows into build/dependencies (once; needs the network)"
	@$(RUN) python tools/get_ansible_windows.py requirements/ansible-windows.txt build/dependencies

.PHONY: dev-link
dev-link:
	@mkdir -p build/dev/ansible_collections/fleetops
	@ln -sfn "$(CURDIR)" build/dev/ansible_collections/fleetops/tetra

.PHONY: setup
setup: .venv/.stamp dev-link ## the virtual environment that demo and lab need

.PHONY: setup-test
setup-test: setup build/dependencies/.stamp build/venvs/lint/.stamp build/venvs/pytest-ansible/.stamp ## all environments that the tests need

# ---- using -----------------------------------------------------------------------------------------------------------

.PHONY: collection
collection: setup ## build the galaxy tarball (build/dist) and install it under build/collections
	@$(RUN_INSTALLED) python tools/build_collection.py

.PHONY: demo
demo: collection ## audit a simulated fleet, or your own endpoints: make demo INVENTORY=hosts.yml
	@rm -rf build/demo
ifeq ($(INVENTORY),)
	@$(RUN_INSTALLED) $(LAB) run --fleet $(FLEET) --work-dir build/lab -- \
	    ansible-playbook -i {inventory} fleetops.tetra.compliance \
	    -e tetra_results_dir="$(CURDIR)/build" -e tetra_run_id=demo $(ARGS)
	@$(RUN_INSTALLED) $(LAB) compare --fleet $(FLEET) --results build/demo
else
	@$(RUN_INSTALLED) ansible-playbook -i "$(INVENTORY)" fleetops.tetra.compliance \
	    -e tetra_results_dir="$(CURDIR)/build" -e tetra_run_id=demo $(ARGS)
endif
	@echo "Report: $(CURDIR)/build/demo/report/index.html"

.PHONY: demo-remediation
demo-remediation: collection ## repair a simulated fleet of 200 endpoints: report before, waves, report after
	@rm -rf build/demo-remediation build/backups
	@$(RUN_INSTALLED) $(LAB) run --fleet lab/fleets/remediation.yml --work-dir build/lab-remediation -- \
	    ansible-playbook -i {inventory} --forks 25 fleetops.tetra.remediation \
	    -e tetra_results_dir="$(CURDIR)/build" -e tetra_run_id=demo-remediation -e tetra_deadline=30 $(ARGS) \
	    || test $$? -eq 2
	@$(RUN_INSTALLED) $(LAB) compare --fleet lab/fleets/remediation.yml --results build/demo-remediation
	@echo "Report before: $(CURDIR)/build/demo-remediation/before/report/index.html"
	@echo "Report after:  $(CURDIR)/build/demo-remediation/after/report/index.html"

.PHONY: lab
lab: setup ## keep a simulated fleet running and write its inventory: make lab FLEET=lab/fleets/mixed.yml
	@$(RUN) $(LAB) serve --fleet $(FLEET) --work-dir build/lab $(ARGS)

.PHONY: rehearse
rehearse: collection ## see what a remediation would do, on endpoints simulated from an audit: make rehearse RESULTS=run-folder
	@test -n "$(RESULTS)" || { echo "Say which results: make rehearse RESULTS=folder of a run" >&2; exit 2; }
	@$(RUN_INSTALLED) $(LAB) rehearse --results "$(RESULTS)" --out build/rehearsal --reboot-minutes "$(REBOOT_MINUTES)" \
	    $(if $(ACCOUNT),--account "$(ACCOUNT)") $(if $(GPO_HOST),--gpo-host "$(GPO_HOST)") -- $(ARGS)

.PHONY: record
record: setup ## record the product's own questions to a real endpoint: make record HOST=name INVENTORY=hosts.yml
	@test -n "$(HOST)" || { echo "Say which host of the inventory: make record HOST=name INVENTORY=hosts.yml" >&2; exit 2; }
	@test -n "$(INVENTORY)" || { echo "Say which inventory names the host: make record HOST=$(HOST) INVENTORY=hosts.yml" >&2; exit 2; }
	@$(RUN) ansible-playbook -i "$(INVENTORY)" --limit "$(HOST)" tests/record/record.yml \
	    -e record_dir="$(CURDIR)/build/recorded" $(ARGS)

.PHONY: capture
capture: setup ## why an update failed, from a packet capture: make capture FILE=x.pcapng GOOD=y.pcapng RECORD=hosts/pc.json
	@test -n "$(FILE)" || { echo "Say which capture: make capture FILE=x.pcapng" >&2; exit 2; }
	@$(RUN) python tools/capture.py "$(FILE)" $(if $(GOOD),--good "$(GOOD)") $(if $(RECORD),--record "$(RECORD)") $(ARGS)

.PHONY: prove-captures
prove-captures: setup ## 100,000 mutated captures: no traceback, no hang, bounded memory; a few minutes
	@TETRA_MUTATIONS=100000 $(RUN) python -m pytest tests/unit/module_utils/capture/test_mutated.py $(ARGS)

.PHONY: history
history: setup ## add run folders to the store of all runs and make its page: make history RUNS="build/demo"
	@test -n "$(RUNS)" || { echo 'Say which run folders: make history RUNS="build/demo build/other"' >&2; exit 2; }
	@$(RUN) ansible-playbook fleetops.tetra.history -e tetra_history_store="$(CURDIR)/build/history.sqlite" \
	    -e tetra_history_page="$(CURDIR)/build/history.html" \
	    -e '{"tetra_history_add": [$(subst $(space),$(comma),$(foreach run,$(RUNS),"$(abspath $(run))"))]}' $(ARGS)

.PHONY: learn
learn: setup ## turn observation files into data of the project: make learn FILES="folder or files"
	@test -n "$(FILES)" || { echo 'Say which: make learn FILES="folder or files"' >&2; exit 2; }
	@$(RUN) python tools/learn_observations.py $(FILES)

.PHONY: how-sure
how-sure: setup ## write the page "How sure are we" from behaviours and observations
	@$(RUN) python tools/how_sure.py

.PHONY: bench
bench: setup ## benchmarks: ratios measured in one run
	@missed=0; for script in tests/benchmarks/bench_*.py; do \
	    echo "== $$script"; $(RUN) python "$$script" $(ARGS) || missed=1; \
	done; exit $$missed

# ---- testing ---------------------------------------------------------------------------------------------------------

.PHONY: test
test: setup-test ## every gate and every test, then a summary
	@$(ENGINE) $(RUN) python tools/gates.py $(ARGS)

.PHONY: pytest
pytest: setup build/dependencies/.stamp ## unit, property and integration tests
	@$(ENGINE) $(RUN) python -m pytest -n 2 --dist loadfile $(ARGS)

.PHONY: unit
unit: setup ## unit and property tests only
	@$(RUN) python -m pytest -n 2 --dist loadfile tests/unit $(ARGS)

.PHONY: integration
integration: setup build/dependencies/.stamp ## playbooks against the lab only
	@$(RUN) python -m pytest tests/integration $(ARGS)

.PHONY: prove-rollout
prove-rollout: setup ## a night of 10,000 endpoints on a virtual clock: hours, CPU and memory of the controller; minutes
	@$(RUN) python tests/benchmarks/bench_rollout.py 10000 1

.PHONY: prove-kill
prove-kill: setup build/dependencies/.stamp ## SIGKILL at 50 random instants of a remediation (make test takes six); ten minutes
	@TETRA_KILLS=50 $(RUN) python -m pytest tests/integration/test_remediation_killed.py $(ARGS)

.PHONY: test-engine
test-engine: setup build/dependencies/.stamp ## everything that is held to a real PowerShell, and its counts (make test: a short form)
	@$(ENGINE) TETRA_REQUIRE_ENGINE=1 TETRA_ENGINE_LONG=1 $(RUN) python -m pytest -q -n 2 --dist load tests/engine $(ARGS)

.PHONY: test-domain
test-domain: setup ## what is held to a real Active Directory (Samba; root): make test runs it too, where it can
	@TETRA_REQUIRE_DOMAIN=1 $(RUN) python -m pytest -q -n 0 tests/domain $(ARGS)

.PHONY: prove-verdict
prove-verdict: setup ## 20,000 states against the independent model, 12,000 real handshakes, a million damaged documents; an hour
	@TETRA_MODEL_STATES=20000 TETRA_DAMAGED=1000000 TETRA_HANDSHAKE_STATES=3000 TETRA_REMEMBERED=4000 TETRA_PAIRS=100000 \
	    $(RUN) python -m pytest -q -s -n 0 tests/unit/module_utils/verdict/test_independent_model.py \
	    tests/unit/module_utils/verdict/test_handshake_oracle.py tests/unit/module_utils/verdict/test_remembering.py \
	    tests/unit/module_utils/verdict/test_less_information.py $(ARGS)

.PHONY: prove-less-information
prove-less-information: setup ## 100,000 pairs: taking information away turns yes or no into unknown, and nothing else
	@TETRA_PAIRS=100000 $(RUN) python -m pytest -q -s -n 0 tests/unit/module_utils/verdict/test_less_information.py $(ARGS)

.PHONY: prove-faults
prove-faults: setup build/dependencies/.stamp ## audit 1,000 endpoints of which 300 fail in 23 ways (make test takes 100); five minutes
	@TETRA_FAULT_ENDPOINTS=1000 $(RUN) python -m pytest tests/integration/test_bulk_fault_fleet.py $(ARGS)

.PHONY: mutation
mutation: setup ## change the judgement in one place at a time: does a test notice? half an hour; MUTANTS=60 tries a sample
	@mkdir -p build/mutation
	@$(RUN) python tools/mutate.py --sample "$(MUTANTS)" $(ARGS) | tee build/mutation/score.txt; exit $${PIPESTATUS[0]}

.PHONY: ruff
ruff: setup ## ruff, check and format
	@$(RUN) ruff check .
	@$(RUN) ruff format --check --quiet .

.PHONY: mypy
mypy: setup ## mypy --strict over plugins and lab
	@$(RUN) mypy build/dev/ansible_collections/fleetops/tetra/plugins build/dev/ansible_collections/fleetops/tetra/lab

.PHONY: mirror
mirror: setup
	@$(RUN) python tools/mirror.py build/src/ansible_collections/fleetops/tetra

.PHONY: lint
lint: build/venvs/lint/.stamp mirror ## ansible-lint, profile production
	@cd build/src/ansible_collections/fleetops/tetra && \
	    $(CURDIR)/tools/run --venv $(CURDIR)/build/venvs/lint --collections $(CURDIR)/build/src \
	    ansible-lint --offline --profile production --strict

.PHONY: sanity
sanity: mirror ## ansible-test sanity without docker and without ignores
	@$(RUN) --collections build/src python tools/sanity.py build/src/ansible_collections/fleetops/tetra $(ARGS)

.PHONY: importer
importer: build/venvs/lint/.stamp collection ## galaxy-importer, as Galaxy runs it on upload
	@GALAXY_IMPORTER_CONFIG=$(CURDIR)/tools/galaxy-importer.cfg $(RUN) --venv build/venvs/lint --collections build/collections \
	    python tools/import_check.py build/dist

.PHONY: docs-lint
docs-lint: build/venvs/lint/.stamp mirror ## antsibull-docs over all documentation, antsibull-changelog over the changelog
	@cd build/src/ansible_collections/fleetops/tetra && \
	    $(CURDIR)/tools/run --venv $(CURDIR)/build/venvs/lint --collections $(CURDIR)/build/src \
	    antsibull-docs lint-collection-docs --plugin-docs --skip-rstcheck --validate-collection-refs=all . && \
	    $(CURDIR)/tools/run --venv $(CURDIR)/build/venvs/lint antsibull-changelog lint

.PHONY: pytest-ansible
pytest-ansible: build/venvs/pytest-ansible/.stamp dev-link ## endpoint modules, roles and playbooks on the lab, by pytest-ansible
	@$(RUN) --venv build/venvs/pytest-ansible python -m pytest -c tests/pytest_ansible/pytest.ini tests/pytest_ansible

.PHONY: test-matrix
test-matrix: test ## the tests on the newest ansible-core too, where a newer Python is present
	@tools/test-matrix "$(NEWEST_CORE)" $(NEWEST_PYTHONS)

# ---- housekeeping ----------------------------------------------------------------------------------------------------

.PHONY: lock
lock: build/venvs/supply/.stamp ## renew requirements/*.lock, with hashes (needs the network; ARGS=--upgrade takes newer versions)
	@$(RUN) --venv build/venvs/supply tools/lock $(ARGS)

.PHONY: sbom
sbom: collection build/venvs/runtime/.stamp build/venvs/supply/.stamp ## the software bill of materials beside the tarball (needs libkrb5-dev)
	@$(RUN) --venv build/venvs/supply python tools/sbom.py build/dist/fleetops-tetra-*.tar.gz build/venvs/runtime \
	    build/dist/fleetops-tetra.cdx.json

.PHONY: sign
sign: collection ## sign the tarball for "ansible-galaxy collection verify": make sign KEY=release@example.org
	@test -n "$(KEY)" || { echo "Say which OpenPGP key: make sign KEY=name or fingerprint" >&2; exit 2; }
	@tools/sign-collection build/dist/fleetops-tetra-*.tar.gz "$(KEY)"

.PHONY: licences
licences: setup-test build/venvs/supply/.stamp $(KERBEROS_RUNTIME) ## the licence of every package, against what goes with the collection's own
	@$(RUN) --venv build/venvs/supply python tools/licences.py $(if $(KERBEROS_RUNTIME),--product build/venvs/runtime) \
	    --tools .venv build/venvs/lint build/venvs/pytest-ansible build/venvs/supply

.PHONY: prove-ee
prove-ee: collection build/dependencies/.stamp build/venvs/supply/.stamp ## run the execution environment's steps in a clean Debian (root, debootstrap; minutes)
	@$(RUN) --venv build/venvs/supply python tools/prove_ee.py build/dist/fleetops-tetra-*.tar.gz \
	    build/dependencies/ansible_collections/ansible build/ee

.PHONY: changelog
changelog: build/venvs/lint/.stamp mirror ## write CHANGELOG.rst and CHANGELOG.md for the version in galaxy.yml
	@$(RUN) --venv build/venvs/lint --collections build/src \
	    python tools/changelog.py build/src/ansible_collections/fleetops/tetra

.PHONY: clean
clean: ## remove everything made, the environments too
	rm -rf build .venv
