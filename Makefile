# The commands a newcomer needs. Everything else is plain cargo.

CARGO ?= cargo
# What `make demo` hands on: `make demo ARGS=--once`.
ARGS ?=

.PHONY: help setup build demo test

help:
	@echo "make setup            install what compiling plugins needs, if it is missing"
	@echo "make build            the gateway with its plugins: target/release/tollgate"
	@echo "make demo             build, then run the gateway in front of three small services"
	@echo "make demo ARGS=--once build, try the demo's requests, exit 0 if all answers are right"
	@echo "make test             all tests: gateway, SDK, plugins, end to end"

setup:
	@scripts/setup-wasm

build: setup
	@echo "Building the gateway; its plugins come first (a minute or two, the first time)."
	$(CARGO) build --release --package tollgate

demo: build
	target/release/tollgate demo $(ARGS)

# The end-to-end tests run the gateway that the same cargo builds for them. Without the variable they
# would ask cargo for one again, and with other features of its dependencies cargo would compile
# those twice.
test: setup
	TOLLGATE_BIN=$(or $(CARGO_TARGET_DIR),$(CURDIR)/target)/debug/tollgate $(CARGO) test --workspace
