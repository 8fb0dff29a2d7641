// Package balancer is the engine of load balancers: it takes connections at an address of a site's network and leads them to members.
//
// Here are the interface and what makes a spec invalid; balancertest has the conformance suite, haproxy the real engine, and engine/sim the simulated one. What a
// tenant may ask for lives in cloud/balancer; the address itself is a port of engine/network.
package balancer
