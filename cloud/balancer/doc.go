// Package balancer spreads what comes to an address over instances.
//
// A balancer has listeners, and groups of members; what a listener hears goes to a group. An ordinary balancer (BLB) has one standard group, whose members serve all its
// listeners on each one's backend port, under each one's health check. An application balancer (AppBLB) has groups by name. Its private address is a port of its
// subnet, and its public addresses lead to that port; so a site is told of the port, the addresses and the balancer, and a balancer is as wanted once all are.
//
// Members are ports of instances, and in groups of addresses whatever has the address. A port that goes leaves its balancers: network.WatchPort.
//
// What is of application balancers alone (groups, their protocols and checks, policies) is in the files app_*.go. How connections are led lives in engine/balancer.
package balancer
