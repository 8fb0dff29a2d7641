// Package network is the tenants' private networks: networks and their subnets, ports with addresses, security groups, public addresses,
// NAT gateways.
//
// Addresses are given out in the transaction that makes what they are for, by the database's unique indexes; nothing is checked by reading first alone. What
// the rows say is written into the site's specs in the same transaction (spec.go); reports come back through observe.go. A public address and a router's
// address are free again only when the site has confirmed that nothing answers to them any more.
//
// What does not live here: the machines behind ports (compute), how a network is made (engine/network).
package network
