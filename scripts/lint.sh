#!/bin/bash
# Checks format and code with pinned tools, which are built once into .cache/tools.
set -euo pipefail
cd "$(dirname "$0")/.."

STATICCHECK=v0.8.2
GOLANGCI=v2.15.0
tools=$PWD/.cache/tools
mkdir -p "$tools"

tool() { # name package version
  [ -x "$tools/$1-$3" ] && return
  echo "lint: building $1 $3"
  GOFLAGS=-mod=mod GOBIN=$tools CGO_ENABLED=0 go install "$2@$3"
  mv "$tools/$1" "$tools/$1-$3"
}

unformatted=$(git ls-files -z -- '*.go' | xargs -0 -r gofmt -l)
if [ -n "$unformatted" ]; then
  echo "lint: not gofmt'd:" >&2
  echo "$unformatted" >&2
  exit 1
fi
go vet ./...
tool staticcheck honnef.co/go/tools/cmd/staticcheck $STATICCHECK
"$tools/staticcheck-$STATICCHECK" ./...
tool golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint $GOLANGCI
"$tools/golangci-lint-$GOLANGCI" run --timeout 10m ./...
