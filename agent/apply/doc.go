// Package apply makes one spec true on the engines, or takes away what a tombstone names: one file a kind. Everything can be repeated, after any crash.
//
// What does not live here: when and in which order (agent), what was wanted (agent/ledger).
package apply
