package network

import (
	"github.com/uptrace/bun"

	"edgecloud/link/spec"
	"edgecloud/store"
)

// NATGatewayKind is the kind of NAT gateways in work rows and audit records.
const NATGatewayKind = "nat_gateway"

// NATGateway translates what ranges of a network send to the outside (SNAT), and leads in what comes to its public addresses (DNAT). Those are public addresses
// that stand alone and are bound to it.
type NATGateway struct {
	bun.BaseModel `bun:"table:nat_gateways,alias:nat"`

	UID         string     `bun:"uid,pk"`
	Slug        string     `bun:"slug"`
	Account     string     `bun:"account"`
	Network     string     `bun:"network"`
	Site        string     `bun:"site"`
	Uplink      string     `bun:"uplink"` // the line that its network's router is on
	Name        string     `bun:"name"`
	Description string     `bun:"description"`
	Size        NATSize    `bun:"size"`
	Mbps        int64      `bun:"mbps"` // each way, of all its addresses together; 0: no limit
	Tags        Tags       `bun:"tags"`
	State       NATState   `bun:"state"`
	Wanted      int64      `bun:"wanted"`
	Seen        int64      `bun:"seen"`
	Phase       spec.Phase `bun:"phase"`
	Error       string     `bun:"error"`
	Created     store.Time `bun:"created"`
}

// NATSize is what a gateway was sold as. BEC gives the sizes no numbers, so that they make no difference.
type NATSize string

// The sizes.
const (
	NATSmall  NATSize = "small"
	NATMiddle NATSize = "mid"
	NATLarge  NATSize = "large"
)

// NATState is where a gateway is in its life.
type NATState string

// The states of a gateway.
const (
	NATStarting NATState = "starting" // its site has not yet made it
	NATActive   NATState = "active"   // resting
	NATChanging NATState = "changing" // it works, and its site has not yet carried a change out
	NATDown     NATState = "down"     // resting: its site could not do what is wanted, or did not in time
	NATDeleting NATState = "deleting" // its site has not yet confirmed that nothing answers to its addresses
)

// Usable tells whether the gateway does what its rules say.
func (g *NATGateway) Usable() bool { return g.State == NATActive || g.State == NATChanging }

func (g *NATGateway) settled() bool { return g.Seen >= g.Wanted && g.Phase == spec.Applied }

// NATGatewayDetail is a gateway with what people want to see beside it.
type NATGatewayDetail struct {
	NATGateway `bun:",extend"`

	NetworkSlug string      `bun:"network_slug,scanonly"`
	Addresses   []*PublicIP `bun:"-"` // the outward one first
}

// Outward is the address that its sources are seen as; nil if it has none.
func (d *NATGatewayDetail) Outward() *PublicIP {
	if len(d.Addresses) > 0 && d.Addresses[0].Outward {
		return d.Addresses[0]
	}
	return nil
}

// Inward are its other addresses.
func (d *NATGatewayDetail) Inward() []*PublicIP {
	if d.Outward() == nil {
		return d.Addresses
	}
	return d.Addresses[1:]
}

// SNATRule lets a range of the network out through its gateway.
type SNATRule struct {
	bun.BaseModel `bun:"table:snat_rules,alias:snat"`

	UID     string     `bun:"uid,pk"`
	Slug    string     `bun:"slug"`
	Gateway string     `bun:"gateway"`
	Name    string     `bun:"name"`
	Source  string     `bun:"source"` // CIDR without host bits
	Created store.Time `bun:"created"`
}

// DNATRule leads what comes to a public address of its gateway, or to one of its ports, to a private address.
type DNATRule struct {
	bun.BaseModel `bun:"table:dnat_rules,alias:dnat"`

	UID         string     `bun:"uid,pk"`
	Slug        string     `bun:"slug"`
	Gateway     string     `bun:"gateway"`
	Name        string     `bun:"name"`
	PublicIP    string     `bun:"public_ip"` // UID
	Protocol    string     `bun:"protocol"`  // tcp or udp; empty: everything, without ports
	Port        int        `bun:"port"`
	Private     string     `bun:"private"`
	PrivatePort int        `bun:"private_port"`
	Created     store.Time `bun:"created"`
}
