# The commands a newcomer needs. Everything else is plain cargo.

CARGO ?= cargo
# What `make demo` and `make bench` hand on: `make demo ARGS=--once`, `make bench ARGS=--quick`,
# `make guard ARGS=--record`.
ARGS ?=

# How long `make fuzz` looks into each target; which ones.
SECONDS ?= 60
TARGETS ?= config routes request answer headers token template graphql record units json bulk

.PHONY: help setup build demo test soak bench guard fuzz

help:
	@echo "make setup            install what compiling plugins needs, if it is missing"
	@echo "make build            the gateway with its plugins: target/release/tollgate"
	@echo "make demo             build, then run the gateway in front of three small services"
	@echo "make demo ARGS=--once build, try the demo's requests, exit 0 if all answers are right"
	@echo "make test             all tests: gateway, SDK, plugins, end to end"
	@echo "make soak             10,000 reloads of one gateway under load, which must leave nothing behind (10 minutes)"
	@echo "make bench            beside nginx, HAProxy, Envoy, Caddy, Express and Apollo Server, which it installs (25 minutes)"
	@echo "make bench ARGS=--quick   the same in 5 minutes, for a look"
	@echo "make fuzz             random input for what reads input, SECONDS=60 for each of TARGETS"
	@echo "make guard            count instructions and allocations for each request; more than recorded fails"
	@echo "make guard ARGS=--record  record what is counted"

setup:
	@scripts/setup-wasm

build: setup
	@echo "Building the gateway; its plugins come first (a minute or two, the first time)."
	$(CARGO) build --release --package tollgate

demo: build
	$(or $(CARGO_TARGET_DIR),target)/release/tollgate demo $(ARGS)

# The end-to-end tests run the gateway that the same cargo builds for them. Without the variable they
# would ask cargo for one again, and with other features of its dependencies cargo would compile
# those twice.
test: setup
	TOLLGATE_BIN=$(or $(CARGO_TARGET_DIR),$(CURDIR)/target)/debug/tollgate $(CARGO) test --workspace

# Not in CI, where two hundred have to do.
soak: setup
	$(CARGO) build --workspace
	TOLLGATE_BIN=$(or $(CARGO_TARGET_DIR),$(CURDIR)/target)/debug/tollgate $(CARGO) test --workspace --test gateway -- \
		--ignored --nocapture ten_thousand_reloads

# Writes bench/results.json and docs/performance.md. ARGS='--only plain' measures one scenario again.
bench: build
	scripts/setup-bench
	$(CARGO) run --release --package tollgate-bench -- --tollgate $(or $(CARGO_TARGET_DIR),target)/release/tollgate $(ARGS)

# The golden files are where the fuzzer starts from for configs. The code is safe Rust: what is looked
# for are panics, hangs and broken promises, which need no sanitizer, and so no nightly compiler.
fuzz: setup
	@cargo fuzz --version >/dev/null 2>&1 || { echo "make fuzz needs cargo-fuzz: cargo install cargo-fuzz"; exit 1; }
	@for target in $(TARGETS); do \
		echo "=== $$target"; \
		mkdir -p fuzz/corpus/$$target; \
		seeds=; if [ $$target = config ]; then seeds=host/tests/config; fi; \
		$(CARGO) fuzz run --sanitizer none $$target fuzz/corpus/$$target $$seeds -- \
			-max_total_time=$(SECONDS) -timeout=5 -rss_limit_mb=2048 || exit 1; \
	done

# Compares with bench/guard.json, or writes it: ARGS=--record.
guard: build
	scripts/setup-guard
	$(CARGO) run --release --package tollgate-bench -- guard --tollgate $(or $(CARGO_TARGET_DIR),target)/release/tollgate $(ARGS)
