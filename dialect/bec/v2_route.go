package bec

import (
	"context"

	"edgecloud/cloud/network"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v2route"
	"edgecloud/fault"
	"edgecloud/store"
)

func (d *Door) v2Routes() dialect.Handlers {
	return dialect.Handlers{wire.OpGetRouteTable: d.v2GetRouteTable, wire.OpCreateRouteRule: d.v2CreateRoute, wire.OpDeleteRouteRule: d.v2DeleteRoute}
}

// v2RouteTypes are the words for next hops. That for NAT gateways is in the guide's form alone (api/bec/v2/route.yaml).
var v2RouteTypes = map[network.HopKind]string{network.HopInstance: "custom", network.HopVirtual: "havip", network.HopNAT: "nat", network.HopLocal: "system"}

// v2GetRouteTable shows a table by its own ID, or a VPC's default one.
func (d *Door) v2GetRouteTable(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	t, err := d.v2Table(ctx, c)
	if err != nil {
		return nil, err
	}
	n, _, err := d.Networks.GetNetwork(ctx, c.Caller, t.Network)
	if err != nil {
		return nil, err
	}
	routes, hops, err := d.routes(ctx, c, t.UID)
	if err != nil {
		return nil, err
	}
	out := wire.GetRouteTableResponse{RouteTableID: new(tableID(t)), VPCID: new(networkID(n)), RouteRules: []wire.BecRouteRule{}}
	for _, r := range routes {
		out.RouteRules = append(out.RouteRules, wire.BecRouteRule{RouteRuleID: new(routeID(r)), RouteTableID: out.RouteTableID, SourceAddress: new(source(r)),
			DestinationAddress: &r.Spelled, NexthopID: new(hops[r.Hop]), NexthopType: new(v2RouteTypes[r.HopKind]), Description: &r.Description})
	}
	return dialect.OK(out), nil
}

func (d *Door) v2Table(ctx context.Context, c *dialect.Call) (*network.RouteTable, error) {
	id, vpc := bare("rtb-", c.Param("routeTableId")), bare("vpc-", c.Param("vpcId"))
	if id == "" && vpc == "" {
		return nil, fault.BadField("routeTableId", "or vpcId is required")
	}
	if vpc != "" {
		if _, _, err := d.Networks.GetNetwork(ctx, c.Caller, vpc); err != nil {
			return nil, err
		}
	}
	tables, _, err := d.Networks.ListRouteTables(ctx, c.Caller, network.RouteTableFilter{ID: id, Network: vpc}, store.Window{})
	if err != nil {
		return nil, err
	}
	for _, t := range tables {
		if id != "" || t.Kind == network.Default {
			return t, nil
		}
	}
	return nil, fault.Missing("route table", id)
}

func (d *Door) v2CreateRoute(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateBecRouteRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if in.IPVersion != nil && *in.IPVersion != 4 {
		return nil, fault.BadField("ipVersion", "must be 4")
	}
	w := network.NewRoute{Source: in.SourceAddress, Destination: in.DestinationAddress, Description: scalar.Value(in.Description)}
	for kind, word := range v2RouteTypes {
		if word == scalar.Value(in.NexthopType) {
			w.HopKind = kind
		}
	}
	r, err := d.createRoute(ctx, c, in.RouteTableID, scalar.Value(in.NexthopID), w)
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.CreateRouteRuleResponse{RouteRuleID: new(routeID(r))}), nil
}

func (d *Door) v2DeleteRoute(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	_, err := d.Networks.RemoveRoute(ctx, c.Caller, bare("rtr-", c.Path("routeRuleId")))
	return dialect.Empty(), err
}
