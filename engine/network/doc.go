// Package network makes the private networks of one site: routers, switches with DHCP, ports, security groups and public addresses.
//
// One network engine serves a whole site (an OVN northbound database); the agent that holds the site role calls it. On the hosts, a machine's NIC finds its
// port by the port's UID (Open vSwitch's external_ids:iface-id), so nothing else has to be told to a host.
//
// What does not live here: which address a port gets (cloud/network), machines' NICs (engine/hypervisor).
package network
