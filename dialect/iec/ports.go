package iec

import (
	"cmp"
	"context"
	"net/netip"
	"strings"

	"edgecloud/cloud/network"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/iec/wire/port"
	"edgecloud/fault"
)

func (d *Door) ports() dialect.Handlers {
	return dialect.Handlers{
		wire.OpListPorts:  d.listPorts,
		wire.OpCreatePort: d.createPort,
		wire.OpShowPort:   d.showPort,
		wire.OpUpdatePort: d.updatePort,
		wire.OpDeletePort: d.deletePort,
	}
}

var portCodes = []refinement{
	{kind: fault.NotFound, about: "port", code: "IEC.020607"},
	{in: "iec/port.", kind: fault.Invalid, field: "port_id", code: "IEC.020609"},
	{in: "iec/port.createPort", kind: fault.Invalid, about: "subnet", field: "address", code: "IEC.020618"},
	{in: "iec/port.createPort", kind: fault.Invalid, field: "ip_address", code: "IEC.020608"},
	{in: "iec/port.createPort", kind: fault.Exists, field: "address", code: "IEC.020616"},
	{in: "iec/port.createPort", kind: fault.Capacity, code: "IEC.020617"},
	{in: "iec/port.updatePort", kind: fault.Invalid, field: "allowed_pairs.address", code: "IEC.020608"},
	{in: "iec/port.updatePort", kind: fault.Conflict, code: "IEC.020605"},
	{in: "iec/port.deletePort", kind: fault.Conflict, about: "virtual IP", code: "IEC.020615"},
	{in: "iec/port.deletePort", kind: fault.Conflict, about: "public IP", code: "IEC.020612"},
	{in: "iec/port.deletePort", kind: fault.Conflict, code: "IEC.020606"},
}

// The owners of ports' devices, as Neutron has them. An instance's is followed by its site's name.
const (
	vipOwner     = "neutron:VIP_PORT"
	gatewayOwner = "network:router_interface_distributed"
	nicOwner     = "compute:"
)

var portStatuses = map[network.PortState]string{network.PortActive: "ACTIVE", network.PortBuilding: "BUILD", network.PortDown: "DOWN"}

// portsByDefault is how many ports a list has without a limit (listPorts: "limit defaults to 1000").
const portsByDefault = 1000

// describePort shows a port. A gateway port is as in the document's example: named after its subnet, and in no list of groups at all.
func (d *Door) describePort(ctx context.Context, p *network.PortDetail) (*wire.Port, error) {
	out := &wire.Port{ID: p.UID, Name: p.Name, Status: new(portStatuses[p.State()]), AdminStateUp: true, FixedIPs: scalar.List[wire.FixedIP]{{SubnetID: p.Subnet, IPAddress: p.Address}},
		MACAddress: p.MAC, NetworkID: p.Subnet, DeviceID: p.Instance, SecurityGroups: append([]string{}, p.Groups...), ExtraDhcpOpts: scalar.List[wire.ExtraDhcpOption]{},
		AllowedAddressPairs: scalar.List[wire.AllowedAddressPair]{}, SiteID: p.Site, DNSAssignment: scalar.List[wire.DNSAssignment]{}, BindingProfile: scalar.Map[any]{}}
	for _, pair := range p.Pairs.V {
		out.AllowedAddressPairs = append(out.AllowedAddressPairs, wire.AllowedAddressPair{IPAddress: pair.Address, MACAddress: cmp.Or(pair.MAC, p.MAC)})
	}
	switch p.Kind {
	case network.Virtual:
		out.DeviceOwner = vipOwner
	case network.Gateway:
		out.DeviceOwner, out.DeviceID, out.Name, out.SecurityGroups = gatewayOwner, p.Network, p.Subnet, nil
	default:
		site, err := d.Place.Site(ctx, p.Site)
		if err != nil {
			return nil, err
		}
		out.DeviceOwner = nicOwner + site.Name
	}
	return out, nil
}

func (d *Door) answerPort(ctx context.Context, p *network.PortDetail) (*dialect.Answer, error) {
	out, err := d.describePort(ctx, p)
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.PortResponse{Port: out}), nil
}

func (d *Door) listPorts(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	w, err := window(c)
	if err != nil {
		return nil, err
	}
	w.Limit = cmp.Or(w.Limit, portsByDefault)
	filter, none, err := d.portFilter(ctx, c)
	if err != nil {
		return nil, err
	}
	out := wire.ListPortsResponse{Ports: scalar.List[wire.Port]{}}
	if none {
		return dialect.OK(out), nil
	}
	found, total, err := d.Networks.ListPorts(ctx, c.Caller, filter, w)
	if err != nil {
		return nil, err
	}
	out.Count = int32(total)
	for _, p := range found {
		one, err := d.describePort(ctx, p)
		if err != nil {
			return nil, err
		}
		out.Ports = append(out.Ports, *one)
	}
	return dialect.OK(out), nil
}

// portFilter reads the filters; none tells that no port can match them.
func (d *Door) portFilter(ctx context.Context, c *dialect.Call) (f network.PortFilter, none bool, err error) {
	f = network.PortFilter{ID: c.Param("id"), Name: c.Param("name"), MAC: strings.ToLower(c.Param("mac_address")), Instance: c.Param("device_id"), Group: c.Param("security_groups")}
	if id := c.Param("network_id"); id != "" {
		f.Subnets = append(f.Subnets, id)
	}
	for state, word := range portStatuses {
		if strings.EqualFold(word, c.Param("status")) {
			f.State = state
		}
	}
	for _, value := range c.Query["fixed_ips"] {
		name, text, _ := strings.Cut(value, "=")
		switch {
		case name == "subnet_id":
			f.Subnets = append(f.Subnets, text)
		case name == "ip_address" && (f.Address == "" || f.Address == text):
			f.Address = text
		case name == "ip_address":
			none = true // a port has one address
		case value != "":
			return f, none, fault.BadField("fixed_ips", "must be ip_address=<address> or subnet_id=<ID>, not %q", value)
		}
	}
	if up := c.Param("admin_state_up"); strings.EqualFold(up, "false") {
		none = true // all are up
	}
	known, err := d.ownedBy(ctx, &f, c.Param("device_owner"))
	return f, none || !known, err
}

// ownedBy narrows a filter to a kind of owner; known is false for one that no port has.
func (d *Door) ownedBy(ctx context.Context, f *network.PortFilter, owner string) (known bool, err error) {
	switch {
	case owner == "":
	case owner == vipOwner:
		f.Kind = network.Virtual
	case owner == gatewayOwner:
		f.Kind = network.Gateway
	case strings.HasPrefix(owner, nicOwner):
		site, err := d.Place.SiteByName(ctx, strings.TrimPrefix(owner, nicOwner))
		if fault.Is(err, fault.NotFound) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		f.Kind, f.Site = network.NIC, site.UID
	default:
		return false, nil
	}
	return true, nil
}

func (d *Door) createPort(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreatePortRequestBody
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	w := network.NewVirtualIP{Subnet: in.Port.NetworkID}
	if len(in.Port.FixedIPs) > 1 {
		return nil, fault.BadField("fixed_ips", "must have one entry at most")
	}
	for _, f := range in.Port.FixedIPs {
		if id := scalar.Value(f.SubnetID); id != "" && id != w.Subnet {
			return nil, fault.BadField("fixed_ips.subnet_id", "must be the subnet of network_id")
		}
		if text := scalar.Value(f.IPAddress); text != "" {
			a, err := netip.ParseAddr(text)
			if err != nil || !a.Is4() {
				return nil, fault.BadField("ip_address", "must be an IPv4 address, not %q", text)
			}
			w.Address = a
		}
	}
	p, err := d.Networks.CreateVirtualIP(ctx, c.Caller, w)
	if err != nil {
		return nil, err
	}
	return d.answerPort(ctx, p)
}

// pathPort is the port that the path names. An ID of another form has a code of its own (IEC.020609).
func pathPort(c *dialect.Call) (string, error) {
	id := c.Path("port_id")
	if !isUUID(id) {
		return "", fault.BadField("port_id", "must be a UUID")
	}
	return id, nil
}

func (d *Door) showPort(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	id, err := pathPort(c)
	if err != nil {
		return nil, err
	}
	p, err := d.Networks.GetPort(ctx, c.Caller, id)
	if err != nil {
		return nil, err
	}
	return d.answerPort(ctx, p)
}

func (d *Door) updatePort(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	id, err := pathPort(c)
	if err != nil {
		return nil, err
	}
	var in wire.UpdatePortRequestBody
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	change := network.PortChange{Groups: listed(in.Port.SecurityGroups)}
	if in.Port.AllowedAddressPairs != nil {
		pairs := []network.Pair{}
		for _, p := range in.Port.AllowedAddressPairs {
			pairs = append(pairs, network.Pair{Address: p.IPAddress, MAC: scalar.Value(p.MACAddress)})
		}
		change.Pairs = &pairs
	}
	p, err := d.Networks.UpdatePort(ctx, c.Caller, id, change)
	if err != nil {
		return nil, err
	}
	return d.answerPort(ctx, p)
}

func (d *Door) deletePort(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	id, err := pathPort(c)
	if err != nil {
		return nil, err
	}
	if err := d.Networks.DeleteVirtualIP(ctx, c.Caller, id); err != nil {
		return nil, err
	}
	return noContent(), nil
}
