# Stemma's work bench. The README tells users about `make demo` and `make test`.
export CGO_ENABLED = 0
GO     ?= go
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
PKGS   ?= ./...

.PHONY: build cross lint check test demo docs bench bench-fs bench-scale bench-content bench-commands microbench soak clean

build: ## bin/stemma, one static program
	@mkdir -p bin
	$(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/stemma ./cmd/stemma

cross: ## it compiles for the other platforms
	GOOS=linux GOARCH=arm64 $(GO) build -trimpath $(PKGS)
	GOOS=darwin GOARCH=arm64 $(GO) vet $(PKGS)

lint: ## gofmt, go vet, staticcheck
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); \
	  test -z "$$unformatted" || { echo "gofmt would change:"; echo "$$unformatted"; exit 1; }
	$(GO) vet $(PKGS)
	$(GO) tool staticcheck $(PKGS)

check: lint ## lint, and the tests that need nothing but Go and git
	env -u CI STEMMA_ORACLES=none $(GO) test -short $(PKGS)

test: ## everything, against the real git-annex, DataLad and Slurm (installs them if root)
	scripts/oracles
	scripts/s3-server >/dev/null
	CI=true scripts/with-slurm $(GO) test -count=1 -timeout 30m $(PKGS)

demo: build ## the guided tour: simulate, train, reschedule
	examples/surrogate/demo.sh $(DIR)

docs: build ## man pages (man/) and the command reference (docs/commands.md)
	bin/stemma docs --man man --reference docs/commands.md

bench: build ## stemma beside git, git-annex, DataLad and Slurm: docs/benchmarks/main-job.md
	$(GO) run ./bench -stemma bin/stemma $(BENCHFLAGS)

bench-fs: build ## the simulated file systems: docs/benchmarks/file-systems.md (as root; about half an hour, 10 GB of disk; BENCHFLAGS=-quick: five minutes)
	$(GO) run ./bench -suite file-systems -stemma bin/stemma $(BENCHFLAGS)

bench-scale: build ## a million files, ten thousand jobs: docs/benchmarks/scale.md (about half an hour, 15 GB of disk; BENCHFLAGS=-quick: five minutes)
	$(GO) run ./bench -suite scale -stemma bin/stemma $(BENCHFLAGS)

bench-content: build ## get, drop, S3, clones and locations: docs/benchmarks/content.md (about a quarter of an hour; BENCHFLAGS=-quick: three minutes)
	$(GO) run ./bench -suite content -stemma bin/stemma $(BENCHFLAGS)

bench-commands: build ## start-up, everyday commands, a thousand subdatasets: docs/benchmarks/commands.md (about ten minutes)
	$(GO) run ./bench -suite commands -stemma bin/stemma $(BENCHFLAGS)

microbench: ## Go benchmarks of every package
	$(GO) test -run '^$$' -bench . -benchmem $(PKGS)

soak: ## the golden comparison, the crash tests (N=200 kills each) and every fuzz target in full
	scripts/oracles
	CI=true STEMMA_GOLDEN=live $(GO) test -count=1 -timeout 60m ./test/golden
	scripts/soak $(or $(N),200)
	scripts/fuzz-all 60s
	scripts/datalad-suite --least 90

clean:
	rm -rf bin
