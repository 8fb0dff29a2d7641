package bec

import (
	"context"
	"strings"

	"edgecloud/cloud/balancer"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v2appblb"
)

func (d *Door) v2IPGroups() dialect.Handlers {
	return dialect.Handlers{
		wire.OpCreateIPGroup:                d.createIPGroup,
		wire.OpUpdateIPGroup:                d.updateIPGroup,
		wire.OpListIPGroups:                 d.listIPGroups,
		wire.OpDeleteIPGroup:                d.deleteIPGroup,
		wire.OpCreateIPGroupBackendPolicy:   d.createIPGroupPolicy,
		wire.OpUpdateIPGroupBackendPolicy:   d.updateIPGroupPolicy,
		wire.OpListIPGroupBackendPolicies:   d.listIPGroupPolicies,
		wire.OpDeleteIPGroupBackendPolicies: d.deleteIPGroupPolicies,
		wire.OpCreateIPGroupMembers:         d.createIPGroupMembers,
		wire.OpUpdateIPGroupMembers:         d.updateIPGroupMembers,
		wire.OpListIPGroupMembers:           d.listIPGroupMembers,
		wire.OpDeleteIPGroupMembers:         d.deleteIPGroupMembers,
	}
}

// ipGroupFields are the names that the cloud's faults give to fields of IP groups.
var ipGroupFields = map[string]string{"group": "ipGroupId", "port": "id", "ports": "backendPolicyIdList", "member": "memberId", "members": "memberList", "description": "desc"}

func inIPGroupWords(err error) error {
	return inAppWords(renamed(memberField(err, "memberList", map[string]string{"address": "ip"}), ipGroupFields))
}

func ipMembersIn(in []wire.CreateIPGroupMember) (out []balancer.NewAddress) {
	for _, m := range in {
		out = append(out, balancer.NewAddress{Address: m.IP, Port: int(m.Port), Weight: int64(m.Weight)})
	}
	return out
}

func (d *Door) createIPGroup(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateBLBIPGroupRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	g, err := d.Balancers.CreateGroup(ctx, c.Caller, pathBLB(c), balancer.NewGroup{Kind: balancer.Addresses, Name: in.Name, Description: scalar.Value(in.Desc), Addresses: ipMembersIn(in.MemberList)})
	if err != nil {
		return nil, inIPGroupWords(err)
	}
	return dialect.OK(wire.CreateIPGroupResponse{ID: new(appGroupID(g.Kind, g.Slug)), Name: &g.Name, Desc: &g.Description}), nil
}

func (d *Door) updateIPGroup(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateBLBIPGroupRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	err := d.Balancers.UpdateGroup(ctx, c.Caller, pathBLB(c), balancer.Addresses, bareRule(in.IPGroupID), in.Name, in.Desc)
	return emptyOr(inIPGroupWords(err))
}

func emptyOr(err error) (*dialect.Answer, error) {
	if err != nil {
		return nil, err
	}
	return dialect.Empty(), nil
}

// named keeps the groups that a list asks for by name: part of it, or all of it where exactlyMatch is true.
func named(c *dialect.Call, found []*balancer.GroupDetail) (out []*balancer.GroupDetail) {
	name, exact := c.Param("name"), c.Param("exactlyMatch") == "true"
	for _, g := range found {
		if exact && name != "" && g.Name != name || !strings.Contains(g.Name, name) {
			continue
		}
		out = append(out, g)
	}
	return out
}

func groupSlug(g *balancer.GroupDetail) string { return g.Slug }

func (d *Door) listIPGroups(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	found, err := d.Balancers.Groups(ctx, c.Caller, pathBLB(c), balancer.Addresses)
	if err != nil {
		return nil, err
	}
	page, size, next := appPage(c, named(c, found), groupSlug)
	out := wire.ListIPGroupsResponse{IsTruncated: new(next != ""), MaxKeys: &size, AppIPGroupList: []wire.AppIPGroup{}}
	echo(c, &out.Marker, &out.NextMarker, "bec_ip_group-", next)
	for _, g := range page {
		v := wire.AppIPGroup{ID: new(appGroupID(g.Kind, g.Slug)), Name: &g.Name, Desc: &g.Description, BackendPolicyList: []wire.BackendPolicy{}}
		for _, p := range g.Ports {
			v.BackendPolicyList = append(v.BackendPolicyList, backendPolicy(p))
		}
		out.AppIPGroupList = append(out.AppIPGroupList, v)
	}
	return dialect.OK(out), nil
}

func (d *Door) deleteIPGroup(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.DeleteBLBIPGroupRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	return emptyOr(inIPGroupWords(d.Balancers.DeleteGroup(ctx, c.Caller, pathBLB(c), balancer.Addresses, bareRule(in.IPGroupID))))
}

// groupCheck is what calls say of a health check; nil stays, or is the default.
type groupCheck struct {
	protocol                          *string
	port, interval, timeout, down, up *scalar.Int
	host, path, statuses, send        *string
}

func (w groupCheck) on(check balancer.Check) balancer.Check {
	for _, f := range []struct {
		from *scalar.Int
		to   *int
	}{{w.port, &check.Port}, {w.interval, &check.IntervalSeconds}, {w.timeout, &check.TimeoutSeconds}, {w.down, &check.Unhealthy}, {w.up, &check.Healthy}} {
		if f.from != nil {
			*f.to = int(*f.from)
		}
	}
	for _, f := range []struct{ from, to *string }{{w.host, &check.Host}, {w.path, &check.Path}, {w.statuses, &check.Statuses}, {w.send, &check.Send}} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	if w.protocol != nil {
		check.Protocol = strings.ToLower(*w.protocol)
	}
	return check
}

func backendPolicy(p *balancer.GroupPort) wire.BackendPolicy {
	v := wire.BackendPolicy{ID: new("bec_ip_group_policy-" + p.Slug), Type: new(strings.ToUpper(p.Protocol))}
	check := p.Check.V
	v.HealthCheck, v.HealthCheckURLPath = new(strings.ToUpper(check.Protocol)), &check.Path
	v.HealthCheckIntervalInSecond, v.HealthCheckTimeoutInSecond = new(int32(check.IntervalSeconds)), new(int32(check.TimeoutSeconds))
	v.HealthCheckDownRetry, v.HealthCheckUpRetry = new(int32(check.Unhealthy)), new(int32(check.Healthy))
	v.HealthCheckPort, v.HealthCheckHost = given(int32(check.Port)), given(check.Host)
	v.HealthCheckNormalStatus, v.UDPHealthCheckString = given(check.Statuses), given(check.Send)
	return v
}

// given is nil for what is not set.
func given[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func (d *Door) createIPGroupPolicy(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateBLBIPGroupBackendPolicyRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	check := groupCheck{&in.HealthCheck, in.HealthCheckPort, in.HealthCheckIntervalInSecond, in.HealthCheckTimeoutInSecond, in.HealthCheckDownRetry, in.HealthCheckUpRetry,
		in.HealthCheckHost, in.HealthCheckURLPath, in.HealthCheckNormalStatus, in.UDPHealthCheckString}.on(balancer.Check{})
	p, err := d.Balancers.AddGroupPort(ctx, c.Caller, pathBLB(c), balancer.Addresses, bareRule(in.IPGroupID), balancer.NewGroupPort{Protocol: strings.ToLower(in.Type), Check: check})
	if err != nil {
		return nil, inIPGroupWords(err)
	}
	return dialect.OK(wire.CreateBackendPolicyResponse{ID: backendPolicy(p).ID}), nil
}

func (d *Door) updateIPGroupPolicy(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateBLBIPGroupBackendPolicyRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	change := groupCheck{nil, in.HealthCheckPort, in.HealthCheckIntervalInSecond, in.HealthCheckTimeoutInSecond, in.HealthCheckDownRetry, in.HealthCheckUpRetry,
		in.HealthCheckHost, in.HealthCheckURLPath, in.HealthCheckNormalStatus, in.UDPHealthCheckString}
	return emptyOr(inIPGroupWords(d.Balancers.ChangeGroupPort(ctx, c.Caller, pathBLB(c), balancer.Addresses, bareRule(in.IPGroupID), bareRule(in.ID), func(p balancer.NewGroupPort) (balancer.NewGroupPort, error) {
		p.Check = change.on(p.Check)
		return p, nil
	})))
}

func (d *Door) listIPGroupPolicies(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	found, err := d.Balancers.GroupPorts(ctx, c.Caller, pathBLB(c), balancer.Addresses, bareRule(c.Param("ipGroupId")))
	if err != nil {
		return nil, inIPGroupWords(err)
	}
	page, size, next := appPage(c, found, func(p *balancer.GroupPort) string { return p.Slug })
	out := wire.ListBackendPoliciesResponse{IsTruncated: new(next != ""), MaxKeys: &size, BackendPolicyList: []wire.BackendPolicy{}}
	echo(c, &out.Marker, &out.NextMarker, "bec_ip_group_policy-", next)
	for _, p := range page {
		out.BackendPolicyList = append(out.BackendPolicyList, backendPolicy(p))
	}
	return dialect.OK(out), nil
}

func (d *Door) deleteIPGroupPolicies(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.DeleteBLBIPGroupBackendPolicyRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	return emptyOr(inIPGroupWords(d.Balancers.DropGroupPorts(ctx, c.Caller, pathBLB(c), balancer.Addresses, bareRule(in.IPGroupID), bareRules(in.BackendPolicyIDList))))
}

func ipMember(m *balancer.AddressMember) wire.IPGroupMember {
	return wire.IPGroupMember{MemberID: new("bec_ip_member-" + m.Slug), IP: &m.Address, Port: new(int32(m.Port)), Weight: new(int32(m.Weight))}
}

func (d *Door) createIPGroupMembers(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateBLBIPGroupMemberRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	made, err := d.Balancers.AddAddresses(ctx, c.Caller, pathBLB(c), bareRule(in.IPGroupID), ipMembersIn(in.MemberList))
	if err != nil {
		return nil, inIPGroupWords(err)
	}
	out := wire.CreateIPGroupMembersResponse{}
	for _, m := range made {
		out.MemberList = append(out.MemberList, ipMember(m))
	}
	return dialect.OK(out), nil
}

func (d *Door) updateIPGroupMembers(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateBLBIPGroupMemberRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	var wanted []balancer.AddressChange
	for _, m := range in.MemberList {
		w := balancer.AddressChange{Member: bareRule(m.MemberID)}
		if m.Port != nil {
			w.Port = new(int(*m.Port))
		}
		if m.Weight != nil {
			w.Weight = new(int64(*m.Weight))
		}
		wanted = append(wanted, w)
	}
	return emptyOr(inIPGroupWords(d.Balancers.ChangeAddresses(ctx, c.Caller, pathBLB(c), bareRule(in.IPGroupID), wanted)))
}

func (d *Door) listIPGroupMembers(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	found, err := d.Balancers.Addresses(ctx, c.Caller, pathBLB(c), bareRule(c.Param("ipGroupId")))
	if err != nil {
		return nil, inIPGroupWords(err)
	}
	page, size, next := appPage(c, found, func(m *balancer.AddressMember) string { return m.Slug })
	out := wire.ListIPGroupMembersResponse{IsTruncated: new(next != ""), MaxKeys: &size, MemberList: []wire.IPGroupMember{}}
	echo(c, &out.Marker, &out.NextMarker, "bec_ip_member-", next)
	for _, m := range page {
		out.MemberList = append(out.MemberList, ipMember(m))
	}
	return dialect.OK(out), nil
}

func (d *Door) deleteIPGroupMembers(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.DeleteBLBIPGroupMemberRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	return emptyOr(inIPGroupWords(d.Balancers.DropAddresses(ctx, c.Caller, pathBLB(c), bareRule(in.IPGroupID), bareRules(in.MemberIDList))))
}
