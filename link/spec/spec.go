package spec

import "net/netip"

// The kinds of specs, in the order in which an agent applies them; it removes in the opposite order.
const (
	KindUplink        = "uplink"         // site: a carrier line's provider network
	KindNetwork       = "network"        // site
	KindNetworkACL    = "network_acl"    // site
	KindSubnet        = "subnet"         // site
	KindSecurityGroup = "security_group" // site
	KindPort          = "port"           // site
	KindVirtualIP     = "virtual_ip"     // site: an address that moves between ports
	KindBandwidth     = "bandwidth"      // site: one limit for several public addresses
	KindPublicIP      = "public_ip"      // site
	KindNATGateway    = "nat_gateway"    // site: translates a network's ranges and ports
	KindBalancer      = "balancer"       // site: spreads connections over ports
	KindImage         = "image"          // host
	KindVolume        = "volume"         // host
	KindSnapshot      = "snapshot"       // host: what volumes held at one moment
	KindInstance      = "instance"       // host
)

// Kinds lists all kinds in the order of application.
func Kinds() []string {
	return []string{KindUplink, KindNetwork, KindNetworkACL, KindSubnet, KindSecurityGroup, KindPort, KindVirtualIP, KindBandwidth, KindPublicIP, KindNATGateway, KindBalancer, KindImage, KindVolume, KindSnapshot, KindInstance}
}

// HostTarget and SiteTarget name whom a spec is addressed to.
func HostTarget(uid string) string { return "host." + uid }

// SiteTarget names a site: the agent that holds the site role carries its specs out.
func SiteTarget(uid string) string { return "site." + uid }

// Power is what an instance should be.
type Power string

// The powers an instance can be wanted in.
const (
	On  Power = "on"
	Off Power = "off"
)

// Instance is a virtual machine on one host.
type Instance struct {
	UID       string   `json:"uid"`
	Name      string   `json:"name"` // for people who look at the host; unique by its slug
	VCPUs     int      `json:"vcpus"`
	MemoryMiB int64    `json:"memory_mib"`
	Power     Power    `json:"power"`
	ForceOff  bool     `json:"force_off,omitempty"` // do not ask the guest to shut down first
	Restart   int64    `json:"restart,omitempty"`   // epoch: restart once per increase
	HardReset bool     `json:"hard_reset,omitempty"`
	Volumes   []string `json:"volumes"` // UIDs; the first is the system disk and boots
	NICs      []NIC    `json:"nics"`
	Guest     Guest    `json:"guest"`
}

// NIC joins an instance to a port of its site's network.
type NIC struct {
	Port      string         `json:"port"`           // UID of the port
	Slot      int            `json:"slot,omitempty"` // its place on the machine's bus, from 0, which it keeps while others come and go
	MAC       string         `json:"mac"`            // lower case, colons
	Addresses []netip.Prefix `json:"addresses,omitempty"`
	Gateway   netip.Addr     `json:"gateway,omitzero"`
	DNS       []netip.Addr   `json:"dns,omitempty"`
	DHCP      bool           `json:"dhcp"`
	MTU       int            `json:"mtu,omitempty"` // bytes; 0 is the network's
}

// Guest is what the inside of an instance learns at boot (cloud-init NoCloud), and by the guest agent while it runs.
type Guest struct {
	Hostname     string   `json:"hostname"`
	SSHKeys      []string `json:"ssh_keys,omitempty"`      // authorized_keys lines
	User         string   `json:"user,omitempty"`          // whose password it is; empty is root
	PasswordHash string   `json:"password_hash,omitempty"` // crypt(3) SHA-512; never plain text
	Password     int64    `json:"password,omitempty"`      // epoch: set once per increase on a running guest
	UserData     []byte   `json:"user_data,omitempty"`     // as the caller gave it, decoded
	Epoch        int64    `json:"epoch,omitempty"`         // first-boot epoch: a new one makes the guest run its first boot again
}

// Volume is a disk on one host.
type Volume struct {
	UID   string `json:"uid"`
	Bytes int64  `json:"bytes"`           // grows, never shrinks
	Image string `json:"image,omitempty"` // UID of the image it starts from; empty is blank
	Epoch int64  `json:"epoch,omitempty"` // a higher epoch throws the content away and starts again from Image (reinstall)
	// Origin is what it starts from instead of Image: what another volume of the same host held at a snapshot.
	Origin Origin `json:"origin,omitzero"`
	// RollBack puts the volume back to a snapshot, once per increase of its epoch. It is absent once the host has done it.
	RollBack RollBack `json:"roll_back,omitzero"`
}

// Origin is what a volume held when a snapshot of it was taken.
type Origin struct {
	Volume   string `json:"volume"`   // UID
	Snapshot string `json:"snapshot"` // UID
}

// RollBack is a wish to have what a volume held at a snapshot.
type RollBack struct {
	Epoch    int64  `json:"epoch"`
	Snapshot string `json:"snapshot"` // UID
}

// Snapshot is what volumes of one host hold, taken once, at one moment. It lives inside them and goes with them: one that is gone is left out of the list.
type Snapshot struct {
	UID     string   `json:"uid"`
	Volumes []string `json:"volumes"` // UIDs
}

// Image is a read-only disk that volumes of a host start from.
type Image struct {
	UID    string `json:"uid"`
	Name   string `json:"name"`
	URL    string `json:"url"`    // http(s) or file; the agent fetches it
	SHA256 string `json:"sha256"` // hex, of the file as fetched
	Format string `json:"format"` // qcow2 or raw
	Bytes  int64  `json:"bytes"`  // of the file
	// Volume is the UID of a volume of the same host that the image is made of, once, as it is then; no running machine has it. URL, SHA256, Format and Bytes are
	// empty: ImageFacts tells what came of it.
	Volume string `json:"volume,omitempty"`
	// Snapshot is the UID of a snapshot of Volume that the image is made of, instead of what the volume holds; machines may run.
	Snapshot string `json:"snapshot,omitempty"`
}

// Uplink is one carrier line of a site: the provider network that public addresses live on.
type Uplink struct {
	UID             string       `json:"uid"`
	PhysicalNetwork string       `json:"physical_network"` // OVN's bridge mapping, such as physnet1
	VLAN            int          `json:"vlan,omitempty"`
	Prefix          netip.Prefix `json:"prefix"`
	Gateway         netip.Addr   `json:"gateway,omitzero"`
	// Prefix6 is the line's IPv6 range, of 64 bits: routers make their own address of it by their MAC (EUI64). Zero: the line has no IPv6.
	Prefix6  netip.Prefix `json:"prefix6,omitzero"`
	Gateway6 netip.Addr   `json:"gateway6,omitzero"`
}

// Network is a tenant's private network: one router at its site.
type Network struct {
	UID     string     `json:"uid"`
	Uplink  string     `json:"uplink,omitempty"` // UID; empty: no way out
	Address netip.Addr `json:"address,omitzero"` // the router's own address on the uplink
	SNAT    bool       `json:"snat,omitempty"`   // subnets reach out through Address
	MTU     int        `json:"mtu,omitempty"`    // bytes; 0 is the engine's default
}

// Subnet is a range of a network: one switch with DHCP.
type Subnet struct {
	UID        string       `json:"uid"`
	Network    string       `json:"network"`
	Prefix     netip.Prefix `json:"prefix"`
	Gateway    netip.Addr   `json:"gateway"`
	GatewayMAC string       `json:"gateway_mac,omitempty"` // of the router's leg; empty: the engine's choice
	DNS        []netip.Addr `json:"dns,omitempty"`
	DHCP       bool         `json:"dhcp"`
	// Prefix6 is a second range, of IPv6 and 64 bits, beside one of IPv4: the router announces it, and ports make their address of it by their MAC (EUI64). Zero: none.
	Prefix6  netip.Prefix `json:"prefix6,omitzero"`
	Gateway6 netip.Addr   `json:"gateway6,omitzero"`
	// NoGateway leaves the switch without a router leg.
	NoGateway bool `json:"no_gateway,omitempty"`
	// ACL is the UID of the network ACL that guards the border to the router; empty: all may cross it. What stays inside the subnet is never asked.
	ACL string `json:"acl,omitempty"`
	// Routes lead what leaves the subnet another way than out of its network. The longest destination wins, the network's own subnets among them.
	Routes []Route `json:"routes,omitempty"`
}

// Route sends what goes to a destination to an address on one of the network's subnets.
type Route struct {
	Destination netip.Prefix `json:"destination"`
	NextHop     netip.Addr   `json:"next_hop"`
}

// NetworkACL guards subnets: two lists of rules, for what comes in from the router and what goes out to it. In each the first rule that matches decides, and
// what none matches is dropped. It is stateless: answers need a rule of their own. Neighbour discovery always passes.
type NetworkACL struct {
	UID     string    `json:"uid"`
	Ingress []ACLRule `json:"ingress"`
	Egress  []ACLRule `json:"egress"`
}

// Action is what a network ACL's rule does with what it matches.
type Action string

// The actions. Reject tells the sender (a TCP reset or an ICMP message); Deny is silent.
const (
	Allow  Action = "allow"
	Deny   Action = "deny"
	Reject Action = "reject"
)

// ACLRule matches packets by all its fields. Empty ones match any.
type ACLRule struct {
	UID              string       `json:"uid"`
	Action           Action       `json:"action"`
	IPv6             bool         `json:"ipv6,omitempty"`
	Protocol         string       `json:"protocol,omitempty"` // tcp, udp, icmp, icmpv6, or an IP protocol number; empty: any
	Source           netip.Prefix `json:"source,omitzero"`
	Destination      netip.Prefix `json:"destination,omitzero"`
	SourcePorts      PortRange    `json:"source_ports,omitzero"` // of tcp and udp
	DestinationPorts PortRange    `json:"destination_ports,omitzero"`
}

// PortRange is a range of TCP or UDP ports, both ends included. Zero is any.
type PortRange struct {
	Min int `json:"min"`
	Max int `json:"max"`
}

// Port is an address on a subnet.
type Port struct {
	UID            string       `json:"uid"`
	Network        string       `json:"network"`
	Subnet         string       `json:"subnet"`
	MAC            string       `json:"mac"`
	Addresses      []netip.Addr `json:"addresses"`
	SecurityGroups []string     `json:"security_groups"`         // UIDs; traffic that no group allows is dropped
	AllowedPairs   []Pair       `json:"allowed_pairs,omitempty"` // what it may send from, and be sent, besides its own
	Unfiltered     bool         `json:"unfiltered,omitempty"`    // no port security, no groups
	Disabled       bool         `json:"disabled,omitempty"`
	EgressMbps     int          `json:"egress_mbps,omitempty"`  // 0: no limit
	IngressMbps    int          `json:"ingress_mbps,omitempty"` // 0: no limit
}

// Pair is a range of addresses that a port may use. A length of 0 is every address of that IP version.
type Pair struct {
	MAC    string       `json:"mac,omitempty"` // lower case, colons; empty: the port's own
	Prefix netip.Prefix `json:"prefix"`
}

// VirtualIP is an address of a subnet that moves between ports: whichever of them last announced it by ARP has it. A port that is not there yet cannot take it, and
// neither can one whose AllowedPairs lack the address.
type VirtualIP struct {
	UID     string     `json:"uid"`
	Network string     `json:"network"`
	Subnet  string     `json:"subnet"`
	MAC     string     `json:"mac"` // nobody has it: the address is answered for with the MAC of the port that has it
	Address netip.Addr `json:"address"`
	Ports   []string   `json:"ports"` // UIDs
}

// SecurityGroup is a stateful set of rules, applied to every port that lists it. What no rule of a port's groups allows is dropped.
type SecurityGroup struct {
	UID     string `json:"uid"`
	Network string `json:"network,omitempty"`
	Rules   []Rule `json:"rules"`
}

// Direction of a rule, seen from the port.
type Direction string

// The two directions.
const (
	Ingress Direction = "ingress"
	Egress  Direction = "egress"
)

// Rule allows or denies traffic. Empty fields match any. Of all rules of a port's groups that match, the one with the lowest priority number decides, and of
// equal ones a denial.
type Rule struct {
	UID         string       `json:"uid"`
	Direction   Direction    `json:"direction"`
	IPv6        bool         `json:"ipv6,omitempty"`
	Protocol    string       `json:"protocol,omitempty"` // tcp, udp, icmp, icmpv6, or an IP protocol number; empty: any
	PortMin     int          `json:"port_min,omitempty"` // for icmp: the type, -1 any
	PortMax     int          `json:"port_max,omitempty"` // for icmp: the code, -1 any
	Remote      netip.Prefix `json:"remote,omitzero"`
	RemoteGroup string       `json:"remote_group,omitempty"` // UID
	Deny        bool         `json:"deny,omitempty"`
	Priority    int          `json:"priority,omitempty"` // 1 to 100; 0 is 1
}

// PublicIP translates a public address to a private one, both ways.
type PublicIP struct {
	UID     string     `json:"uid"`
	Uplink  string     `json:"uplink"`
	Address netip.Addr `json:"address"`
	// Network, Port and Private name what it is bound to; an unbound address has no spec.
	Network string     `json:"network"`
	Port    string     `json:"port"`
	Virtual bool       `json:"virtual,omitempty"` // Port is a virtual IP's UID
	Private netip.Addr `json:"private"`
	Mbps    int        `json:"mbps,omitempty"` // each way; 0: no limit
	// Bandwidth is the UID of the shared limit that the address is in, instead of one of its own.
	Bandwidth string `json:"bandwidth,omitempty"`
}

// Bandwidth is one limit that several public addresses share: what all that name it send together, and what they receive together, stays below it.
type Bandwidth struct {
	UID  string `json:"uid"`
	Mbps int    `json:"mbps"` // each way
}

// PortKind is the kind of what the address is bound to.
func (p PublicIP) PortKind() string {
	if p.Virtual {
		return KindVirtualIP
	}
	return KindPort
}
