# librsipc. `make help` lists the targets.

CARGO ?= cargo
PREFIX ?= /usr/local
DESTDIR ?=
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man

BUILD := $(or $(CARGO_TARGET_DIR),target)/release
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
DATE := $(shell sed -n 's/^date = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
MANIFEST = $(PREFIX)/share/rsipc/manifest

# One after the other: together they would have the features of their dependencies together, too.
define build
$(CARGO) build --release
$(CARGO) build --release --package rsipc-cli
$(CARGO) build --release --package rsipc-watch
endef

# What the scripts and the tests are told.
export CARGO
export RSIPC_LIBDIR = $(abspath $(BUILD))

.PHONY: all
all: ## the library, the archive, the command and what watches a run, in target/release/
	$(build)

.PHONY: say-what-is-built
say-what-is-built:
	@[ -e "$(BUILD)/rsipc" ] || echo "The library and its command are built first. That takes some minutes; cargo tells how far it is."

.PHONY: demo
demo: say-what-is-built all ## programs that were never meant for librsipc, on glibc and on librsipc, side by side
	@demo/run

.PHONY: test
test: all check-header check-symbols ## all tests; needs nothing but Rust and a C compiler
	tests/support/count $(CARGO) test --workspace --no-fail-fast

.PHONY: test-clients
test-clients: all ## real programs, which it installs: stress-ng, packages of Python, Java, Perl, PHP, fakeroot, Apache, PostgreSQL, Chromium
	tests/clients/run

.PHONY: test-places
test-places: all ## on Debian's releases from 11 on, each in a chroot that it makes; needs root
	tests/places/run

.PHONY: test-strace
test-strace: all ## what the kernel is asked for; needs strace
	$(CARGO) test --test strace -- --ignored

.PHONY: test-eintr
test-eintr: all ## a thousand waits of each kind, each interrupted around a whole second
	$(CARGO) test --test eintr -- --ignored --test-threads=2

.PHONY: test-poor-kernel
test-poor-kernel: all ## the checks of semantics where the kernel refuses newer calls
	$(CARGO) test --test poor_kernel -- --ignored

.PHONY: check-arm64
check-arm64: ## compiles for aarch64; installs what it needs
	tests/arm64/run --check

.PHONY: test-arm64
test-arm64: ## the checks of semantics on aarch64, under qemu-user; FILTER is a part of their names; installs what it needs
	tests/arm64/run $(FILTER)

.PHONY: test-arm64-short
test-arm64-short: ## some of them
	RSIPC_ARM64_SHORT=1 tests/arm64/run

.PHONY: model
model: ## model-checks the words in shared memory, with a bounded number of preemptions
	RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=target/loom CARGO_PROFILE_RELEASE_LTO=off \
		$(CARGO) test --package rsipc-core --lib --release

.PHONY: storm
storm: all ## kills processes at random moments for SECONDS (default 60)
	RSIPC_STORM_SECONDS=$(or $(SECONDS),60) $(CARGO) test --test 'storm*' -- --nocapture

.PHONY: fuzz
fuzz: ## opens arbitrary files as queues for SECONDS (default 60); needs a C++ compiler
	fuzz/run $(or $(SECONDS),60)

.PHONY: memcheck
memcheck: all ## the C programs under valgrind, and some with AddressSanitizer
	tests/memcheck/asan
	tests/memcheck/run

.PHONY: bench
bench: all ## side by side with glibc, in one run
	benches/run
	benches/instructions/run

.PHONY: report
report: all ## docs/benchmarks.md, with plots; needs Python, and gets matplotlib and iceoryx2
	benches/report/run

.PHONY: instructions
instructions: all ## the length of each fast path, which must not grow
	benches/instructions/run

.PHONY: lint
lint: ## format, clippy and the documentation
	$(CARGO) fmt --all --check
	RSIPC_WARNINGS_ARE_ERRORS=1 $(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps

.PHONY: msrv
msrv: ## builds with the oldest Rust that is promised
	.ci/msrv

.PHONY: deny
deny: ## licences and sources of all crates; needs cargo-deny, which it installs
	command -v cargo-deny >/dev/null || $(CARGO) install --locked cargo-deny
	$(CARGO) deny check bans licenses sources

.PHONY: header
header: ## writes include/rsipc.h anew
	cp "$$(dist/header)" include/rsipc.h

.PHONY: check-header
check-header: ## include/rsipc.h is what the sources say
	@generated=$$(dist/header) || exit 1; \
	diff -u include/rsipc.h "$$generated" \
		|| { echo "include/rsipc.h is stale; mend it with: make header" >&2; exit 1; }; \
	echo "header: include/rsipc.h is up to date"

.PHONY: check-symbols
check-symbols: all ## the libraries export what dist/symbols and dist/symbols-watch list, nothing more, nothing less
	@dist/check-symbols $(BUILD)/librsipc.so dist/symbols
	@dist/check-symbols $(BUILD)/librsipc_watch.so dist/symbols-watch

.PHONY: check-drift
check-drift: ## a structure or constant that only C or only Rust changes is noticed: each is tried in a copy
	tests/abi/drift

.PHONY: lint-manual
lint-manual: all ## the manual pages, by man (man-db) and mandoc
	@BUILD="$(BUILD)" dist/lint-manual

# Does not build what is built: under sudo there may be no cargo.
BUILT = $(BUILD)/librsipc.so $(BUILD)/librsipc.a $(BUILD)/librsipc_watch.so $(BUILD)/rsipc
INSTALLATION = DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)" LIBDIR="$(LIBDIR)" INCLUDEDIR="$(INCLUDEDIR)" \
	BINDIR="$(BINDIR)" MANDIR="$(MANDIR)" MANIFEST="$(MANIFEST)" BUILD="$(BUILD)" VERSION="$(VERSION)"

.PHONY: install
install: $(BUILT) ## what `make` has built, under DESTDIR and PREFIX (/usr/local)
	@$(INSTALLATION) dist/install

$(BUILT):
	$(build)

.PHONY: uninstall
uninstall: ## removes what `make install` has put there
	@$(INSTALLATION) dist/uninstall

.PHONY: deb
deb: all ## Debian packages of what was built, in target/deb/
	@BUILD="$(BUILD)" VERSION="$(VERSION)" DATE="$(DATE)" OUT="$(abspath $(BUILD)/../deb)" dist/deb

.PHONY: test-deb
test-deb: deb ## installs the packages in a fresh Debian, uses and purges them; needs root
	tests/packages/run "$(abspath $(BUILD)/../deb)"

.PHONY: dist
dist: ## the sources of the last commit with all crates, in target/dist/
	@VERSION="$(VERSION)" DATE="$(DATE)" OUT="$(abspath $(BUILD)/../dist)" dist/archive

.PHONY: test-dist
test-dist: dist ## builds from that archive without a network; needs root
	tests/packages/offline "$(abspath $(BUILD)/../dist)/librsipc-$(VERSION).tar.gz"

.PHONY: stamp
stamp: ## puts version and date of Cargo.toml into the manual pages
	@VERSION="$(VERSION)" DATE="$(DATE)" dist/stamp

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
