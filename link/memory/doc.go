// Package memory joins agents and the centre inside one process: for tests, and for simulations under virtual time (testing/synctest).
//
// Net has faults that a test sets: cut hosts, a hook before and after every call. linktest drives them from a seed.
package memory
