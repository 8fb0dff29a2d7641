// Package wiregen writes the Go types of everything that travels, one small package per contract file, because schema names repeat across files with other
// meanings (api/bec/NOTES.md, 13). It runs in `go generate` and in the drift test only.
//
// A schema that requests use becomes tolerant (package scalar, pointers for what is optional, so that absent and zero differ); one that answers use is exact.
// A schema that both use becomes two types: X for answers and XInput for requests.
//
// Whether an absent field of an answer is left out, null or a zero value is the dialect's habit: see rules.go.
package wiregen
