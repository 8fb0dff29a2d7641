package bec

import (
	"context"
	"slices"
	"sort"
	"strconv"
	"strings"

	"edgecloud/cloud/balancer"
	"edgecloud/cloud/place"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v2appblb"
	"edgecloud/fault"
	"edgecloud/link/spec"
)

func (d *Door) v2AppBLBs() dialect.Handlers {
	return dialect.Handlers{
		wire.OpCreateAppBLB:            d.createAppBLB,
		wire.OpListAppBLBs:             d.listAppBLBs,
		wire.OpGetAppBLB:               d.getAppBLB,
		wire.OpUpdateAppBLB:            d.updateAppBLB,
		wire.OpDeleteAppBLB:            d.deleteAppBLB,
		wire.OpCreateAppBLBTCPListener: d.createAppTCPListener,
		wire.OpCreateAppBLBUDPListener: d.createAppUDPListener,
		wire.OpUpdateAppBLBTCPListener: d.updateAppTCPListener,
		wire.OpUpdateAppBLBUDPListener: d.updateAppUDPListener,
		wire.OpListAppBLBTCPListeners:  d.listAppTCPListeners,
		wire.OpListAppBLBUDPListeners:  d.listAppUDPListeners,
		wire.OpDeleteAppBLBListeners:   d.deleteAppListeners,
		wire.OpCreateAppBLBPolicies:    d.createAppPolicies,
		wire.OpListAppBLBPolicies:      d.listAppPolicies,
		wire.OpDeleteAppBLBPolicies:    d.deleteAppPolicies,
	}
}

// appFields are the names that the cloud's faults give to fields.
var appFields = map[string]string{"serves": "lbType", "mbps": "bandwidth", "network": "vpcId", "subnet": "subnetId", "description": "desc", "policies": "appPolicyVos", "policies[0].priority": "appPolicyVos[0].priority",
	"policies[0].description": "appPolicyVos[0].desc", "check.protocol": "healthCheck", "check.interval": "healthCheckIntervalInSecond", "check.timeout": "healthCheckTimeoutInSecond",
	"check.unhealthy": "healthCheckDownRetry", "check.healthy": "healthCheckUpRetry", "check.port": "healthCheckPort", "check.path": "healthCheckUrlPath", "check.host": "healthCheckHost",
	"check.statuses": "healthCheckNormalStatus", "check.send": "udpHealthCheckString", "timeout": "sessionTimeout"}

func inAppWords(err error) error { return renamed(err, appFields) }

func (d *Door) createAppBLB(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateBecBLBRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if scalar.Value(in.Type) == "ipv6" {
		return nil, notBuilt("type", "load balancers have no IPv6 address")
	}
	site, err := d.site(ctx, in.RegionID)
	if err != nil {
		return nil, err
	}
	serves := balancer.Instances
	if in.LbType != nil {
		serves = blbServes[*in.LbType]
	}
	// The call names no bandwidth: it is billed by what was used, and not limited.
	w := balancer.Wanted{Type: balancer.Application, Serves: serves, Site: site, Public: in.NeedPublicIP == nil || bool(*in.NeedPublicIP), Name: in.Name, Description: scalar.Value(in.Desc),
		Mbps: balancer.MaxMbps, Count: 1, Network: bare("vpc-", scalar.Value(in.VPCID)), Subnet: bareSubnet(scalar.Value(in.SubnetID))}
	if w.Carriers, err = appCarriers(site, in.SubServiceProviders); err != nil {
		return nil, err
	}
	made, err := d.Balancers.Create(ctx, c.Caller, []balancer.Wanted{w})
	if err != nil {
		return nil, inAppWords(err)
	}
	return dialect.OK(wire.CreateAppBLBResponse{BLBID: new(blbID(site, &made[0].Balancer)), Name: &in.Name, Desc: &made[0].Description}), nil
}

func appCarriers(site *place.Site, codes []string) (carriers []place.Carrier, err error) {
	if len(codes) == 0 {
		return nil, nil
	}
	if site.Carrier != place.TripleLine {
		return nil, fault.BadField("subServiceProviders", "%s is not a three-carrier node", site.Name)
	}
	if len(codes) > 1 {
		return nil, fault.BadField("subServiceProviders", "must name one carrier")
	}
	carrier, known := v1Carriers[codes[0]]
	if !known {
		return nil, fault.BadField("subServiceProviders", "must be ct, un or cm, not %q", codes[0])
	}
	return []place.Carrier{carrier}, nil
}

// appPage is the page of a list that a call asks for, by id; the entries are sorted. A marker that has vanished leads to the next greater one.
func appPage[T any](c *dialect.Call, all []T, id func(T) string) (page []T, size int32, next string) {
	sort.Slice(all, func(i, j int) bool { return id(all[i]) < id(all[j]) })
	m := marker(bareRule(c.Param("marker")), c.Int("maxKeys", 0))
	from := sort.Search(len(all), func(i int) bool { return id(all[i]) >= m.Start })
	to := min(from+m.Size, len(all))
	if to < len(all) {
		next = id(all[to])
	}
	return all[from:to], int32(m.Size), next
}

func (d *Door) listAppBLBs(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	m := marker(bareBLB(c.Param("marker")), c.Int("maxKeys", 0))
	found, next, err := d.Balancers.ListFrom(ctx, c.Caller, balancer.Filter{Type: balancer.Application}, m)
	if err != nil {
		return nil, err
	}
	out := wire.ListAppBLBsResponse{IsTruncated: new(next != ""), MaxKeys: new(int32(m.Size)), BLBList: []wire.AppBLBListItem{}}
	echo(c, &out.Marker, &out.NextMarker, "applb-", next)
	for _, b := range found {
		site, err := d.Place.Site(ctx, b.Site)
		if err != nil {
			return nil, err
		}
		out.BLBList = append(out.BLBList, wire.AppBLBListItem{BLBID: new(blbID(site, &b.Balancer)), Name: &b.Name, Desc: &b.Description, Status: new(blbWords[b.State]), RegionID: &site.Name,
			Address: &b.Address, PublicIP: firstIP(b)})
	}
	return dialect.OK(out), nil
}

func firstIP(b *balancer.Detail) *string {
	if len(b.IPs) == 0 {
		return nil
	}
	return &b.IPs[0].Address
}

func (d *Door) getAppBLB(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	b, err := d.Balancers.Get(ctx, c.Caller, pathBLB(c))
	if err != nil {
		return nil, err
	}
	if b.Type != balancer.Application {
		return nil, fault.Missing("balancer", c.Path("blbId"))
	}
	site, err := d.Place.Site(ctx, b.Site)
	if err != nil {
		return nil, err
	}
	s, net, _, err := d.Networks.GetSubnet(ctx, c.Caller, b.Subnet)
	if err != nil {
		return nil, err
	}
	out := wire.GetAppBLBResponse{BLBID: new(blbID(site, &b.Balancer)), Name: &b.Name, Desc: &b.Description, Status: new(blbWords[b.State]), RegionID: &site.Name, Address: &b.Address, PublicIP: firstIP(b),
		VPCID: new(networkID(net)), VPCName: &net.Name, CIDR: &net.CIDR, SubnetID: new(subnetID(s)), SubnetName: &s.Name, SubnetCIDR: &s.CIDR, CreateTime: new(stamp(b.Created)), Listener: []wire.AppBLBListener{}}
	for _, l := range b.Listeners {
		out.Listener = append(out.Listener, wire.AppBLBListener{Port: new(strconv.Itoa(l.Port)), Type: new(strings.ToUpper(l.Protocol))})
	}
	return dialect.OK(out), nil
}

func (d *Door) updateAppBLB(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.ModifyBecBLBRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if err := d.Balancers.Update(ctx, c.Caller, pathBLB(c), balancer.Change{Name: in.Name, Description: in.Desc}); err != nil {
		return nil, inAppWords(err)
	}
	return dialect.Empty(), nil
}

func (d *Door) deleteAppBLB(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	if _, err := d.Balancers.Delete(ctx, c.Caller, pathBLB(c)); err != nil {
		return nil, err
	}
	return dialect.Empty(), nil
}

var appModes = map[string]spec.Scheduler{"RoundRobin": spec.RoundRobin, "LeastConnection": spec.LeastConnections, "Hash": spec.SourceHash}

func appMode(s spec.Scheduler) *string {
	for word, scheduler := range appModes {
		if scheduler == s {
			return &word
		}
	}
	return nil
}

func (d *Door) createAppTCPListener(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateBecAppBLBTCPListenerRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	return d.createAppListener(ctx, c, "tcp", int(in.ListenerPort), in.Scheduler, in.TCPSessionTimeout)
}

func (d *Door) createAppUDPListener(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateBecAppBLBUDPListenerRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	return d.createAppListener(ctx, c, "udp", int(in.ListenerPort), in.Scheduler, in.UDPSessionTimeout)
}

func (d *Door) createAppListener(ctx context.Context, c *dialect.Call, protocol string, port int, mode string, timeout *scalar.Int) (*dialect.Answer, error) {
	w := balancer.AppListener{Address: balancer.Address{Protocol: protocol, Port: port}, Scheduler: appModes[mode], TimeoutSeconds: int(scalar.Value(timeout))}
	if err := d.Balancers.CreateAppListener(ctx, c.Caller, pathBLB(c), w); err != nil {
		return nil, inAppWords(err)
	}
	return dialect.Empty(), nil
}

func (d *Door) updateAppTCPListener(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateBecAppBLBTCPListenerRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	return d.updateAppListener(ctx, c, "tcp", in.Scheduler, in.TCPSessionTimeout)
}

func (d *Door) updateAppUDPListener(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateBecAppBLBUDPListenerRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	return d.updateAppListener(ctx, c, "udp", in.Scheduler, in.UDPSessionTimeout)
}

func (d *Door) updateAppListener(ctx context.Context, c *dialect.Call, protocol string, mode *string, timeout *scalar.Int) (*dialect.Answer, error) {
	port, err := portParam(c, "listenerPort")
	if err != nil {
		return nil, err
	}
	w := balancer.AppListener{Address: balancer.Address{Protocol: protocol, Port: port}, Scheduler: appModes[scalar.Value(mode)], TimeoutSeconds: int(scalar.Value(timeout))}
	if err := d.Balancers.UpdateAppListener(ctx, c.Caller, pathBLB(c), w); err != nil {
		return nil, inAppWords(err)
	}
	return dialect.Empty(), nil
}

// appListeners are the listeners of a protocol that a call asks for, with the name of one as its padded port, so that they sort as numbers do.
func (d *Door) appListeners(ctx context.Context, c *dialect.Call, protocol string) (page []*balancer.Listener, size int32, next string, err error) {
	b, err := d.Balancers.Get(ctx, c.Caller, pathBLB(c))
	if err != nil {
		return nil, 0, "", err
	}
	port := c.Int("listenerPort", 0)
	all := slices.DeleteFunc(b.Listeners, func(l *balancer.Listener) bool { return l.Protocol != protocol || port != 0 && l.Port != port })
	sort.Slice(all, func(i, j int) bool { return all[i].Port < all[j].Port })
	m := marker("", c.Int("maxKeys", 0))
	start, err := strconv.Atoi(c.Param("marker"))
	if err != nil && c.Param("marker") != "" {
		return nil, 0, "", fault.BadField("marker", "must be the nextMarker of a page, which is a port")
	}
	from := sort.Search(len(all), func(i int) bool { return all[i].Port >= start })
	to := min(from+m.Size, len(all))
	if to < len(all) {
		next = strconv.Itoa(all[to].Port)
	}
	return all[from:to], int32(m.Size), next, nil
}

func (d *Door) listAppTCPListeners(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	page, size, next, err := d.appListeners(ctx, c, "tcp")
	if err != nil {
		return nil, err
	}
	out := wire.ListAppBLBTCPListenersResponse{IsTruncated: new(next != ""), MaxKeys: &size, ListenerList: []wire.AppBLBTCPListener{}}
	echo(c, &out.Marker, &out.NextMarker, "", next)
	for _, l := range page {
		out.ListenerList = append(out.ListenerList, wire.AppBLBTCPListener{ListenerPort: new(int32(l.Port)), Scheduler: appMode(l.Scheduler), TCPSessionTimeout: new(int32(l.TimeoutSeconds))})
	}
	return dialect.OK(out), nil
}

func (d *Door) listAppUDPListeners(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	page, size, next, err := d.appListeners(ctx, c, "udp")
	if err != nil {
		return nil, err
	}
	out := wire.ListAppBLBUDPListenersResponse{IsTruncated: new(next != ""), MaxKeys: &size, ListenerList: []wire.AppBLBUDPListener{}}
	echo(c, &out.Marker, &out.NextMarker, "", next)
	for _, l := range page {
		out.ListenerList = append(out.ListenerList, wire.AppBLBUDPListener{ListenerPort: new(int32(l.Port)), Scheduler: appMode(l.Scheduler), UDPSessionTimeout: new(int32(l.TimeoutSeconds))})
	}
	return dialect.OK(out), nil
}

func (d *Door) deleteAppListeners(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.BatchDeleteBLBListenerRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	var addresses []balancer.Address
	for _, one := range in.PortTypeList {
		addresses = append(addresses, balancer.Address{Protocol: strings.ToLower(one.Type), Port: int(one.Port)})
	}
	if err := d.Balancers.DeleteListeners(ctx, c.Caller, pathBLB(c), addresses); err != nil {
		return nil, renamed(err, map[string]string{"listeners": "portTypeList"})
	}
	return dialect.Empty(), nil
}

// appGroupID is the name of a group, which is of addresses or of servers.
func appGroupID(kind balancer.GroupKind, slug string) string {
	if kind == balancer.Servers {
		return "svg-" + slug
	}
	return "bec_ip_group-" + slug
}

func (d *Door) createAppPolicies(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateAppBLBPoliciesRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	var wanted []balancer.NewPolicy
	for _, p := range in.AppPolicyVos {
		wanted = append(wanted, balancer.NewPolicy{Group: bareRule(p.AppIPGroupID), Priority: int64(p.Priority), Description: scalar.Value(p.Desc)})
	}
	a := balancer.Address{Protocol: strings.ToLower(scalar.Value(in.Type)), Port: int(in.ListenerPort)}
	if err := d.Balancers.CreatePolicies(ctx, c.Caller, pathBLB(c), a, wanted); err != nil {
		return nil, renamed(inAppWords(err), map[string]string{"group": "appPolicyVos[0].appIpGroupId", "port": "listenerPort"})
	}
	return dialect.Empty(), nil
}

func (d *Door) listAppPolicies(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	port, err := portParam(c, "port")
	if err != nil {
		return nil, err
	}
	found, err := d.Balancers.Policies(ctx, c.Caller, pathBLB(c), balancer.Address{Protocol: strings.ToLower(c.Param("type")), Port: port})
	if err != nil {
		return nil, err
	}
	page, size, next := appPage(c, found, func(p *balancer.PolicyDetail) string { return p.Slug })
	out := wire.ListAppBLBPoliciesResponse{IsTruncated: new(next != ""), MaxKeys: &size, PolicyList: []wire.AppPolicy{}}
	echo(c, &out.Marker, &out.NextMarker, "bec_policy-", next)
	for _, p := range page {
		out.PolicyList = append(out.PolicyList, wire.AppPolicy{ID: new("bec_policy-" + p.Slug), Desc: &p.Description, AppIPGroupID: new(appGroupID(p.GroupKind, p.GroupSlug)), AppIPGroupName: &p.GroupName,
			FrontendPort: new(int32(p.Port)), Type: new(strings.ToUpper(p.Protocol)), Priority: new(int32(p.Priority)), RuleList: []wire.AppPolicyRule{{Key: new("*"), Value: new("*")}}})
	}
	return dialect.OK(out), nil
}

func (d *Door) deleteAppPolicies(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.DeleteAppBLBPoliciesRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	a := balancer.Address{Protocol: strings.ToLower(scalar.Value(in.Type)), Port: int(in.Port)}
	if err := d.Balancers.DeletePolicies(ctx, c.Caller, pathBLB(c), a, bareRules(in.PolicyIDList)); err != nil {
		return nil, renamed(err, map[string]string{"policies": "policyIdList"})
	}
	return dialect.Empty(), nil
}

func bareRules(ids []string) []string {
	out := make([]string, len(ids))
	for k, id := range ids {
		out[k] = bareRule(id)
	}
	return out
}

// portParam reads a port that a call must name in its query.
func portParam(c *dialect.Call, name string) (int, error) {
	port := c.Int(name, 0)
	if port < 1 || port > 65535 {
		return 0, fault.BadField(name, "must be a port from 1 to 65535")
	}
	return port, nil
}
