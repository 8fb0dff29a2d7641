package iec_test

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/huaweicloud/golangsdk/openstack/iec/v1/firewalls"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/iec/v1/model"
	"github.com/stretchr/testify/require"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/network"
	"edgecloud/controlplane/controlplanetest"
	"edgecloud/engine/sim"
	"edgecloud/link/spec"
)

// firstSite is the simulated site that the ground is on.
func (n *tenant) firstSite(t *testing.T) *sim.Site {
	t.Helper()
	for _, s := range n.World.Sites() {
		if s.Name() == n.site.Name {
			return s
		}
	}
	t.Fatal("there is no such site")
	return nil
}

// rule is what Terraform's provider sends for its resource huaweicloud_iec_network_acl_rule.
func rule(operate, id, action, protocol, port string) firewalls.ReqFirewallRulesOpts {
	return firewalls.ReqFirewallRulesOpts{ID: id, Enabled: new(true), Protocol: protocol, Action: action, IPVersion: 4, DstIPAddr: "10.5.1.0/24", DstPort: port,
		SrcIPAddr: "0.0.0.0/0", OperateType: operate}
}

func policyOf(id string, rules ...firewalls.ReqFirewallRulesOpts) *firewalls.ReqPolicyOpts {
	return &firewalls.ReqPolicyOpts{PolicyID: id, FirewallRules: &rules}
}

func ruleIDs(p firewalls.RespPolicyEntity) []string {
	ids := []string{}
	for _, r := range p.FirewallRules {
		ids = append(ids, r.ID)
	}
	return ids
}

func (n *tenant) bindFirewall(t *testing.T, id, name string, subnets ...firewalls.ReqSubnet) error {
	t.Helper()
	if subnets == nil {
		subnets = []firewalls.ReqSubnet{}
	}
	return firewalls.Update(n.golang, id, firewalls.UpdateOpts{Name: name, Subnets: &subnets}).Err
}

// TestLifeOfAFirewall is the life that Terraform leads: made, bound, rules one by one, read back, unbound, deleted.
func TestLifeOfAFirewall(t *testing.T) {
	g := newGround(t)
	made, err := firewalls.Create(g.golang, firewalls.CreateOpts{Name: "acl-网络_1", Description: "words"}).Extract()
	require.NoError(t, err)
	require.Equal(t, []string{"acl-网络_1", "words", "INACTIVE", g.caller.Account}, []string{made.Name, made.Description, made.Status, made.DomainID})
	require.True(t, made.AdminStateUp)
	require.NotEqual(t, made.IngressFWPolicy.ID, made.EgressFWPolicy.ID)
	one := firewalls.ReqSubnet{ID: g.subnets[0], VpcID: g.vpc}
	require.NoError(t, g.bindFirewall(t, made.ID, "acl-网络_1", one))
	shown, err := firewalls.Get(g.golang, made.ID).Extract()
	require.NoError(t, err)
	require.Equal(t, "words", shown.Description, "what is absent stays")
	require.Len(t, shown.Subnets, 1)
	require.Equal(t, []string{g.subnets[0], g.vpc}, []string{shown.Subnets[0].ID, shown.Subnets[0].VpcID})

	add := func(way string, p *firewalls.ReqPolicyOpts) string {
		t.Helper()
		opts := firewalls.UpdateRuleOpts{ReqFirewallInPolicy: p}
		if way == "egress" {
			opts = firewalls.UpdateRuleOpts{ReqFirewallOutPolicy: p}
		}
		answer, err := firewalls.UpdateRule(g.golang, made.ID, opts).Extract()
		require.NoError(t, err)
		got, other := answer.IngressFWPolicy, answer.EgressFWPolicy
		if way == "egress" {
			got, other = other, got
		}
		require.Len(t, got.FirewallRules, 1)
		require.Empty(t, other.FirewallRules)
		return got.FirewallRules[0].ID
	}
	web := add("ingress", policyOf(made.IngressFWPolicy.ID, rule("add", "", "allow", "tcp", "80-90")))
	all := add("ingress", policyOf(made.IngressFWPolicy.ID, rule("add", "", "deny", "any", "")))
	out := add("egress", policyOf(made.EgressFWPolicy.ID, rule("add", "", "allow", "any", "")))
	require.Equal(t, web, add("ingress", policyOf(made.IngressFWPolicy.ID, rule("modify", web, "allow", "udp", "53"))))
	shown, err = firewalls.Get(g.golang, made.ID).Extract()
	require.NoError(t, err)
	require.Equal(t, [][]string{{web, all}, {out}}, [][]string{ruleIDs(shown.IngressFWPolicy), ruleIDs(shown.EgressFWPolicy)}, "in the order of application")
	require.Equal(t, firewalls.RespFirewallRulesEntity{ID: web, Enabled: true, Action: "allow", Protocol: "udp", IPVersion: 4, DstIPAddr: "10.5.1.0/24", DstPort: "53",
		SrcIPAddr: "0.0.0.0/0", OperateType: "normal"}, shown.IngressFWPolicy.FirewallRules[0], "as it was given")
	list, err := firewalls.List(g.golang, firewalls.ListOpts{Name: "网络"}).Extract()
	require.NoError(t, err)
	require.Equal(t, []int{2, 1}, []int{int(list.Firewalls[0].IngressFWRuleCount), int(list.Firewalls[0].EgressFWRuleCount)})

	g.firewallOrder(t, made.ID)
	refused(t, firewalls.Delete(g.golang, made.ID).ExtractErr(), http.StatusInternalServerError, "IEC.020913")
	require.NoError(t, g.bindFirewall(t, made.ID, "acl-网络_1"))
	require.NoError(t, firewalls.Delete(g.golang, made.ID).ExtractErr())
	_, err = firewalls.Get(g.golang, made.ID).Extract()
	refused(t, err, http.StatusNotFound, "IEC.020903")
}

// firewallOrder places rules beside others through the newer path, several at once.
func (g *ground) firewallOrder(t *testing.T, id string) {
	t.Helper()
	v3Rule := func(name string) model.FirewallRule {
		return model.FirewallRule{Name: name, Action: model.GetFirewallRuleActionEnum().ALLOW, Enabled: true, IpVersion: 4, Protocol: model.GetFirewallRuleProtocolEnum().TCP,
			SourceIpAddress: "10.0.0.1/8", DestinationIpAddress: "10.5.1.9", OperateType: model.GetFirewallRuleOperateTypeEnum().ADD}
	}
	policy := func() *model.FirewallPolicy {
		shown, err := g.v3.ShowFirewall(&model.ShowFirewallRequest{FirewallId: id})
		require.NoError(t, err)
		return shown.Firewall.IngressFirewallPolicy
	}
	names := func() (out []string) {
		for _, r := range policy().FirewallRules {
			out = append(out, r.Name)
		}
		return out
	}
	before := policy()
	change := func(p model.FirewallPolicy) {
		t.Helper()
		p.Id = before.Id
		_, err := g.v3.UpdateFirewallRule(&model.UpdateFirewallRuleRequest{FirewallId: id, Body: &model.UpdateFirewallRuleRequestBody{
			Firewall: &model.UpdateFirewallRuleOption{IngressFirewallPolicy: &p}}})
		require.NoError(t, err)
	}
	first, last := before.FirewallRules[0].Id, before.FirewallRules[1].Id
	change(model.FirewallPolicy{FirewallRules: []model.FirewallRule{v3Rule("b"), v3Rule("c")}, InsertAfter: &first})
	change(model.FirewallPolicy{FirewallRules: []model.FirewallRule{v3Rule("a")}, InsertBefore: &first})
	change(model.FirewallPolicy{FirewallRules: []model.FirewallRule{v3Rule("z")}})
	require.Equal(t, []string{"a", "", "b", "c", "", "z"}, names())
	change(model.FirewallPolicy{FirewallRules: []model.FirewallRule{{Id: first, OperateType: model.GetFirewallRuleOperateTypeEnum().DELETE},
		{Id: last, OperateType: model.GetFirewallRuleOperateTypeEnum().DELETE}}})
	require.Equal(t, []string{"a", "b", "c", "z"}, names())
	require.Equal(t, "10.0.0.1/8", policy().FirewallRules[0].SourceIpAddress, "as it was given, host bits too")
}

// TestFirewallRefusals are wrong requests and wrong orders, with the document's codes.
func TestFirewallRefusals(t *testing.T) {
	g := newGround(t)
	make := func(name string) *firewalls.Firewall {
		made, err := firewalls.Create(g.golang, firewalls.CreateOpts{Name: name}).Extract()
		require.NoError(t, err)
		return made
	}
	one, two := make("one"), make("two")
	_, err := firewalls.Create(g.golang, firewalls.CreateOpts{Name: "no blanks"}).Extract()
	refused(t, err, http.StatusBadRequest, "IEC.020911")
	_, err = firewalls.Get(g.golang, "nonsense").Extract()
	refused(t, err, http.StatusBadRequest, "IEC.020915")
	refused(t, firewalls.Delete(g.golang, "nonsense").ExtractErr(), http.StatusBadRequest, "IEC.020915")
	refused(t, firewalls.Delete(g.golang, g.vpc).ExtractErr(), http.StatusNotFound, "IEC.020903")
	refused(t, g.bindFirewall(t, one.ID, ""), http.StatusBadRequest, "IEC.020909")
	refused(t, g.bindFirewall(t, one.ID, "one", firewalls.ReqSubnet{ID: g.vpc, VpcID: g.vpc}), http.StatusNotFound, "IEC.020003")
	refused(t, g.bindFirewall(t, one.ID, "one", firewalls.ReqSubnet{ID: g.subnets[0], VpcID: g.group}), http.StatusNotFound, "IEC.020003")
	require.NoError(t, g.bindFirewall(t, one.ID, "one", firewalls.ReqSubnet{ID: g.subnets[0], VpcID: g.vpc}))
	refused(t, g.bindFirewall(t, two.ID, "two", firewalls.ReqSubnet{ID: g.subnets[1]}, firewalls.ReqSubnet{ID: g.subnets[0]}), http.StatusInternalServerError, "IEC.020914")
	shown, err := firewalls.Get(g.golang, two.ID).Extract()
	require.NoError(t, err)
	require.Empty(t, shown.Subnets, "all or none")

	for name, wrong := range map[string]firewalls.ReqFirewallRulesOpts{
		"protocol": rule("add", "", "allow", "gre", ""), "action": rule("add", "", "pass", "tcp", ""), "port": rule("add", "", "allow", "tcp", "90-80"),
		"too high a port": rule("add", "", "allow", "tcp", "65536"), "ports of icmp": rule("add", "", "allow", "icmp", "80"), "unknown rule": rule("modify", g.vpc, "allow", "tcp", "80"),
		"id of a new rule": rule("add", g.vpc, "allow", "tcp", "80"), "gone": rule("delete", g.vpc, "", "", ""),
	} {
		_, err := firewalls.UpdateRule(g.golang, one.ID, firewalls.UpdateRuleOpts{ReqFirewallInPolicy: policyOf(one.IngressFWPolicy.ID, rule("add", "", "allow", "any", ""), wrong)}).Extract()
		status, body := statusOf(err)
		require.Equal(t, http.StatusBadRequest, status, name)
		require.Contains(t, body, "IEC.020910", name)
	}
	six := rule("add", "", "allow", "any", "")
	six.IPVersion, six.SrcIPAddr, six.DstIPAddr = 6, "::/0", "::/0"
	_, err = firewalls.UpdateRule(g.golang, one.ID, firewalls.UpdateRuleOpts{ReqFirewallInPolicy: policyOf(one.IngressFWPolicy.ID, six)}).Extract()
	refused(t, err, http.StatusBadRequest, "IEC.020917")
	_, err = firewalls.UpdateRule(g.golang, one.ID, firewalls.UpdateRuleOpts{ReqFirewallInPolicy: policyOf(two.IngressFWPolicy.ID, rule("add", "", "allow", "any", ""))}).Extract()
	refused(t, err, http.StatusNotFound, "IEC.020903")
	both := firewalls.UpdateRuleOpts{ReqFirewallInPolicy: policyOf(one.IngressFWPolicy.ID, rule("add", "", "allow", "any", "")), ReqFirewallOutPolicy: policyOf(one.EgressFWPolicy.ID, rule("add", "", "allow", "any", ""))}
	_, err = firewalls.UpdateRule(g.golang, one.ID, both).Extract()
	refused(t, err, http.StatusBadRequest, "IEC.020910")
	shown, err = firewalls.Get(g.golang, one.ID).Extract()
	require.NoError(t, err)
	require.Empty(t, shown.IngressFWPolicy.FirewallRules, "nothing was changed by what was refused")

	stranger, reader := tenantOf(t, g.Cloud, "stranger"), tenantAs(t, g.Cloud, "reading", identity.Reader)
	_, err = firewalls.Get(stranger.golang, one.ID).Extract()
	refused(t, err, http.StatusNotFound, "IEC.020903")
	_, err = firewalls.Create(reader.golang, firewalls.CreateOpts{Name: "mine"}).Extract()
	refused(t, err, http.StatusForbidden, "IEC.000005")
}

// TestAFirewallDecidesWhatCrosses follows a change from the API to the packets.
func TestAFirewallDecidesWhatCrosses(t *testing.T) {
	g := newGround(t)
	_, err := g.Control.Networks.AddRules(t.Context(), g.caller, g.group, []network.NewRule{{Direction: spec.Ingress, Protocol: "tcp", PortMin: 80, PortMax: 81}, {Direction: spec.Egress}})
	require.NoError(t, err)
	ids := g.create(t, g.options("edge"))
	g.becomes(t, ids[0], "ACTIVE", "BUILD")
	ports := g.portsOf(t, ids[0])
	site, to := g.firstSite(t), netip.MustParseAddr(ports[0].Address)
	reaches := func(want bool, port int, what string) {
		t.Helper()
		controlplanetest.Eventually(t, what, func() bool { return g.World.CanReach(ports[1].UID, to, "tcp", port) == want })
	}
	reaches(true, 80, "without a firewall")
	made, err := firewalls.Create(g.golang, firewalls.CreateOpts{Name: "fw"}).Extract()
	require.NoError(t, err)
	require.NoError(t, g.bindFirewall(t, made.ID, "fw", firewalls.ReqSubnet{ID: g.subnets[0], VpcID: g.vpc}))
	reaches(false, 80, "no rule lets anything in")
	in := firewalls.UpdateRuleOpts{ReqFirewallInPolicy: policyOf(made.IngressFWPolicy.ID, rule("add", "", "allow", "tcp", "80"))}
	_, err = firewalls.UpdateRule(g.golang, made.ID, in).Extract()
	require.NoError(t, err)
	answers := rule("add", "", "allow", "tcp", "")
	answers.SrcIPAddr, answers.DstIPAddr, answers.SrcPort = "10.5.1.0/24", "0.0.0.0/0", "80"
	require.False(t, g.World.CanReach(ports[1].UID, to, "tcp", 80), "no rule lets the answer out")
	_, err = firewalls.UpdateRule(g.golang, made.ID, firewalls.UpdateRuleOpts{ReqFirewallOutPolicy: policyOf(made.EgressFWPolicy.ID, answers)}).Extract()
	require.NoError(t, err)
	reaches(true, 80, "both ways are open")
	require.False(t, g.World.CanReach(ports[1].UID, to, "tcp", 81), "the security group allows it, the firewall does not")
	off := false
	require.NoError(t, firewalls.Update(g.golang, made.ID, firewalls.UpdateOpts{Name: "fw", AdminStateUp: &off}).Err)
	reaches(true, 81, "switched off")
	on := true
	require.NoError(t, firewalls.Update(g.golang, made.ID, firewalls.UpdateOpts{Name: "fw", AdminStateUp: &on}).Err)
	reaches(false, 81, "switched on again")
	require.NoError(t, g.bindFirewall(t, made.ID, "fw"))
	reaches(true, 81, "unbound")
	require.NoError(t, firewalls.Delete(g.golang, made.ID).ExtractErr())
	controlplanetest.Eventually(t, "nothing is left at the site", func() bool {
		objects, err := site.Network().List(t.Context())
		require.NoError(t, err)
		for _, o := range objects {
			if o.Kind == spec.KindNetworkACL {
				return false
			}
		}
		return true
	})
}
