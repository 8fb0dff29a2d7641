package bec

import (
	"context"
	"strconv"
	"strings"

	"edgecloud/cloud/balancer"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v2appblb"
	"edgecloud/fault"
)

func (d *Door) v2ServerGroups() dialect.Handlers {
	return dialect.Handlers{
		wire.OpCreateServerGroup:               d.createServerGroup,
		wire.OpUpdateServerGroup:               d.updateServerGroup,
		wire.OpListServerGroups:                d.listServerGroups,
		wire.OpDeleteServerGroup:               d.deleteServerGroup,
		wire.OpCreateServerGroupPort:           d.createServerGroupPort,
		wire.OpUpdateServerGroupPort:           d.updateServerGroupPort,
		wire.OpDeleteServerGroupPorts:          d.deleteServerGroupPorts,
		wire.OpCreateServerGroupMembers:        d.createServerGroupMembers,
		wire.OpListServerGroupMembers:          d.listServerGroupMembers,
		wire.OpListServerGroupMountedMembers:   d.listServerGroupMembers,
		wire.OpListServerGroupUnmountedMembers: d.listUnmountedMembers,
		wire.OpUpdateServerGroupMemberWeights:  d.weighServerGroupMembers,
		wire.OpDeleteServerGroupMembers:        d.deleteServerGroupMembers,
	}
}

// serverGroupFields are the names that the cloud's faults give to fields of server groups.
var serverGroupFields = map[string]string{"group": "sgId", "ports": "portIdList", "members": "backendServerList"}

func inServerGroupWords(err error) error {
	return inAppWords(renamed(memberField(err, "backendServerList", nil), serverGroupFields))
}

// memberField translates a field such as members[2].weight.
func memberField(err error, list string, words map[string]string) error {
	if err == nil {
		return nil
	}
	f := fault.From(err)
	rest, ok := strings.CutPrefix(f.Field, "members[")
	if !ok {
		return err
	}
	index, name, deeper := strings.Cut(rest, "].")
	if !deeper {
		return renamed(err, map[string]string{f.Field: list + "[" + rest})
	}
	if word, known := words[name]; known {
		name = word
	}
	return renamed(err, map[string]string{f.Field: list + "[" + index + "]." + name})
}

func serversIn(in []wire.BackendServerInput) (out []balancer.Weighted) {
	for _, s := range in {
		out = append(out, balancer.Weighted{Instance: bare("vm-", s.InstanceID), Weight: int64(s.Weight)})
	}
	return out
}

func (d *Door) createServerGroup(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateBLBServerGroupRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	servers := append(in.BackendServerList, in.BackendServerReqList...)
	g, err := d.Balancers.CreateGroup(ctx, c.Caller, pathBLB(c), balancer.NewGroup{Kind: balancer.Servers, Name: in.Name, Description: scalar.Value(in.Desc), Servers: serversIn(servers)})
	if err != nil {
		return nil, inServerGroupWords(err)
	}
	out := wire.CreateServerGroupResponse{ID: new(appGroupID(g.Kind, g.Slug)), Name: &g.Name, Desc: &g.Description, BackendServerList: []wire.BackendServer{}}
	for _, s := range servers {
		out.BackendServerList = append(out.BackendServerList, wire.BackendServer{InstanceID: s.InstanceID, Weight: int32(s.Weight)})
	}
	return dialect.OK(out), nil
}

func (d *Door) updateServerGroup(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateBLBServerGroupRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	return emptyOr(inServerGroupWords(d.Balancers.UpdateGroup(ctx, c.Caller, pathBLB(c), balancer.Servers, bareRule(in.SgID), in.Name, in.Desc)))
}

func (d *Door) listServerGroups(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	found, err := d.Balancers.Groups(ctx, c.Caller, pathBLB(c), balancer.Servers)
	if err != nil {
		return nil, err
	}
	page, size, next := appPage(c, named(c, found), groupSlug)
	out := wire.ListServerGroupsResponse{IsTruncated: new(next != ""), MaxKeys: &size, AppServerGroupList: []wire.AppServerGroup{}}
	echo(c, &out.Marker, &out.NextMarker, "svg-", next)
	for _, g := range page {
		v := wire.AppServerGroup{ID: new(appGroupID(g.Kind, g.Slug)), Name: &g.Name, Desc: &g.Description, PortList: []wire.ServerGroupPort{}}
		for _, p := range g.Ports {
			v.PortList = append(v.PortList, serverGroupPort(p))
		}
		out.AppServerGroupList = append(out.AppServerGroupList, v)
	}
	return dialect.OK(out), nil
}

func serverGroupPort(p *balancer.GroupPort) wire.ServerGroupPort {
	b := backendPolicy(p)
	return wire.ServerGroupPort{ID: new("port-" + p.Slug), Port: new(int32(p.Port)), Type: b.Type, HealthCheck: b.HealthCheck, HealthCheckDownRetry: b.HealthCheckDownRetry, HealthCheckHost: b.HealthCheckHost,
		HealthCheckIntervalInSecond: b.HealthCheckIntervalInSecond, HealthCheckNormalStatus: b.HealthCheckNormalStatus, HealthCheckPort: b.HealthCheckPort, HealthCheckTimeoutInSecond: b.HealthCheckTimeoutInSecond,
		HealthCheckUpRetry: b.HealthCheckUpRetry, HealthCheckURLPath: b.HealthCheckURLPath, UDPHealthCheckString: b.UDPHealthCheckString}
}

func (d *Door) deleteServerGroup(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.DeleteBLBServerGroupRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	return emptyOr(inServerGroupWords(d.Balancers.DeleteGroup(ctx, c.Caller, pathBLB(c), balancer.Servers, bareRule(in.SgID))))
}

func (d *Door) createServerGroupPort(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateBLBServerGroupPortRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	check := groupCheck{&in.HealthCheck, in.HealthCheckPort, in.HealthCheckIntervalInSecond, in.HealthCheckTimeoutInSecond, in.HealthCheckDownRetry, in.HealthCheckUpRetry,
		in.HealthCheckHost, in.HealthCheckURLPath, in.HealthCheckNormalStatus, in.UDPHealthCheckString}.on(balancer.Check{})
	w := balancer.NewGroupPort{Protocol: strings.ToLower(in.Type), Port: int(scalar.Value(in.Port)), Check: check}
	p, err := d.Balancers.AddGroupPort(ctx, c.Caller, pathBLB(c), balancer.Servers, bareRule(in.SgID), w)
	if err != nil {
		return nil, inServerGroupWords(err)
	}
	return dialect.OK(wire.CreateServerGroupPortResponse{ID: new("port-" + p.Slug)}), nil
}

func (d *Door) updateServerGroupPort(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateBLBServerGroupPortRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	change := groupCheck{in.HealthCheck, in.HealthCheckPort, in.HealthCheckIntervalInSecond, in.HealthCheckTimeoutInSecond, in.HealthCheckDownRetry, in.HealthCheckUpRetry,
		in.HealthCheckHost, in.HealthCheckURLPath, in.HealthCheckNormalStatus, in.UDPHealthCheckString}
	err := d.Balancers.ChangeGroupPort(ctx, c.Caller, pathBLB(c), balancer.Servers, bareRule(in.SgID), bareRule(in.PortID), func(p balancer.NewGroupPort) (balancer.NewGroupPort, error) {
		if in.Type != nil {
			p.Protocol = strings.ToLower(*in.Type)
		}
		p.Check = change.on(p.Check)
		return p, nil
	})
	return emptyOr(renamed(inServerGroupWords(err), map[string]string{"port": "portId"}))
}

func (d *Door) deleteServerGroupPorts(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.DeleteBLBServerGroupPortRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	err := d.Balancers.DropGroupPorts(ctx, c.Caller, pathBLB(c), balancer.Servers, bareRule(in.SgID), bareRules(in.PortIDList))
	return emptyOr(renamed(inServerGroupWords(err), map[string]string{"port": "portIdList"}))
}

func (d *Door) createServerGroupMembers(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateBLBServerGroupMemberRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	return emptyOr(inServerGroupWords(d.Balancers.AddServers(ctx, c.Caller, pathBLB(c), bareRule(in.SgID), serversIn(in.BackendServerList))))
}

// listServerGroupMembers answers blbrs and blbrsmount alike: a server group has no other members than those that are mounted.
func (d *Door) listServerGroupMembers(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	found, err := d.Balancers.Servers(ctx, c.Caller, pathBLB(c), bareRule(c.Param("sgId")))
	if err != nil {
		return nil, inServerGroupWords(err)
	}
	page, size, next := appPage(c, found, func(m *balancer.ServerState) string { return m.Slug })
	out := wire.ListServerGroupMembersResponse{IsTruncated: new(next != ""), MaxKeys: &size, BackendServerList: []wire.ServerGroupMember{}}
	echo(c, &out.Marker, &out.NextMarker, "", next)
	for _, m := range page {
		v := wire.ServerGroupMember{InstanceID: new("vm-" + m.Handle), PrivateIP: &m.Address, Weight: new(int32(m.Weight)), PortList: []wire.AppRsPortModel{}}
		for _, p := range m.Ports {
			v.PortList = append(v.PortList, serverPort(p))
		}
		out.BackendServerList = append(out.BackendServerList, v)
	}
	return dialect.OK(out), nil
}

// serverPort tells of a member on one port: Alive or Dead where a policy leads there, and so is checked (the words of Baidu's AppBLB, whose state field this is).
func serverPort(p balancer.PortState) wire.AppRsPortModel {
	v := wire.AppRsPortModel{PortID: new("port-" + p.Port.Slug), BackendPort: new(strconv.Itoa(p.Port.Port)), PortType: new(strings.ToUpper(p.Port.Protocol)),
		HealthCheckPortType: new(strings.ToUpper(p.Port.Check.V.Protocol)), HealthCheckPort: new(int32(p.Port.Check.V.Port)), Status: new("")}
	if p.Listener == nil {
		return v
	}
	v.ListenerPort, v.ListenerPortType, v.PolicyID = new(int32(p.Listener.Port)), new(strings.ToUpper(p.Listener.Protocol)), new("bec_policy-"+p.Policy.Slug)
	v.Status = new("Dead")
	if p.Healthy {
		v.Status = new("Alive")
	}
	return v
}

func (d *Door) listUnmountedMembers(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	m := marker(bare("vm-", c.Param("marker")), c.Int("maxKeys", 0))
	found, next, err := d.Balancers.Free(ctx, c.Caller, pathBLB(c), bareRule(c.Param("sgId")), m)
	if err != nil {
		return nil, inServerGroupWords(err)
	}
	out := wire.ListServerGroupMembersResponse{IsTruncated: new(next != ""), MaxKeys: new(int32(m.Size)), BackendServerList: []wire.ServerGroupMember{}}
	echo(c, &out.Marker, &out.NextMarker, "vm-", next)
	for _, one := range found {
		out.BackendServerList = append(out.BackendServerList, wire.ServerGroupMember{InstanceID: new("vm-" + one.Handle), PrivateIP: &one.Address})
	}
	return dialect.OK(out), nil
}

func (d *Door) weighServerGroupMembers(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateBLBServerGroupMemberRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	return emptyOr(inServerGroupWords(d.Balancers.WeighServers(ctx, c.Caller, pathBLB(c), bareRule(in.SgID), serversIn(in.BackendServerList))))
}

func (d *Door) deleteServerGroupMembers(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.DeleteBLBServerGroupMemberRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	var wanted []balancer.Weighted
	for _, id := range in.BackendServerIDList {
		wanted = append(wanted, balancer.Weighted{Instance: bare("vm-", id)})
	}
	err := d.Balancers.DropServers(ctx, c.Caller, pathBLB(c), bareRule(in.SgID), wanted)
	return emptyOr(renamed(inServerGroupWords(err), map[string]string{"backendServerList": "backendServerIdList"}))
}
