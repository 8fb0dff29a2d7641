#!/bin/bash
# Runs every fuzz target for a while: go's own fuzzing takes one target of one package at a time.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-20s}
git grep -l '^func Fuzz' -- '*_test.go' | xargs -r -n1 dirname | sort -u | while read -r dir; do
  for target in $(grep -hoE '^func Fuzz[A-Za-z0-9_]+' "$dir"/*_test.go | cut -d' ' -f2); do
    echo "fuzz: $dir $target"
    go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "./$dir" </dev/null
  done
done
