// Package spool keeps rounds of samples on a host's disk until the centre has taken them: in their order, over a crash of the agent, and within a bound, past
// which the oldest go.
//
// Rounds are appended to the open segment, a file of lines. A full one is sealed: packed, and read again only when its turn to be sent comes. Nothing is
// flushed to the disk's platter: a power cut may lose the last moments, which is what it does to the samples that were not taken meanwhile too.
//
// What does not live here: when samples are taken and sent (agent), what is in them (link/spec).
package spool
