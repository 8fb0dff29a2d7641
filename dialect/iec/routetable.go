package iec

import (
	"context"

	"edgecloud/cloud/network"
	"edgecloud/dialect"
	wire "edgecloud/dialect/iec/wire/routetable"
	subnetwire "edgecloud/dialect/iec/wire/subnet"
	"edgecloud/fault"
)

func (d *Door) routeTables() dialect.Handlers {
	return dialect.Handlers{
		wire.OpListRoutetables: d.listRouteTables, wire.OpCreateRoutetable: d.createRouteTable, wire.OpShowRoutetable: d.showRouteTable, wire.OpUpdateRoutetable: d.updateRouteTable,
		wire.OpDeleteRoutetable: d.deleteRouteTable, wire.OpAssociateSubnet: d.joinRouteTable, wire.OpDisassociateSubnet: d.leaveRouteTable,
		wire.OpListRoutes: d.listRoutes, wire.OpCreateRoutes: d.createRoutes, wire.OpUpdateRoutes: d.updateRoutes, wire.OpDeleteRoutes: d.deleteRoutes,
		subnetwire.OpListRelatedRoutetables: d.tableOfSubnet,
	}
}

// routeTableCodes: the document has no codes of route tables, so that the general ones say what is wrong.
var routeTableCodes = []refinement{
	{in: "iec/routetable.", kind: fault.Exists, about: "route", code: "IEC.000007"},
	{in: "iec/routetable.", kind: fault.NotFound, about: "instance", code: "IEC.010200"},
}

func (d *Door) listRouteTables(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	w, err := window(c)
	if err != nil {
		return nil, err
	}
	f := network.RouteTableFilter{ID: c.Param("id"), Name: c.Param("name"), Network: c.Param("vpc_id")}
	found, total, err := d.Networks.ListRouteTables(ctx, c.Caller, f, w)
	if err != nil {
		return nil, err
	}
	out := wire.ListRoutetablesResponse{Count: int32(total), Routetables: []wire.ListRoutetableOption{}}
	for _, t := range found {
		out.Routetables = append(out.Routetables, wire.ListRoutetableOption{ID: t.UID, Name: t.Name, VPCID: t.Network, DomainID: t.Account, Description: t.Description,
			Default: t.Kind == network.Default})
	}
	return dialect.OK(out), nil
}

func (d *Door) createRouteTable(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateRoutetableRequestBody
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	w := network.NewRouteTable{Network: in.Routetable.VPCID, Name: in.Routetable.Name, Description: text(in.Routetable.Description)}
	return tableAnswer(d.Networks.CreateRouteTable(ctx, c.Caller, w))
}

func (d *Door) showRouteTable(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	return tableAnswer(d.Networks.GetRouteTable(ctx, c.Caller, c.Path("routetable_id")))
}

func (d *Door) updateRouteTable(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateRoutetableRequestBody
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	change := network.Text{}
	if in.Routetable != nil {
		change = network.Text{Name: in.Routetable.Name, Description: in.Routetable.Description}
	}
	if change.Name != nil && *change.Name == "" { // the document allows 0 characters here, and no table without a name
		change.Name = nil
	}
	return tableAnswer(d.Networks.UpdateRouteTable(ctx, c.Caller, c.Path("routetable_id"), change))
}

func (d *Door) deleteRouteTable(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	if err := d.Networks.DeleteRouteTable(ctx, c.Caller, c.Path("routetable_id")); err != nil {
		return nil, err
	}
	return noContent(), nil
}

func (d *Door) joinRouteTable(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.AssociateSubnetRequestBody
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	return tableAnswer(d.Networks.JoinRouteTable(ctx, c.Caller, c.Path("routetable_id"), in.SubnetIDs))
}

func (d *Door) leaveRouteTable(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.DisassociateSubnetRequestBody
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	return tableAnswer(d.Networks.LeaveRouteTable(ctx, c.Caller, c.Path("routetable_id"), in.SubnetIDs))
}

func (d *Door) tableOfSubnet(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	t, err := d.Networks.TableOfSubnet(ctx, c.Caller, c.Path("subnet_id"))
	if err != nil {
		return nil, err
	}
	out := subnetwire.Routetable{ID: t.UID, Name: t.Name, VPCID: t.Network, DomainID: t.Account, Description: t.Description, Default: t.Kind == network.Default}
	for _, s := range t.Subnets {
		out.Subnets = append(out.Subnets, subnetwire.BaseID{ID: s.UID})
	}
	return dialect.OK(subnetwire.ListRelatedRoutetablesResponse{Routetable: &out}), nil
}

func tableAnswer(t *network.RouteTable, err error) (*dialect.Answer, error) {
	if err != nil {
		return nil, err
	}
	out := wire.Routetable{ID: t.UID, Name: t.Name, VPCID: t.Network, DomainID: t.Account, Description: t.Description, Default: t.Kind == network.Default}
	for _, s := range t.Subnets {
		out.Subnets = append(out.Subnets, wire.BaseID{ID: s.UID})
	}
	return dialect.OK(wire.RoutetableResponse{Routetable: &out}), nil
}

// hopWords are the types of routes.
var hopWords = map[network.HopKind]string{network.HopInstance: "ecs", network.HopVirtual: "vip", network.HopLocal: "local"}

func (d *Door) listRoutes(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	return routesAnswer(d.Networks.ListRoutes(ctx, c.Caller, c.Path("routetable_id")))
}

func (d *Door) createRoutes(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateRoutesRequestBody
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	return routesAnswer(d.Networks.AddRoutes(ctx, c.Caller, c.Path("routetable_id"), wantedRoutes(in.Routes)))
}

func (d *Door) updateRoutes(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateRoutesRequestBody
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	return routesAnswer(d.Networks.UpdateRoutes(ctx, c.Caller, c.Path("routetable_id"), wantedRoutes(in.Routes)))
}

func (d *Door) deleteRoutes(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.DeleteRoutesRequestBody
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	var destinations []string
	for _, r := range in.Routes {
		destinations = append(destinations, r.Destination)
	}
	return routesAnswer(d.Networks.RemoveRoutes(ctx, c.Caller, c.Path("routetable_id"), destinations))
}

func wantedRoutes(in []wire.RouteOption) []network.NewRoute {
	var out []network.NewRoute
	for _, r := range in {
		w := network.NewRoute{Destination: r.Destination, Hop: r.Nexthop, Description: text(r.Description)}
		for kind, word := range hopWords {
			if word == r.Type {
				w.HopKind = kind
			}
		}
		out = append(out, w)
	}
	return out
}

// routesAnswer lists routes. Changes are answered with all of the table but the local ones, which agrees with each of the document's examples.
func routesAnswer(routes []*network.Route, err error) (*dialect.Answer, error) {
	if err != nil {
		return nil, err
	}
	out := wire.RoutesResponse{Routes: []wire.Route{}}
	for _, r := range routes {
		if r.HopKind == network.HopNAT { // IEC has no NAT gateways
			continue
		}
		hop := r.Hop
		if r.HopKind == network.HopLocal {
			hop = "-"
		}
		out.Routes = append(out.Routes, wire.Route{Type: new(hopWords[r.HopKind]), Destination: r.Spelled, Nexthop: hop, Description: r.Description})
	}
	return dialect.OK(out), nil
}
