// Command bench measures what the project promises about speed and size, and prints a table of figure, goal and ratio. `make bench` runs it.
//
// A whole simulated cloud runs in this process on a SQLite file with synchronous=FULL; requests go through real HTTP on loopback and carry BCE signatures.
// The clients share the processors with the cloud, so that the figures are below what a cloud alone on the machine would reach.
//
// What does not live here: benchmarks of single functions (they are beside their packages), checks that a function is right.
package main
