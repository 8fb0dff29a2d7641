// Package contract is what the program knows about the APIs that it answers: which operations exist, how a request finds its operation, what a request and
// an answer must look like, and which of it is built.
//
// The source is package api. `go generate ./contract` compiles it into index/<dialect>.zip, which is embedded here: parsing four megabytes of YAML takes
// seconds, the compiled routing table of a dialect is ready in about a millisecond. Schemas are decoded on the first use of a file, documentation when a
// reference page asks for it.
//
// Routing is our own segment trie. The routers at hand (chi, the standard mux) choose by method and path only; here one method and path is shared by
// operations that a bare query flag (?start), a member of the body, or an Action header tells apart, and literals must beat parameters with a way back.
//
// Validation is strict in what is answered and tolerant in what is taken (api/bec/NOTES.md, 14), and names the field. It says nothing about what exists or who
// may do it: that is the cloud's.
//
// What does not live here: handlers, signatures, error envelopes (package dialect/...), and any rule that needs the database.
package contract

//go:generate go run ./generate
