package iec

import (
	"context"
	"strings"

	"edgecloud/cloud/network"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/iec/wire/vpc"
	"edgecloud/fault"
)

func (d *Door) vpcs() dialect.Handlers {
	return dialect.Handlers{
		wire.OpListVPCs:  d.listVPCs,
		wire.OpCreateVPC: d.createVPC,
		wire.OpShowVPC:   d.showVPC,
		wire.OpUpdateVPC: d.updateVPC,
		wire.OpDeleteVPC: d.deleteVPC,
	}
}

var vpcCodes = []refinement{
	{kind: fault.NotFound, about: "network", code: "IEC.020104"},
	{in: "iec/vpc.createVpc", kind: fault.Invalid, field: "vpc.mode", code: "IEC.020114"},
	{in: "iec/vpc.", kind: fault.Invalid, field: "cidr", code: "IEC.020115"},
	{in: "iec/vpc.", kind: fault.Exists, about: "network", code: "IEC.020105"},
	{in: "iec/vpc.", kind: fault.Quota, code: "IEC.020401"},
	{in: "iec/vpc.updateVpc", kind: fault.Conflict, code: "IEC.020111"},
	{in: "iec/vpc.deleteVpc", kind: fault.Conflict, about: "network", code: "IEC.020100"},
	{in: "iec/vpc.deleteVpc", kind: fault.Conflict, code: "IEC.020113"},
}

// The modes of a VPC: who makes its subnets.
const (
	systemMode   = "SYSTEM"
	customerMode = "CUSTOMER"
)

func describeVPC(n *network.Network) *wire.VPC {
	mode := customerMode
	if n.Managed || n.Kind == network.Default {
		mode = systemMode
	}
	return &wire.VPC{ID: n.UID, Name: n.Name, CIDR: n.CIDR, Mode: &mode, SubnetNum: int32(n.Subnets)}
}

func (d *Door) listVPCs(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	w, err := window(c)
	if err != nil {
		return nil, err
	}
	found, total, err := d.Networks.ListNetworksWithin(ctx, c.Caller, network.NetworkFilter{ID: c.Param("id"), Name: c.Param("name")}, w)
	if err != nil {
		return nil, err
	}
	out := wire.ListVPCsResponse{Count: int32(total), VPCs: scalar.List[wire.VPC]{}}
	for _, n := range found {
		out.VPCs = append(out.VPCs, *describeVPC(n))
	}
	return dialect.OK(out), nil
}

func (d *Door) createVPC(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateVPCRequestBody
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	n, err := d.Networks.CreateNetwork(ctx, c.Caller, network.NewNetwork{Name: in.VPC.Name, CIDR: in.VPC.CIDR, Managed: strings.EqualFold(in.VPC.Mode, systemMode)})
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.VPCResponse{VPC: describeVPC(n)}), nil
}

func (d *Door) showVPC(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	n, _, err := d.Networks.GetNetwork(ctx, c.Caller, c.Path("vpc_id"))
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.VPCResponse{VPC: describeVPC(n)}), nil
}

// updateVPC changes what is there and not empty: the document gives no meaning to an empty name.
func (d *Door) updateVPC(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateVPCRequestBody
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	change := network.NetworkChange{}
	if in.VPC != nil {
		change.Name, change.CIDR = filled(in.VPC.Name), filled(in.VPC.CIDR)
	}
	n, err := d.Networks.UpdateNetwork(ctx, c.Caller, c.Path("vpc_id"), change)
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.VPCResponse{VPC: describeVPC(n)}), nil
}

func (d *Door) deleteVPC(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	if _, err := d.Networks.DeleteNetwork(ctx, c.Caller, c.Path("vpc_id")); err != nil {
		return nil, err
	}
	return noContent(), nil
}

// filled takes an empty text for an absent one.
func filled(text *string) *string {
	if scalar.Value(text) == "" {
		return nil
	}
	return text
}
