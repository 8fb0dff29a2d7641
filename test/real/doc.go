// Package real proves the cloud on real engines: two hosts of test/host in one site, the centre and both agents in the test's process, and guests that
// boot, talk and are reached from outside.
//
// What does not live here: the cloud under virtual time (controlplane), the engines' own conformance (engine/*/...test), figures of simulated engines (bench).
package real
