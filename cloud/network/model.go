package network

import (
	"net/netip"

	"github.com/uptrace/bun"

	"edgecloud/cloud/place"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// Kind of a network or subnet.
type Kind string

// The kinds. A default network is made once per account and site, when an instance is made there without naming one; its subnets too.
const (
	Custom  Kind = "custom"
	Default Kind = "default"
)

// Network is a private network (VPC): of one site, or spanning sites. Where it is, it has a Router.
type Network struct {
	bun.BaseModel `bun:"table:networks,alias:net"`

	UID         string     `bun:"uid,pk"`
	Slug        string     `bun:"slug"`
	Account     string     `bun:"account"`
	Site        string     `bun:"site"` // empty: it spans sites
	Name        string     `bun:"name"`
	Description string     `bun:"description"`
	CIDR        string     `bun:"cidr"` // as the caller wrote it: it may have host bits
	Kind        Kind       `bun:"kind"`
	Managed     bool       `bun:"managed"` // the cloud makes its subnets where instances are placed; callers make none
	Tags        Tags       `bun:"tags"`
	ACLName     string     `bun:"acl_name"` // of its standard ACL; empty: StandardACLName
	Revision    int64      `bun:"revision"` // taken by whoever changes what hangs on it, so that they go one after the other
	Created     store.Time `bun:"created"`

	Subnets int      `bun:"-"` // how many it has, in windowed lists and details
	Sites   []string `bun:"-"` // UIDs, in lists and details: where it has a router, the first one first
}

// Prefix gives the parsed CIDR.
func (n *Network) Prefix() netip.Prefix { return netip.MustParsePrefix(n.CIDR).Masked() }

// Subnet is a range of a network.
type Subnet struct {
	bun.BaseModel `bun:"table:subnets,alias:subnet"`

	UID          string     `bun:"uid,pk"`
	Slug         string     `bun:"slug"`
	Account      string     `bun:"account"`
	Network      string     `bun:"network"`
	Site         string     `bun:"site"`
	Name         string     `bun:"name"`
	Description  string     `bun:"description"`
	CIDR         string     `bun:"cidr"` // as the caller wrote it: it may have host bits
	Gateway      string     `bun:"gateway"`
	DHCP         bool       `bun:"dhcp"`
	DNS          string     `bun:"dns"`           // addresses joined by commas
	PrimaryDNS   string     `bun:"primary_dns"`   // one of them that guests are to ask first; empty: the first
	SecondaryDNS string     `bun:"secondary_dns"` // the next one; empty: the second
	Prefix6      string     `bun:"prefix6"`       // its range of IPv6, which is the cloud's own choice; empty: it has none
	Kind         Kind       `bun:"kind"`
	Cursor       int64      `bun:"cursor"` // offset where the search for a free address starts
	Tags         Tags       `bun:"tags"`
	Wanted       int64      `bun:"wanted"` // generation of its spec
	Seen         int64      `bun:"seen"`   // generation that the site has reported on
	Phase        spec.Phase `bun:"phase"`
	Error        string     `bun:"error"`
	Created      store.Time `bun:"created"`
}

// Prefix gives the parsed CIDR.
func (s *Subnet) Prefix() netip.Prefix { return netip.MustParsePrefix(s.CIDR).Masked() }

// PortKind says what has a port's address.
type PortKind string

// The kinds of ports.
const (
	NIC      PortKind = "nic"      // of an instance
	Virtual  PortKind = "virtual"  // a virtual IP: an address that moves between NICs
	Gateway  PortKind = "gateway"  // a subnet's leg on its router: there for the address, it has no spec
	Balanced PortKind = "balancer" // of a load balancer
	Further  PortKind = "further"  // holds one more address of a NIC, so that no other port gets it; it has no spec, and nobody sees it
)

// Pair is an address that a port may use besides its own.
type Pair struct {
	Address string `json:"a"`           // address or CIDR, as the caller wrote it
	MAC     string `json:"m,omitempty"` // empty: the port's own
}

// Pairs is a column of pairs.
type Pairs = store.JSON[[]Pair]

// Port is an address on a subnet.
type Port struct {
	bun.BaseModel `bun:"table:ports,alias:port"`

	UID      string     `bun:"uid,pk"`
	Slug     string     `bun:"slug"`
	Account  string     `bun:"account"`
	Network  string     `bun:"network"`
	Subnet   string     `bun:"subnet"`
	Site     string     `bun:"site"`
	Instance string     `bun:"instance"` // empty while it is on none
	Position int        `bun:"position"` // among its instance's ports
	Kind     PortKind   `bun:"kind"`
	Name     string     `bun:"name"`
	MAC      string     `bun:"mac"`
	Address  string     `bun:"address"`
	Address6 string     `bun:"address6"` // its IPv6 address; empty: it has none
	Pairs    Pairs      `bun:"allowed_pairs"`
	Doomed   bool       `bun:"doomed"` // a deleted virtual IP, or an address that a NIC has lost, whose site has not confirmed yet: nobody sees it, its address is not free
	Wanted   int64      `bun:"wanted"` // generation of its spec
	Seen     int64      `bun:"seen"`   // generation that the site has reported on
	Phase    spec.Phase `bun:"phase"`
	Error    string     `bun:"error"`
	Created  store.Time `bun:"created"`

	Description string               `bun:"description"`
	Elastic     Hold                 `bun:"elastic"`
	Further     store.JSON[[]string] `bun:"further"`  // a NIC's addresses besides the first; each is held by a port of the kind
	Yielding    bool                 `bun:"yielding"` // ports of the kind further are doomed until its site has confirmed that it lost their addresses
	Of          string               `bun:"nic"`      // of the kind further: the NIC whose address it is; of the kind balancer: the balancer that it was made with
}

// Hold tells whether a NIC that was made by itself, and outlives the instances it is on, is on one. Other ports have none.
type Hold string

// The holds.
const (
	Loose     Hold = "loose"     // on no instance
	Attaching Hold = "attaching" // its instance's host and site have not confirmed yet
	Attached  Hold = "attached"
	Detaching Hold = "detaching" // it is on the instance until host and site have let go of it
)

// SecurityGroup is a stateful set of allow rules.
type SecurityGroup struct {
	bun.BaseModel `bun:"table:security_groups,alias:sg"`

	UID         string     `bun:"uid,pk"`
	Slug        string     `bun:"slug"`
	Account     string     `bun:"account"`
	Name        string     `bun:"name"`
	Description string     `bun:"description"`
	Standard    bool       `bun:"standard"` // the account's default group
	Tags        Tags       `bun:"tags"`
	Revision    int64      `bun:"revision"`
	Created     store.Time `bun:"created"`

	Rules []*Rule `bun:"-"`
}

// Rule is one rule of a security group.
type Rule struct {
	bun.BaseModel `bun:"table:security_rules,alias:rule"`

	UID         string         `bun:"uid,pk"`
	Slug        string         `bun:"slug"`
	Group       string         `bun:"grp"`
	Direction   spec.Direction `bun:"direction"`
	Ethertype   string         `bun:"ethertype"` // IPv4 or IPv6
	Protocol    string         `bun:"protocol"`  // tcp, udp, icmp, icmpv6, gre, an IP protocol number, all
	PortMin     int            `bun:"port_min"`  // 0 with PortMax 0: any
	PortMax     int            `bun:"port_max"`
	Deny        bool           `bun:"deny"`
	Priority    int            `bun:"priority"`     // 1 to 100: the lowest number decides; of equal ones a denial does
	Remote      string         `bun:"remote"`       // CIDR; empty: any
	RemoteGroup string         `bun:"remote_group"` // UID; empty: none
	Remark      string         `bun:"remark"`
	Spelled     Spelled        `bun:"spelled"` // how the caller wrote it: some clients compare letters
	Created     store.Time     `bun:"created"`
	Updated     store.Time     `bun:"updated"`
}

// Spelling is how a caller wrote a rule; empty where it said nothing, or its dialect does not care.
type Spelling struct {
	Direction string `json:"d,omitempty"`
	Ethertype string `json:"e,omitempty"`
	Protocol  string `json:"p,omitempty"`
	Remote    string `json:"r,omitempty"`
}

// Spelled is a column of a spelling.
type Spelled = store.JSON[Spelling]

// PortGroup says that a port is in a security group.
type PortGroup struct {
	bun.BaseModel `bun:"table:port_groups,alias:pg"`

	Port     string `bun:"port,pk"`
	Group    string `bun:"grp,pk"`
	Position int    `bun:"position"`
}

// Member says that a NIC may have a virtual IP.
type Member struct {
	bun.BaseModel `bun:"table:virtual_ip_members,alias:vm"`

	VIP      string `bun:"vip,pk"`
	Port     string `bun:"port,pk"`
	Position int    `bun:"position"` // in the order of binding one after the other; 0: bound all at once
}

// PublicIP is a public address of an account.
type PublicIP struct {
	bun.BaseModel `bun:"table:public_ips,alias:pip"`

	UID      string        `bun:"uid,pk"`
	Slug     string        `bun:"slug"`
	Account  string        `bun:"account"`
	Site     string        `bun:"site"`
	Line     string        `bun:"line"`
	Uplink   string        `bun:"uplink"` // the line that its network's router is on: lines of a site share one provider network
	Carrier  place.Carrier `bun:"carrier"`
	Address  string        `bun:"address"`
	IPv6     bool          `bun:"ipv6"`     // which the address is
	Port     string        `bun:"port"`     // empty while it is bound to none
	Instance string        `bun:"instance"` // that it was made with and goes with; empty if it stands alone
	Name     string        `bun:"name"`
	Tags     Tags          `bun:"tags"`
	// State is where an address that stands alone is in its life; one that goes with an instance is as that is, and has none.
	State     IPState    `bun:"state"`
	Mbps      int64      `bun:"mbps"`      // its own limit, each way; not in force while it is in a bandwidth
	Bandwidth string     `bun:"bandwidth"` // UID of the limit that it shares with others; empty: none
	Gateway   string     `bun:"gateway"`   // UID of the NAT gateway that it is bound to; empty: none. Such an address has no port, and its gateway's limit instead of its own
	Outward   bool       `bun:"outward"`   // the gateway's sources are seen as it
	Given     bool       `bun:"given"`     // it was made with the gateway, and goes with it
	Balancer  string     `bun:"balancer"`  // UID of the load balancer that it was made with and goes with; empty: none
	Wanted    int64      `bun:"wanted"`
	Seen      int64      `bun:"seen"`
	Phase     spec.Phase `bun:"phase"`
	Error     string     `bun:"error"`
	Created   store.Time `bun:"created"`
}

// IPState is where a public address that stands alone is in its life.
type IPState string

// The states of a public address.
const (
	IPCreating   IPState = "creating" // its site has not yet made the line ready
	IPFree       IPState = "free"     // resting: bound to nothing
	IPBinding    IPState = "binding"
	IPBound      IPState = "bound"       // resting
	IPUnbinding  IPState = "unbinding"   // its NAT gateway's site has not yet let go of it
	IPBindFailed IPState = "bind-failed" // resting: its site could not bind it, or did not in time
	IPFailed     IPState = "failed"      // resting: its site did not make the line ready in time
)

// Bandwidth is a limit that public addresses of a line share.
type Bandwidth struct {
	bun.BaseModel `bun:"table:bandwidths,alias:bw"`

	UID     string        `bun:"uid,pk"`
	Slug    string        `bun:"slug"`
	Account string        `bun:"account"`
	Site    string        `bun:"site"`
	Line    string        `bun:"line"`
	Type    BandwidthType `bun:"type"`
	Name    string        `bun:"name"`
	Mbps    int64         `bun:"mbps"` // each way, of all its addresses together
	Tags    Tags          `bun:"tags"`
	Kept    bool          `bun:"kept"` // stays without addresses: somebody made or changed it on purpose
	Created store.Time    `bun:"created"`
	Updated store.Time    `bun:"updated"`

	Addresses []*PublicIP `bun:"-"` // in lists and details
}

// BandwidthType says who shares a bandwidth.
type BandwidthType string

// The types.
const (
	Share BandwidthType = "share" // made by itself with the first address of a line that asks for it; all further ones of the line join it
	Group BandwidthType = "group" // made by name; addresses are put into it
)

// Tag is a key and value that a tenant hangs on a resource.
type Tag struct {
	Key   string `json:"k"`
	Value string `json:"v"`
}

// Tags is a column of tags.
type Tags = store.JSON[[]Tag]

// TagsOf makes the column value.
func TagsOf(tags []Tag) Tags { return Tags{V: tags} }

type groupSite struct {
	bun.BaseModel `bun:"table:security_group_sites,alias:gs"`

	Group string `bun:"grp,pk"`
	Site  string `bun:"site,pk"`
}

type lineAddress struct {
	bun.BaseModel `bun:"table:line_addresses,alias:la"`

	Line    string `bun:"line,pk"`
	Address string `bun:"address,pk"`
	Holder  string `bun:"holder"` // UID of the public address, or of the network whose router has it
}
