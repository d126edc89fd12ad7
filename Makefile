# librsipc. `make help` lists the targets.

CARGO ?= cargo

.PHONY: all
all: ## the library and the archive, in target/release/
	$(CARGO) build --release

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
