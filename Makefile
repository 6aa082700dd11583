# What a person does here; `make help` lists it. CI runs the same verbs (.ci/run).

LIB    := target/release/libusertrap.so
PREFIX ?= /usr/local
CFLAGS ?= -O2 -g -Wall -Wextra
DOCDIR  = $(DESTDIR)$(PREFIX)/share/doc/usertrap

.DEFAULT_GOAL := build

build: deps-build ## the library: target/release/libusertrap.so (the default)
	cargo build --release --lib

# With no APP: a program that every Debian has, its own output dropped.
run: build ## run APP="program arguments" under the library, with a count of its calls
ifeq ($(strip $(APP)),)
	@echo 'ls -lR /usr/share/doc, its own output dropped (yours: make run APP="program arguments"):'
	@LD_PRELOAD=$(abspath $(LIB)) USERTRAP_TOOL=stat ls -lR /usr/share/doc >/dev/null
else
	@LD_PRELOAD=$(abspath $(LIB)) USERTRAP_TOOL=stat $(APP)
endif

test: deps build ## everything below
	@scripts/verbs test-unit test-object test-c test-programs

test-unit: deps-build ## unit tests and integration tests of the crate
	cargo test --features std

test-object: build ## what the linked object imports, exports and contains
	scripts/check-object $(LIB)

test-c: build c-tests ## one behaviour a C program, natively and under the library
	c-tests/run

test-programs: deps build ## real programs, natively and under the library
	programs/run

lint: deps-build ## formatting, clippy, rustdoc, shellcheck, warnings of C files
	cargo fmt --check
	cargo clippy --all-targets --features std -- -D warnings
	cargo clippy --lib --examples -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --no-deps
	scripts/lint-sources

bench: build ## getpid loops and path lengths, compared with the native ones and with the aims
	cargo build --release --examples
	$(MAKE) -C bench --no-print-directory CFLAGS='$(CFLAGS)'
	bench/run

bench-exec: build ## starts of programs and a build, compared with native ones and with the aims
	$(MAKE) -C bench --no-print-directory CFLAGS='$(CFLAGS)'
	bench/exec

audit: build ## a tracer's list of all calls of real trees: none may come from elsewhere than the gate
	audit/run --least 1000000

deps: ## what building and testing needs, from Debian (installed if we are root)
	@scripts/deps build test

deps-build:
	@scripts/deps build

install: build ## the library, header and documents to PREFIX (/usr/local)
	install -D -m 755 $(LIB) $(DESTDIR)$(PREFIX)/lib/libusertrap.so
	for header in $(wildcard include/*.h); do install -D -m 644 $$header -t $(DESTDIR)$(PREFIX)/include || exit; done
	install -d $(DOCDIR)
	install -m 644 $(wildcard README.md CHANGELOG.md LICENSE-* docs/*.md) $(DOCDIR)

clean: ## remove all that was built
	cargo clean
	rm -rf build

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(firstword $(MAKEFILE_LIST)) | while IFS='|' read -r verb text; do printf '  make %-14s %s\n' "$$verb" "$$text"; done

include c-tests/rules.mk

.PHONY: build run test test-unit test-object test-c test-programs lint bench bench-exec audit deps deps-build install clean help
