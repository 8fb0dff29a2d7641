package bec

import (
	"context"
	"net/netip"

	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v1vminstance"
	"edgecloud/fault"
)

func (d *Door) v1InstanceAddresses() dialect.Handlers {
	return dialect.Handlers{
		wire.OpAddVMPrivateIPs:     d.v1AddAddresses,
		wire.OpReleaseVMPrivateIPs: d.v1ReleaseAddresses,
	}
}

// v1Addressed answers with the addresses that were added or released: all of the request or none are, so that none is ever in errIPs.
func v1Addressed(addresses []string) *dialect.Answer {
	return dialect.OK(wire.PrivateIPResponse{Success: new(true), Result: &wire.IpamResultVo{Success: new(true), ErrCode: new(""), ErrMsg: new(""), IPs: addresses}})
}

var v1AddressWords = map[string]string{"address": "privateIps", "addresses": "privateIps"}

func (d *Door) v1AddAddresses(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.AddPrivateIPsRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	wanted, err := chosenIPs("privateIps", in.PrivateIPs)
	if err != nil {
		return nil, err
	}
	count := int(scalar.Value(in.SecondaryPrivateIPAddressCount))
	switch {
	case count < 0 || count > 40:
		return nil, fault.BadField("secondaryPrivateIpAddressCount", "must be 1 to 40")
	case count > 0 && len(wanted) > 0:
		return nil, fault.BadField("secondaryPrivateIpAddressCount", "must not be given together with privateIps")
	case count > 0:
		wanted = make([]netip.Addr, count)
	}
	added, err := d.Compute.AddAddresses(ctx, c.Caller, pathVM(c), wanted)
	if err != nil {
		return nil, renamed(err, v1AddressWords)
	}
	return v1Addressed(added), nil
}

func (d *Door) v1ReleaseAddresses(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.ReleasePrivateIPsRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if n := scalar.Value(in.NetName); n != "" && n != nicName(0) {
		return nil, fault.BadField("netName", "must be %s: only the main NIC has secondary addresses", nicName(0))
	}
	if err := d.Compute.RemoveAddresses(ctx, c.Caller, pathVM(c), in.PrivateIPs); err != nil {
		return nil, renamed(err, v1AddressWords)
	}
	return v1Addressed(in.PrivateIPs), nil
}
