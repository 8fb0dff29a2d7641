package bec

import (
	"context"

	"edgecloud/cloud/compute"
	"edgecloud/cloud/network"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v1route"
	"edgecloud/fault"
	"edgecloud/store"
)

func (d *Door) v1Routes() dialect.Handlers {
	return dialect.Handlers{
		wire.OpListRouteTables: d.v1ListRouteTables, wire.OpGetRouteTable: d.v1GetRouteTable, wire.OpUpdateRouteTable: d.v1UpdateRouteTable,
		wire.OpListRouteRules: d.v1ListRoutes, wire.OpCreateRouteRule: d.v1CreateRoute, wire.OpDeleteRouteRule: d.v1DeleteRoute,
	}
}

func tableID(t *network.RouteTable) string { return "rtb-" + t.Slug }
func routeID(r *network.Route) string      { return "rtr-" + r.Slug }

// v1RouteTypes are the words for next hops.
var v1RouteTypes = map[network.HopKind]string{network.HopInstance: wire.RouteTypeCUSTOM, network.HopVirtual: wire.RouteTypeHAVIP, network.HopNAT: wire.RouteTypeNAT,
	network.HopLocal: wire.RouteTypeSYSTEM}

func (d *Door) v1ListRouteTables(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	f := network.RouteTableFilter{Network: bare("vpc-", c.Param("vpcId"))}
	if keyword := c.Param("keyword"); c.Param("keywordType") == "vpcName" {
		f.Of = keyword
	} else {
		f.Keyword = keyword
	}
	if name := c.Param("regionId"); name != "" {
		site, err := d.site(ctx, name)
		if err != nil {
			return nil, err
		}
		f.Site = site.UID
	}
	p := page(c.Int("pageNo", 1), c.Int("pageSize", 0), 1000)
	tables, total, err := d.Networks.ListRouteTables(ctx, c.Caller, f, store.Window{Offset: (p.Number - 1) * p.Size, Limit: p.Size})
	if err != nil {
		return nil, err
	}
	shown, err := d.v1Tables(ctx, c, tables, f.Site)
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.ListRouteTableResponse{Result: shown, OrderBy: new("createTime"), Order: new("asc"), PageNo: new(int32(p.Number)), PageSize: new(int32(p.Size)),
		TotalCount: new(int32(total))}), nil
}

// v1Tables describes route tables as lists have them.
func (d *Door) v1Tables(ctx context.Context, c *dialect.Call, tables []*network.RouteTable, site string) ([]wire.RouteTableVo, error) {
	var uids []string
	for _, t := range tables {
		uids = append(uids, t.Network)
	}
	networks, err := d.Networks.NetworksByUID(ctx, c.Caller, uids)
	if err != nil {
		return nil, err
	}
	counts, err := d.Networks.CountRoutes(ctx, tables)
	if err != nil {
		return nil, err
	}
	out := []wire.RouteTableVo{}
	for _, t := range tables {
		n := networks[t.Network]
		if n == nil { // it went between two reads
			continue
		}
		home, err := d.home(ctx, n, site)
		if err != nil {
			return nil, err
		}
		out = append(out, wire.RouteTableVo{TableID: new(tableID(t)), Status: new("ready"), VPCID: new(networkID(n)), VPCName: &n.Name, Name: &t.Name, City: &home.City,
			ServiceProvider: new(string(home.Carrier)), Region: &home.Area, RegionID: &home.Name, RuleCount: new(int32(counts[t.UID]))})
	}
	return out, nil
}

func (d *Door) v1GetRouteTable(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	t, err := d.Networks.GetRouteTable(ctx, c.Caller, bare("rtb-", c.Path("tableId")))
	if err != nil {
		return nil, err
	}
	shown, err := d.v1Tables(ctx, c, []*network.RouteTable{t}, "")
	if err != nil {
		return nil, err
	}
	if len(shown) == 0 {
		return nil, fault.Missing("route table", c.Path("tableId"))
	}
	n, _, err := d.Networks.GetNetwork(ctx, c.Caller, t.Network)
	if err != nil {
		return nil, err
	}
	shown[0].VPCCIDR = &n.CIDR
	return dialect.OK(wire.GetRouteTableResponse{Result: new(true), Action: new("GetRouteTable"), Details: &wire.BecGetRouteTableResponse{RouteTableVo: &shown[0]}}), nil
}

func (d *Door) v1UpdateRouteTable(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateRouteTableRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	t, err := d.Networks.UpdateRouteTable(ctx, c.Caller, bare("rtb-", c.Path("tableId")), network.Text{Name: &in.TableName})
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.UpdateRouteTableResponse{Result: new(true), Action: new("UpdateRouteTable"),
		Details: &wire.BecUpdateRouteTableResponse{RouteTableID: new(tableID(t)), TableName: &t.Name}}), nil
}

func (d *Door) v1ListRoutes(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	table := bare("rtb-", c.Path("tableId"))
	routes, hops, err := d.routes(ctx, c, table)
	if err != nil {
		return nil, err
	}
	p := page(c.Int("pageNo", 1), c.Int("pageSize", 0), 1000)
	out := wire.ListRouteRuleResponse{Result: []wire.RouteRuleVo{}, OrderBy: new("createTime"), Order: new("asc"), PageNo: new(int32(p.Number)), PageSize: new(int32(p.Size)),
		TotalCount: new(int32(len(routes)))}
	from := min((p.Number-1)*p.Size, len(routes))
	for _, r := range routes[from:min(from+p.Size, len(routes))] {
		v := v1Route(r, "rtb-"+table, hops)
		v.Status = new("ready")
		out.Result = append(out.Result, v)
	}
	return dialect.OK(out), nil
}

// routes gives a table's routes, with the words for their next hops: the system's lead into the subnets.
func (d *Door) routes(ctx context.Context, c *dialect.Call, table string) ([]*network.Route, map[string]string, error) {
	all, err := d.Networks.ListRoutes(ctx, c.Caller, table)
	if err != nil {
		return nil, nil, err
	}
	var routes []*network.Route
	var instances, virtual, gateways []string
	hops := map[string]string{"": "local"}
	for _, r := range all {
		if r.Slug == "" { // the platform's own ranges: IEC alone shows them
			continue
		}
		routes = append(routes, r)
		switch r.HopKind {
		case network.HopInstance:
			instances = append(instances, r.Hop)
		case network.HopVirtual:
			virtual = append(virtual, r.Port)
		case network.HopNAT:
			gateways = append(gateways, r.Hop)
		}
	}
	if err := d.natHops(ctx, c, gateways, hops); err != nil {
		return nil, nil, err
	}
	if len(virtual) > 0 {
		vips, _, err := d.Networks.ListVirtualIPs(ctx, c.Caller, network.VirtualIPFilter{IDs: virtual}, store.Page{})
		if err != nil {
			return nil, nil, err
		}
		for _, v := range vips {
			hops[v.Address] = haVIPID(&v.Port)
		}
	}
	if len(instances) == 0 {
		return routes, hops, nil
	}
	views, _, err := d.Compute.List(ctx, c.Caller, compute.Filter{IDs: instances}, compute.Order{}, store.Page{})
	for _, v := range views {
		hops[v.UID] = "vm-" + v.Handle
	}
	return routes, hops, err
}

// source is a route's source as BEC writes everywhere.
func source(r *network.Route) string {
	if r.Source == "" {
		return "0.0.0.0/0"
	}
	return r.Source
}

func v1Route(r *network.Route, table string, hops map[string]string) wire.RouteRuleVo {
	return wire.RouteRuleVo{RuleID: new(routeID(r)), TableID: &table, IPVersion: new(int32(4)), SourceAddress: new(source(r)), DestinationAddress: &r.Spelled,
		RouteType: new(v1RouteTypes[r.HopKind]), Nexthop: new(hops[r.Hop]), Description: &r.Description}
}

func (d *Door) v1CreateRoute(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateRouteRuleRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if in.IPVersion != 4 {
		return nil, fault.BadField("ipVersion", "must be 4")
	}
	if in.DestinationAddress == "0.0.0.0/0" && in.RouteType != wire.RouteTypeNAT { // the guide sets up NAT routes so (api/bec/v1/route.yaml)
		return nil, fault.BadField("destinationAddress", "must not be 0.0.0.0/0 but in a route to a NAT gateway")
	}
	w := network.NewRoute{Source: in.SourceAddress, Destination: in.DestinationAddress, Description: scalar.Value(in.Description)}
	for kind, word := range v1RouteTypes {
		if word == in.RouteType {
			w.HopKind = kind
		}
	}
	r, err := d.createRoute(ctx, c, in.TableID, in.Nexthop, w)
	if err != nil {
		return nil, err
	}
	vo := v1Route(r, in.TableID, map[string]string{r.Hop: in.Nexthop})
	return dialect.OK(wire.CreateRouteRuleResponse{Result: new(true), Action: new("createRouteRule"), Details: &vo}), nil
}

// routeFields are the names that the cloud's faults give to fields.
var routeFields = map[string]string{"destination": "destinationAddress", "source": "sourceAddress"}

// createRoute adds a route to a table and finds it among those that are there then.
func (d *Door) createRoute(ctx context.Context, c *dialect.Call, table, hop string, w network.NewRoute) (*network.Route, error) {
	switch w.HopKind {
	case network.HopInstance:
		detail, err := d.Compute.Get(ctx, c.Caller, bare("vm-", hop))
		if err != nil {
			return nil, err
		}
		w.Hop = detail.UID
	case network.HopNAT:
		w.Hop = bareNAT(hop)
	default:
		w.Hop = bare("havip-", hop)
	}
	routes, err := d.Networks.AddRoutes(ctx, c.Caller, bare("rtb-", table), []network.NewRoute{w})
	if err != nil {
		return nil, renamed(err, routeFields)
	}
	return routes[len(routes)-1], nil // they are in the order of their making
}

func (d *Door) v1DeleteRoute(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	r, err := d.Networks.RemoveRoute(ctx, c.Caller, bare("rtr-", c.Path("ruleId")))
	if err != nil {
		return nil, err
	}
	out := wire.DeleteRouteRuleResponse{Result: new(true), Action: new("DeleteRouteRule")}
	out.Details = &struct {
		RuleID *string `json:"ruleId,omitempty"`
	}{new(routeID(r))}
	return dialect.OK(out), nil
}
