// Command bench measures what the project promises about speed and size, and prints a table of figure, goal and ratio. `make bench` runs it.
//
// A whole simulated cloud runs in a process of its own on a SQLite file with synchronous=FULL; requests go through real HTTP on loopback and carry BCE
// signatures. The clients share the processors with the cloud, so that the rates are below what a cloud alone on the machine would reach. Processor time is told
// apart for the cloud and for the clients, since rates follow what else the machine does and processor time does much less.
//
// What does not live here: benchmarks of single functions (they are beside their packages), checks that a function is right.
package main
