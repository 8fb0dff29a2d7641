// Package engine is the folder of what does the real work on hosts and sites: one package a noun, with a small interface, a conformance suite that every
// implementation passes, and one folder an implementation. The simulated world (sim) stands behind all of them.
//
// Engines know specs and nothing of the cloud: no accounts, no life cycles, no database. The agent calls them.
package engine
