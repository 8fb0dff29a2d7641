// Package onebox makes a whole cloud on one machine: the centre, sites with their lines, hosts with their agents, images and flavors, and an operator with a
// key. `edgecloud up` runs it, and tests start it in their own process.
//
// The hosts are either a simulated world (sim.go) or this machine itself (real.go). Either way their agents are the same code as on a host far away, and talk
// to the centre over the link.
package onebox
