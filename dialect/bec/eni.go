package bec

import (
	"context"
	"net/netip"
	"strings"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/network"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v1eni"
	"edgecloud/fault"
)

// What both versions say alike of elastic network interfaces.

func pathENI(c *dialect.Call) string { return bare("eni-", c.Path("eniId")) }

var holdWords = map[network.Hold]string{network.Loose: "available", network.Attaching: "attaching", network.Attached: "inuse", network.Detaching: "detaching"}

// eniWords are the names that the cloud's faults give to fields.
var eniWords = map[string]string{"security_groups": "securityGroupIds", "address": "privateIpAddress", "addresses": "privateIpAddresses", "subnet": "subnetId"}

func inENIWords(err error) error { return renamed(err, eniWords) }

// privateIP reads an address; an empty one is invalid, and stands for any that is free.
func privateIP(field, text string) (netip.Addr, error) {
	if text == "" {
		return netip.Addr{}, nil
	}
	a, err := netip.ParseAddr(text)
	if err != nil || !a.Is4() {
		return netip.Addr{}, fault.BadField(field, "must be an IPv4 address or empty, not %q", text)
	}
	return a, nil
}

// chosenIPs reads addresses that are each to be a certain one.
func chosenIPs(field string, texts []string) ([]netip.Addr, error) {
	all := make([]netip.Addr, len(texts))
	for k, text := range texts {
		a, err := privateIP(field, text)
		if err != nil {
			return nil, err
		}
		if !a.IsValid() {
			return nil, fault.BadField(field, "must not have an empty address")
		}
		all[k] = a
	}
	return all, nil
}

// addressesOf reads the addresses of a new interface, exactly one of which is primary.
func addressesOf(set []wire.PrivateIPInput, into *network.NewElasticNIC) error {
	primaries := 0
	for _, one := range set {
		a, err := privateIP("privateIpSet.privateIpAddress", one.PrivateIPAddress)
		if err != nil {
			return err
		}
		if one.Primary {
			primaries++
			into.Primary = a
			continue
		}
		into.Further = append(into.Further, a)
	}
	if primaries != 1 {
		return fault.BadField("privateIpSet", "must have exactly one primary address, not %d", primaries)
	}
	return nil
}

// batchOf reads what a batch adds: chosen addresses, and so many free ones.
func batchOf(addresses []string, count *scalar.Int) ([]netip.Addr, error) {
	wanted, err := chosenIPs("privateIpAddresses", addresses)
	if err != nil {
		return nil, err
	}
	n := int(scalar.Value(count))
	if n < 0 || n > 10 {
		return nil, fault.BadField("privateIpAddressCount", "must be 1 to 10")
	}
	if len(wanted)+n == 0 {
		return nil, fault.BadField("privateIpAddresses", "must name an address, or privateIpAddressCount be given")
	}
	return append(wanted, make([]netip.Addr, n)...), nil
}

// addressesOfENI writes an interface's addresses.
func addressesOfENI(p *network.Port) []wire.PrivateIP {
	all := []wire.PrivateIP{{Primary: true, PrivateIPAddress: p.Address}}
	for _, a := range p.Further.V {
		all = append(all, wire.PrivateIP{PrivateIPAddress: a})
	}
	return all
}

// eniStamp is how the detail of one interface writes its creation time, other than its list (both versions' examples).
func eniStamp(p *network.Port) string { return p.Created.Time().Format("2006-01-02 15:04:05.0") }

// eniFilter reads the filters that both versions have. What the caller does not have is not found.
func (d *Door) eniFilter(ctx context.Context, c *dialect.Call) (f network.ElasticFilter, err error) {
	f.Name = c.Param("name")
	if id := c.Param("vpcId"); id != "" {
		n, _, err := d.Networks.GetNetwork(ctx, c.Caller, bare("vpc-", id))
		if err != nil {
			return f, fault.From(err).On("vpcId")
		}
		f.Network = n.UID
	}
	if id := c.Param("instanceId"); id != "" {
		detail, err := d.Compute.Get(ctx, c.Caller, bare("vm-", id))
		if err != nil {
			return f, fault.From(err).On("instanceId")
		}
		f.Instance = detail.UID
	}
	switch list := strings.Split(c.Param("privateIpAddress"), ","); {
	case len(list) > 1:
		f.Addresses = list
	default:
		f.Ending = list[0]
	}
	return f, nil
}

// eniHosts gives the wire's IDs of the instances that interfaces are on, by UID.
func (d *Door) eniHosts(ctx context.Context, caller *identity.Caller, nics []*network.ElasticNIC) (map[string]string, error) {
	var uids []string
	for _, p := range nics {
		if p.Instance != "" {
			uids = append(uids, p.Instance)
		}
	}
	handles, err := d.Compute.Handles(ctx, caller, uids)
	for uid, handle := range handles {
		handles[uid] = "vm-" + handle
	}
	return handles, err
}

func withPrefix(prefix string, slugs []string) []string {
	all := make([]string, len(slugs))
	for k, s := range slugs {
		all[k] = prefix + s
	}
	return all
}

// createENI is the same in both versions.
func (d *Door) createENI(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateENIRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	w := network.NewElasticNIC{Name: in.Name, Description: scalar.Value(in.Description), Subnet: bareSubnet(in.SubnetID), Groups: bareAll("sg-", in.SecurityGroupIDs)}
	if err := addressesOf(in.PrivateIPSet, &w); err != nil {
		return nil, err
	}
	p, err := d.Networks.CreateElasticNIC(ctx, c.Caller, w)
	if err != nil {
		return nil, inENIWords(err)
	}
	out := wire.CreateENIResponse{Result: new(true), Action: new("create")}
	out.Details = &struct {
		ENIID *string `json:"eniId,omitempty"`
	}{new("eni-" + p.Slug)}
	return dialect.OK(out), nil
}

// updateENI is the same in both versions.
func (d *Door) updateENI(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateENIRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if scalar.Value(in.Name) == "" && scalar.Value(in.Description) == "" {
		return nil, fault.BadField("name", "must be given, or else description")
	}
	return dialect.Empty(), d.Networks.UpdateElasticNIC(ctx, c.Caller, pathENI(c), network.Text{Name: in.Name, Description: in.Description})
}

func (d *Door) deleteENI(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	return dialect.Empty(), d.Networks.DeleteElasticNIC(ctx, c.Caller, pathENI(c))
}

// addENIAddress is the same in both versions.
func (d *Door) addENIAddress(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.AddENIPrivateIPRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	a, err := privateIP("privateIpAddress", in.PrivateIPAddress)
	if err != nil {
		return nil, err
	}
	added, err := d.Networks.AddElasticAddresses(ctx, c.Caller, pathENI(c), []netip.Addr{a})
	if err != nil {
		return nil, inENIWords(err)
	}
	return dialect.OK(wire.AddENIPrivateIPResponse{PrivateIPAddress: &added[0]}), nil
}

// addENIAddresses adds what a batch says, whose request is the same in both versions.
func (d *Door) addENIAddresses(ctx context.Context, c *dialect.Call) ([]string, error) {
	var in wire.BatchAddENIPrivateIPsRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	wanted, err := batchOf(in.PrivateIPAddresses, in.PrivateIPAddressCount)
	if err != nil {
		return nil, err
	}
	added, err := d.Networks.AddElasticAddresses(ctx, c.Caller, pathENI(c), wanted)
	return added, inENIWords(err)
}

func (d *Door) deleteENIAddress(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	return dialect.Empty(), inENIWords(d.Networks.RemoveElasticAddresses(ctx, c.Caller, pathENI(c), []string{c.Path("privateIpAddress")}))
}

// deleteENIAddresses is the same in both versions.
func (d *Door) deleteENIAddresses(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.BatchDeleteENIPrivateIPsRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	return dialect.Empty(), inENIWords(d.Networks.RemoveElasticAddresses(ctx, c.Caller, pathENI(c), in.PrivateIPAddresses))
}

// attachENI puts an interface onto an instance; both versions name it in the same body.
func (d *Door) attachENI(ctx context.Context, c *dialect.Call) error {
	var in wire.AttachENIRequest
	if err := c.Decode(&in); err != nil {
		return err
	}
	_, err := d.Compute.AttachNIC(ctx, c.Caller, bare("vm-", in.InstanceID), pathENI(c))
	return err
}

// detachENI is the same in both versions.
func (d *Door) detachENI(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.DetachENIRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	_, err := d.Compute.DetachNIC(ctx, c.Caller, bare("vm-", in.InstanceID), pathENI(c))
	return dialect.Empty(), err
}
