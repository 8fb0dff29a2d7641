// Package compile turns the OpenAPI documents of package api into the compact index that package contract embeds. It runs in `go generate` and in tests only.
//
// It reads the YAML itself instead of through kin-openapi: members must keep the order of the document (for generated types and reference pages), numbers their
// spelling (4 is not 4.0), and what kin-openapi refuses in an example must not stop a schema from loading. The tests load every file with kin-openapi
// as well and compare the operations.
package compile
