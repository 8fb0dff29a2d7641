package spec

import "net/netip"

// NATGateway translates what a network sends to the outside, by ranges, and what comes from there, by ports. A public address of a port goes before it, and it
// goes before the network's own SNAT.
type NATGateway struct {
	UID     string     `json:"uid"`
	Network string     `json:"network"`
	Uplink  string     `json:"uplink"`
	Address netip.Addr `json:"address,omitzero"` // what its sources are seen as; zero: it has none
	// Sources are ranges of the network that reach out through Address.
	Sources []netip.Prefix `json:"sources,omitempty"`
	// Forwards lead in. Of those of an address, one for a port goes before one for all.
	Forwards []Forward `json:"forwards,omitempty"`
	Mbps     int       `json:"mbps,omitempty"` // each way, of all its addresses together; 0: no limit
}

// Forward leads what is for a public address, or for one of its ports, to a private address.
type Forward struct {
	Protocol    string     `json:"protocol,omitempty"` // tcp or udp; empty: everything, without ports
	Address     netip.Addr `json:"address"`
	Port        int        `json:"port,omitempty"`
	Private     netip.Addr `json:"private"`
	PrivatePort int        `json:"private_port,omitempty"`
}
