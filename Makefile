# What a person does here; `make help` lists it. CI runs the same verbs (.ci/run).

LIB     := target/release/libusertrap.so
COMMAND := target/release/usertrap
PREFIX  ?= /usr/local
CFLAGS  ?= -O2 -g -Wall -Wextra

# Where `make install` puts things.
ROOT     = $(DESTDIR)$(PREFIX)
OBJECT   = $(ROOT)/lib/usertrap/libusertrap.so
DOCDIR   = $(ROOT)/share/doc/usertrap
MAN      = $(ROOT)/share/man/man1/usertrap
PC       = $(ROOT)/lib/pkgconfig/usertrap.pc
VERSION  = $(shell sed -n 's/^version = "\(.*\)"/\1/p;T;q' Cargo.toml)
BASH     = $(ROOT)/share/bash-completion/completions/usertrap
ZSH      = $(ROOT)/share/zsh/site-functions/_usertrap
FISH     = $(ROOT)/share/fish/vendor_completions.d/usertrap.fish
EXAMPLES = $(basename $(notdir $(wildcard examples/*.rs c-tests/hooks/*.rs)))
# gdb loads it by itself where it looks for such scripts (PREFIX=/usr).
GDB      = $(ROOT)/share/gdb/auto-load$(PREFIX)/lib/usertrap/libusertrap.so-gdb.py
HEADERS  = $(wildcard include/*.h)
CRATE    = $(ROOT)/share/usertrap/hook

.DEFAULT_GOAL := build

# Two builds: in one, the library's dependencies would get any feature that the command wants of them.
build: deps-build ## the library and the command, in target/release (the default)
	cargo build --release --lib
	cargo build --release -p usertrap-command

# With no APP: a program that every Debian has, its own output dropped.
run: build ## run APP="program arguments" under the library, with a count of its calls
ifeq ($(strip $(APP)),)
	@echo 'ls -lR /usr/share/doc, its own output dropped (yours: make run APP="program arguments"):'
	@LD_PRELOAD=$(abspath $(LIB)) USERTRAP_TOOL=stat ls -lR /usr/share/doc >/dev/null
else
	@LD_PRELOAD=$(abspath $(LIB)) USERTRAP_TOOL=stat $(APP)
endif

test: deps build ## everything below
	@scripts/verbs test-unit test-command test-object test-c test-compare test-audit test-programs test-package

test-unit: deps-build ## unit tests and integration tests of the crate
	cargo test --features std
	cargo test -p usertrap-hook

test-command: deps-build ## the command: its parsing, and what it executes
	cargo test -p usertrap-command

test-object: build ## what the linked object imports, exports and contains
	scripts/check-object $(LIB)

examples: build c-examples compat ## hooks: objects of their own, and libraries in Rust and C
	cargo build --release -p usertrap-hook --examples
	for example in $(EXAMPLES); do \
	    cargo rustc --release --example $$example -- $(addprefix -C link-arg=,$(shell grep '^-' link-options)) || exit; \
	done

# Hooks in C: examples/c/NAME.c -> build/examples/NAME.so.
c-examples: $(patsubst examples/c/%.c,build/examples/%.so,$(wildcard examples/c/*.c))

build/examples/%.so: examples/c/%.c include/usertrap.h
	@mkdir -p $(@D)
	$(CC) -std=gnu11 $(CFLAGS) -Iinclude -fPIC -shared -o $@ $<

# What lets hooks that were written for others run.
COMPAT := build/compat/libsyscall_intercept.so.0 build/compat/libzpoline.so

compat: $(COMPAT)

build/compat/libsyscall_intercept.so.0: compat/syscall_intercept.c compat/intercept_log.c compat/forward.c
build/compat/libzpoline.so: compat/zpoline.c compat/forward.c
$(COMPAT): $(wildcard compat/*.h) include/usertrap.h
	@mkdir -p $(@D)
	$(CC) -std=gnu11 $(CFLAGS) -Iinclude -fPIC -fvisibility=hidden -shared -Wl,-soname,$(@F) -o $@ $(filter %.c,$^)

test-c: build examples c-tests ## one behaviour a C program, natively and under the library
	c-tests/run

# Some of `make compare`.
COMPARED := exits_and_statuses exec_bad_flags exec_relative_to_directory exec_scripts mask_in_place altstack_readback ls
test-compare: build c-tests ## a few programs: the same calls as natively, by strace; what is planted is found
	python3 audit/test_judge.py
	audit/compare $(COMPARED)

test-audit: build ## a tracer's list of all calls of a few trees, with and without an arm (a few seconds)
	audit/run hidden perl
	audit/run --arm vetted hidden perl python

test-programs: deps build ## real programs, natively and under the library
	programs/run

coverage: deps build ## a table: of what real programs execute, how many sites and calls the rewriter covers
	programs/run --coverage

lint: deps-build ## formatting, clippy, rustdoc, shellcheck, warnings of C files
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --features std -- -D warnings
	cargo clippy --lib --examples -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --no-deps
	RUSTDOCFLAGS='-D warnings' cargo doc --no-deps -p usertrap-hook
	scripts/lint-sources
	bench/table --check

bench: build examples ## all aims of speed and memory beside what is measured (ROUNDS=1: short; JSON=FILE, SVG=DIR, PARTS=...)
	$(MAKE) -C bench --no-print-directory CFLAGS='$(CFLAGS)'
	bench/run $(if $(ROUNDS),--rounds '$(ROUNDS)') $(if $(PARTS),--parts '$(PARTS)') $(if $(JSON),--json '$(JSON)') $(if $(SVG),--svg '$(SVG)')

bench-docs: build examples ## the same, and docs/bench, and what README.md and docs/speed.md say of it, anew
	$(MAKE) -C bench --no-print-directory CFLAGS='$(CFLAGS)'
	bench/run $(if $(ROUNDS),--rounds '$(ROUNDS)') --json docs/bench/results.json --svg docs/bench --docs

bench-exec: build ## starts of programs and a build, compared with native ones and with the aims
	$(MAKE) -C bench --no-print-directory CFLAGS='$(CFLAGS)'
	bench/exec

bench-tools: build ## what stat and trace cost beside strace: calls, Redis, a build
	$(MAKE) -C bench --no-print-directory CFLAGS='$(CFLAGS)'
	bench/tools

soak: build ## long runs of servers and builds beside native ones: the same answers, flat memory (SECONDS=3600 of CPU time)
	$(MAKE) -C bench --no-print-directory CFLAGS='$(CFLAGS)'
	bench/soak $(if $(SECONDS),--seconds '$(SECONDS)')

audit: build ## a tracer's list of all calls of real trees: none may come from elsewhere than the gate
	audit/run --least 1000000

compare: build c-tests ## every c-test and real program: the same calls as natively, by strace (half an hour and more)
	audit/compare

deps: ## what building and testing needs, from Debian (installed if we are root)
	@scripts/deps build test

deps-build:
	@scripts/deps build

install: build compat ## command, library, man pages, completions, header, crate for hooks, documents to PREFIX (/usr/local)
	install -D -m 755 $(COMMAND) $(ROOT)/bin/usertrap
	install -D -m 755 $(LIB) $(OBJECT)
	ln -sf usertrap/libusertrap.so $(ROOT)/lib/libusertrap.so
	install -D -m 644 $(COMPAT) -t $(ROOT)/lib/usertrap/compat
	install -D -m 644 compat/include/*.h -t $(ROOT)/include/usertrap-compat
	install -D -m 644 gdb/usertrap-gdb.py $(ROOT)/share/usertrap/usertrap-gdb.py
	install -d $(dir $(GDB))
	ln -sf $(PREFIX)/share/usertrap/usertrap-gdb.py $(GDB)
	install -d $(dir $(MAN) $(BASH) $(ZSH) $(FISH) $(PC)) $(DOCDIR)
	$(COMMAND) generate man >$(MAN).1
	for verb in $$($(COMMAND) generate verbs); do $(COMMAND) generate man $$verb >$(MAN)-$$verb.1 || exit; done
	$(COMMAND) generate bash >$(BASH)
	$(COMMAND) generate zsh >$(ZSH)
	$(COMMAND) generate fish >$(FISH)
	for header in $(HEADERS); do install -D -m 644 $$header -t $(ROOT)/include || exit; done
	sed 's|@PREFIX@|$(PREFIX)|;s|@VERSION@|$(VERSION)|' scripts/usertrap.pc.in >$(PC)
	install -D -m 644 hook/src/*.rs -t $(CRATE)/src
	install -D -m 644 hook/examples/*.rs -t $(CRATE)/examples
	scripts/manifest >$(CRATE)/Cargo.toml
	# What README.md leads to lies beside it, but for the source of the core.
	sed '/^\[`.*`\]: src\//d' README.md >$(DOCDIR)/README.md
	install -m 644 $(wildcard CHANGELOG.md LICENSE-*) $(DOCDIR)
	install -D -m 644 docs/*.md -t $(DOCDIR)/docs
	install -D -m 644 docs/bench/*.svg -t $(DOCDIR)/docs/bench
	install -D -m 644 examples/c/*.c -t $(DOCDIR)/examples/c
	install -d $(DOCDIR)/include
	ln -sf ../../../../include/usertrap.h $(DOCDIR)/include/usertrap.h
	ln -sfn ../../usertrap/hook $(DOCDIR)/hook

uninstall: ## remove what `make install` with the same PREFIX has put there
	rm -f $(ROOT)/bin/usertrap $(OBJECT) $(ROOT)/lib/libusertrap.so $(MAN).1 $(MAN)-*.1 $(BASH) $(ZSH) $(FISH) $(PC)
	rm -f $(addprefix $(ROOT)/,$(HEADERS))
	rm -rf $(ROOT)/lib/usertrap/compat $(ROOT)/include/usertrap-compat
	rm -f $(GDB) $(ROOT)/share/usertrap/usertrap-gdb.py
	rm -rf $(DOCDIR) $(CRATE)
	rmdir $(ROOT)/share/usertrap 2>/dev/null || :
	rmdir $(ROOT)/lib/usertrap 2>/dev/null || :

deb: build ## a Debian package, in build/deb (by debhelper; installed by dpkg -i)
	scripts/deps package
	rm -rf build/deb && mkdir -p build/deb
	cp -r debian build/deb/debian
	cd build/deb && debian/rules binary TOP=$(CURDIR) VERSION=$(VERSION)

test-package: build ## make install, the Debian package, and cargo package: all there, usable, and removable
	scripts/check-package

clean: ## remove all that was built
	cargo clean
	rm -rf build

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(firstword $(MAKEFILE_LIST)) | while IFS='|' read -r verb text; do printf '  make %-14s %s\n' "$$verb" "$$text"; done

include c-tests/rules.mk

.PHONY: build examples c-examples compat run test test-unit test-command test-object test-c test-compare test-audit test-programs coverage lint bench bench-docs bench-exec bench-tools soak audit compare deps deps-build deb test-package install uninstall clean help
