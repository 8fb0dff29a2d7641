// Package ovn is the network engine on an OVN northbound database.
//
//	Uplink         logical switch with a localnet port
//	Network        logical router; on an uplink: a gateway port bound to the gateway hosts (an HA chassis group), and a default route
//	Subnet         logical switch, router leg, DHCP options, SNAT rule, static routes in a table of the leg's own
//	NetworkACL     port group of the switches' ports to the router, with stateless ACLs; policies of the router, rows of the subnet
//	Port           logical switch port named by its UID (what iface-id finds), member of its groups' port groups, QoS rules
//	SecurityGroup  port group with allow-related ACLs
//	Bandwidth      address set of its members' public addresses; QoS rules that match it on each of their uplinks' switches
//	PublicIP       dnat_and_snat rule on the router, handled on the gateway host; QoS rules on the uplink's switch
//
// Every row carries in external_ids who owns it (kind and UID), its role there and its parent; the owner's main row carries the whole spec and a digest.
// So the database alone is the engine's memory: List reads it, an Ensure whose digest is there already writes nothing, and a change is the difference
// between the rows that are and the rows that should be, in one OVSDB transaction. The engine keeps a copy of those external_ids only (an OVSDB monitor
// with indexes), so a call costs the same beside ten ports or ten thousand.
//
// What does not live here: hosts' own Open vSwitch (agent), balancers (engine/balancer), addresses' choice (cloud/network).
package ovn
