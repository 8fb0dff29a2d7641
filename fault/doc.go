// Package fault says what went wrong, in words that no dialect owns.
//
// A fault has a kind (what the caller can do about it), a public sentence, the request field and the resource it is about, and an internal cause that is
// logged and never shown. Every dialect maps kinds to its own codes and statuses in one table, exhaustively over Kinds. Any other error that reaches a door
// is treated as Internal: the caller gets a request ID and nothing else.
//
// This package imports nothing of the project and everybody may import it.
package fault
