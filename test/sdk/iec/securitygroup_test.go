package iec_test

import (
	"net/http"
	"testing"

	"github.com/huaweicloud/golangsdk/openstack/iec/v1/common"
	"github.com/huaweicloud/golangsdk/openstack/iec/v1/security/groups"
	"github.com/huaweicloud/golangsdk/openstack/iec/v1/security/rules"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/iec/v1/model"
	"github.com/stretchr/testify/require"

	"edgecloud/cloud/quota"
)

func TestLifeOfASecurityGroup(t *testing.T) {
	n := newTenant(t)
	made, err := groups.Create(n.golang, groups.CreateOpts{Name: "sg002", Description: "用于视频处理组"}).Extract()
	require.NoError(t, err)
	require.Equal(t, []any{"sg002", "用于视频处理组"}, []any{made.Name, made.Description})
	require.Empty(t, made.SecurityGroupRules, "a new one has no rules")
	plain, err := groups.Create(n.golang, groups.CreateOpts{Name: "sg002"}).Extract()
	require.NoError(t, err, "names need not be unique")
	shown, err := groups.Get(n.golang, made.ID).Extract()
	require.NoError(t, err)
	require.Equal(t, made, shown)
	list, err := groups.List(n.golang, groups.ListOpts{}).Extract()
	require.NoError(t, err)
	require.Equal(t, 2, list.Count)
	_, err = groups.Create(n.golang, groups.CreateOpts{Name: "default"}).Extract()
	refused(t, err, http.StatusBadRequest, "IEC.020310")
	n.limit(t, quota.SecurityGroups, 2)
	_, err = groups.Create(n.golang, groups.CreateOpts{Name: "third"}).Extract()
	refused(t, err, http.StatusBadRequest, "IEC.020401")

	rule, err := rules.Create(n.golang, rules.CreateOpts{SecurityGroupRule: &common.ReqSecurityGroupRuleEntity{SecurityGroupID: made.ID, Direction: "ingress", RemoteGroupID: plain.ID}}).Extract()
	require.NoError(t, err)
	refused(t, groups.Delete(n.golang, plain.ID).ExtractErr(), http.StatusConflict, "IEC.020202")
	require.NoError(t, rules.Delete(n.golang, rule.SecurityGroupRule.ID).ExtractErr())
	for _, id := range []string{plain.ID, made.ID} {
		require.NoError(t, groups.Delete(n.golang, id).ExtractErr())
		_, err = groups.Get(n.golang, id).Extract()
		refused(t, err, http.StatusNotFound, "IEC.020204")
	}
}

func TestASecurityGroupInUseStays(t *testing.T) {
	g := newGround(t)
	server := g.create(t, g.options("one"))[0]
	g.becomes(t, server, "ACTIVE", "BUILD")
	refused(t, groups.Delete(g.golang, g.group).ExtractErr(), http.StatusConflict, "IEC.020202")
	list, err := groups.List(g.golang, groups.ListOpts{}).Extract()
	require.NoError(t, err)
	for _, sg := range list.SecurityGroups {
		if sg.Name == "default" {
			refused(t, groups.Delete(g.golang, sg.ID).ExtractErr(), http.StatusNotFound, "IEC.020311")
		}
	}
	g.deleteServers(t, server)
	require.NoError(t, groups.Delete(g.golang, g.group).ExtractErr())
}

// TestRulesReadBackAsTheyWereGiven: Terraform compares every member, and stops at a port that is no text.
func TestRulesReadBackAsTheyWereGiven(t *testing.T) {
	n := newTenant(t)
	g, err := groups.Create(n.golang, groups.CreateOpts{Name: "sg"}).Extract()
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		in       common.ReqSecurityGroupRuleEntity
		min, max string
	}{
		"tcp":              {common.ReqSecurityGroupRuleEntity{Direction: "ingress", EtherType: "IPv4", Protocol: "tcp", PortRangeMin: 80, PortRangeMax: 90, RemoteIPPrefix: "192.168.0.0/16", Description: "web"}, "80", "90"},
		"one port":         {common.ReqSecurityGroupRuleEntity{Direction: "egress", EtherType: "IPv4", Protocol: "udp", PortRangeMin: 53, PortRangeMax: 53, RemoteIPPrefix: "0.0.0.0/0"}, "53", "53"},
		"the whole range":  {common.ReqSecurityGroupRuleEntity{Direction: "ingress", EtherType: "IPv4", Protocol: "tcp", PortRangeMin: 1, PortRangeMax: 65535, RemoteIPPrefix: "0.0.0.0/0"}, "1", "65535"},
		"no ports":         {common.ReqSecurityGroupRuleEntity{Direction: "ingress", EtherType: "IPv4", Protocol: "tcp", PortRangeMin: 0, PortRangeMax: 0, RemoteIPPrefix: "0.0.0.0/0"}, "", ""},
		"icmp":             {common.ReqSecurityGroupRuleEntity{Direction: "ingress", EtherType: "IPv4", Protocol: "icmp", RemoteIPPrefix: "10.0.0.1"}, "", ""},
		"gre":              {common.ReqSecurityGroupRuleEntity{Direction: "ingress", EtherType: "IPv4", Protocol: "gre", PortRangeMin: 0, PortRangeMax: 0, RemoteIPPrefix: "10.0.0.9/24"}, "", ""},
		"a number":         {common.ReqSecurityGroupRuleEntity{Direction: "ingress", EtherType: "IPv4", Protocol: "112", RemoteIPPrefix: "0.0.0.0/0"}, "", ""},
		"its own group":    {common.ReqSecurityGroupRuleEntity{Direction: "ingress", EtherType: "IPv4", Protocol: "tcp", PortRangeMin: 22, PortRangeMax: 22, RemoteGroupID: g.ID}, "22", "22"},
		"IPv6":             {common.ReqSecurityGroupRuleEntity{Direction: "egress", EtherType: "IPv6", Protocol: "icmpv6", RemoteIPPrefix: "::/0"}, "", ""},
		"in other letters": {common.ReqSecurityGroupRuleEntity{Direction: "INGRESS", EtherType: "ipv4", Protocol: "TCP", PortRangeMin: 7, PortRangeMax: 7, RemoteIPPrefix: "0.0.0.0/0"}, "7", "7"},
		"everything":       {common.ReqSecurityGroupRuleEntity{Direction: "egress", RemoteIPPrefix: "0.0.0.0/0"}, "", ""},
	} {
		tt.in.SecurityGroupID = g.ID
		made, err := rules.Create(n.golang, rules.CreateOpts{SecurityGroupRule: &tt.in}).Extract()
		require.NoError(t, err, name)
		want := common.RespSecurityGroupRuleEntity{ID: made.SecurityGroupRule.ID, Description: tt.in.Description, SecurityGroupID: g.ID, Direction: tt.in.Direction, EtherType: tt.in.EtherType,
			Protocol: tt.in.Protocol, PortRangeMin: tt.min, PortRangeMax: tt.max, RemoteIPPrefix: tt.in.RemoteIPPrefix, RemoteGroupID: tt.in.RemoteGroupID}
		if want.EtherType == "" {
			want.EtherType = "IPv4"
		}
		require.Equal(t, want, made.SecurityGroupRule, name)
		shown, err := rules.Get(n.golang, want.ID).Extract()
		require.NoError(t, err, name)
		require.Equal(t, want, shown.SecurityGroupRule, name)
	}
	all, err := n.v3.ListSecurityGroupRules(&model.ListSecurityGroupRulesRequest{SecurityGroupId: &g.ID})
	require.NoError(t, err)
	require.EqualValues(t, 11, *all.Count)
	shown, err := groups.Get(n.golang, g.ID).Extract()
	require.NoError(t, err)
	require.Len(t, shown.SecurityGroupRules, 11)
	for _, r := range shown.SecurityGroupRules {
		require.IsType(t, "", r.PortRangeMin)
		require.IsType(t, "", r.PortRangeMax)
	}
	id := shown.SecurityGroupRules[0].ID
	require.NoError(t, rules.Delete(n.golang, id).ExtractErr())
	_, err = rules.Get(n.golang, id).Extract()
	refused(t, err, http.StatusNotFound, "IEC.020304")
	refused(t, rules.Delete(n.golang, id).ExtractErr(), http.StatusNotFound, "IEC.020304")
	require.NoError(t, groups.Delete(n.golang, g.ID).ExtractErr(), "with its rules")
}

func TestRulesDenyInAnOrder(t *testing.T) {
	n := newTenant(t)
	g, err := groups.Create(n.golang, groups.CreateOpts{Name: "sg"}).Extract()
	require.NoError(t, err)
	option := model.CreateSecurityGroupRuleOption{SecurityGroupId: g.ID, Direction: model.GetCreateSecurityGroupRuleOptionDirectionEnum().INGRESS, RemoteIpPrefix: new("0.0.0.0/0"),
		Action: new("deny"), Priority: new(int32(7))}
	made, err := n.v3.CreateSecurityGroupRule(&model.CreateSecurityGroupRuleRequest{Body: &model.CreateSecurityGroupRuleRequestBody{SecurityGroupRule: &option}})
	require.NoError(t, err)
	require.Equal(t, []any{"deny", int32(7), "", ""}, []any{*made.SecurityGroupRule.Action, *made.SecurityGroupRule.Priority, *made.SecurityGroupRule.PortRangeMin, *made.SecurityGroupRule.RemoteGroupId})
	option.Action, option.Priority = nil, nil
	made, err = n.v3.CreateSecurityGroupRule(&model.CreateSecurityGroupRuleRequest{Body: &model.CreateSecurityGroupRuleRequestBody{SecurityGroupRule: &option}})
	require.NoError(t, err, "the same match, but it allows")
	require.Equal(t, []any{"allow", int32(1)}, []any{*made.SecurityGroupRule.Action, *made.SecurityGroupRule.Priority})
	_, err = n.v3.CreateSecurityGroupRule(&model.CreateSecurityGroupRuleRequest{Body: &model.CreateSecurityGroupRuleRequestBody{SecurityGroupRule: &option}})
	refusedV3(t, err, http.StatusBadRequest, "IEC.020300")
}

func TestWrongRulesAreRefused(t *testing.T) {
	n := newTenant(t)
	g, err := groups.Create(n.golang, groups.CreateOpts{Name: "sg"}).Extract()
	require.NoError(t, err)
	good := common.ReqSecurityGroupRuleEntity{SecurityGroupID: g.ID, Direction: "ingress", EtherType: "IPv4", Protocol: "tcp", PortRangeMin: 80, PortRangeMax: 80, RemoteIPPrefix: "0.0.0.0/0"}
	for _, tt := range []struct {
		what   string
		change func(*common.ReqSecurityGroupRuleEntity)
		status int
		code   string
	}{
		{"min above max", func(r *common.ReqSecurityGroupRuleEntity) { r.PortRangeMin = 81 }, 409, "IEC.020305"},
		{"port too high", func(r *common.ReqSecurityGroupRuleEntity) { r.PortRangeMax = 70000 }, 409, "IEC.020305"},
		{"half a range", func(r *common.ReqSecurityGroupRuleEntity) { r.PortRangeMin = nil }, 409, "IEC.020305"},
		{"ports of icmp", func(r *common.ReqSecurityGroupRuleEntity) { r.Protocol = "icmp" }, 409, "IEC.020305"},
		{"other IP version", func(r *common.ReqSecurityGroupRuleEntity) { r.RemoteIPPrefix = "::/0" }, 400, "IEC.020307"},
		{"prefix and group", func(r *common.ReqSecurityGroupRuleEntity) { r.RemoteGroupID = g.ID }, 400, "IEC.020308"},
		{"neither", func(r *common.ReqSecurityGroupRuleEntity) { r.RemoteIPPrefix = "" }, 400, "IEC.000007"},
		{"no address", func(r *common.ReqSecurityGroupRuleEntity) { r.RemoteIPPrefix = "ten" }, 400, "IEC.000007"},
		{"direction", func(r *common.ReqSecurityGroupRuleEntity) { r.Direction = "up" }, 400, "IEC.000007"},
		{"protocol", func(r *common.ReqSecurityGroupRuleEntity) { r.Protocol = "carrier-pigeon" }, 400, "IEC.000007"},
		{"icmp of IPv6", func(r *common.ReqSecurityGroupRuleEntity) {
			*r = common.ReqSecurityGroupRuleEntity{SecurityGroupID: g.ID, Direction: "ingress", EtherType: "IPv6", Protocol: "icmp", RemoteIPPrefix: "::/0"}
		}, 400, "IEC.000007"},
		{"no such group", func(r *common.ReqSecurityGroupRuleEntity) { r.SecurityGroupID = n.site.UID }, 404, "IEC.020204"},
		{"no such remote group", func(r *common.ReqSecurityGroupRuleEntity) { r.RemoteIPPrefix, r.RemoteGroupID = "", n.site.UID }, 404, "IEC.020204"},
	} {
		r := good
		tt.change(&r)
		_, err := rules.Create(n.golang, rules.CreateOpts{SecurityGroupRule: &r}).Extract()
		t.Log(tt.what)
		refused(t, err, tt.status, tt.code)
	}
	n.limit(t, quota.SecurityGroupRules, 1)
	_, err = rules.Create(n.golang, rules.CreateOpts{SecurityGroupRule: &good}).Extract()
	require.NoError(t, err)
	other := good
	other.PortRangeMin, other.PortRangeMax = 81, 81
	_, err = rules.Create(n.golang, rules.CreateOpts{SecurityGroupRule: &other}).Extract()
	refused(t, err, http.StatusBadRequest, "IEC.020306")
	other.Direction = "egress"
	_, err = rules.Create(n.golang, rules.CreateOpts{SecurityGroupRule: &other}).Extract()
	require.NoError(t, err, "each direction has its own limit")
	n.limit(t, quota.SecurityGroupRules, 50)
	n.limit(t, quota.TotalSecurityGroupRules, 2)
	other.PortRangeMin, other.PortRangeMax = 82, 82
	_, err = rules.Create(n.golang, rules.CreateOpts{SecurityGroupRule: &other}).Extract()
	refused(t, err, http.StatusBadRequest, "IEC.020401")
}
