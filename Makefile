# The few commands a contributor needs.
.PHONY: build test lint fuzz bench pages deps ci

build:                 ## the command, into ./l2m
	go build -o l2m ./cmd/l2m

test:                  ## what the README's test command runs
	go test ./...

lint:                  ## formatting, vet, staticcheck
	@test -z "$$(gofmt -l .)" || { gofmt -d .; exit 1; }
	go vet ./...
	go tool staticcheck ./...

fuzz:                  ## every fuzz target for 30 s each
	@go list ./... | while read pkg; do \
	  go test -list '^Fuzz' $$pkg | grep '^Fuzz' | while read f; do \
	    echo "== $$pkg $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime 30s $$pkg || exit 1; \
	  done; \
	done

bench:                 ## every Go benchmark once
	go test -run '^$$' -bench . -benchtime 1x ./...

pages:                 ## the pages in a browser; skips where there is no Chromium
	cd browser && go test

deps:                  ## modules with a later version, or deprecated ones
	@scripts/deps.sh

ci:                    ## everything CI runs
	./.ci/run
