package bec

import (
	"context"
	"strconv"
	"strings"

	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v1nat"
	"edgecloud/fault"
	"edgecloud/store"
)

// What both versions say alike of NAT gateways.

// natID has the node's name in it (conventions, section 10).
func natID(site *place.Site, g *network.NATGatewayDetail) string {
	return "nat-" + site.Name + "-" + g.Slug
}

// bareNAT gives a gateway's slug: what follows the last hyphen. A UID, which has no prefix, passes through.
func bareNAT(id string) string {
	if !strings.HasPrefix(id, "nat-") {
		return id
	}
	return id[strings.LastIndexByte(id, '-')+1:]
}

func pathNAT(c *dialect.Call) string { return bareNAT(c.Path("natId")) }

func natRuleID(slug string) string { return "rule-" + slug }

func pathNATRule(c *dialect.Call) string { return bare("rule-", c.Path("ruleId")) }

var natWords = map[network.NATState]string{network.NATStarting: "starting", network.NATActive: "active", network.NATChanging: "active", network.NATDown: "down", network.NATDeleting: "deleting"}

// natFields are the names that the cloud's faults give to fields.
var natFields = map[string]string{"network": "vpcId", "size": "spec", "mbps": "bandwidth", "description": "desc"}

func inNATWords(err error) error { return renamed(err, natFields) }

// natRuleFields are natFields for rules.
var natRuleFields = map[string]string{"name": "ruleName", "source": "sourceCIDR", "address": "publicIpAddress", "port": "publicPort", "private": "privateIpAddress", "private_port": "privatePort"}

func inNATRuleWords(err error) error { return renamed(err, natRuleFields) }

// natCarrier reads which line a gateway of a three-line node is to be on.
func natCarrier(field string, site *place.Site, codes []string) (place.Carrier, error) {
	if len(codes) == 0 {
		return "", nil
	}
	if site.Carrier != place.TripleLine {
		return "", fault.BadField(field, "%s is not a three-carrier node", site.Name)
	}
	return v1Carriers[codes[0]], nil
}

// natEIPs writes public addresses.
func natEIPs(ips []*network.PublicIP) []wire.NATEIPVo {
	out := []wire.NATEIPVo{}
	for _, ip := range ips {
		out = append(out, natEIP(ip))
	}
	return out
}

func natEIP(ip *network.PublicIP) wire.NATEIPVo {
	return wire.NATEIPVo{IP: &ip.Address, ServiceProvider: new(string(ip.Carrier))}
}

// outwardEIPs are a gateway's addresses for SNAT: one or none.
func outwardEIPs(g *network.NATGatewayDetail) []wire.NATEIPVo {
	if ip := g.Outward(); ip != nil {
		return natEIPs([]*network.PublicIP{ip})
	}
	return natEIPs(nil)
}

func (d *Door) natVo(ctx context.Context, g *network.NATGatewayDetail) (wire.NATVo, error) {
	site, err := d.Place.Site(ctx, g.Site)
	if err != nil {
		return wire.NATVo{}, err
	}
	return wire.NATVo{NATID: new(natID(site, g)), Name: &g.Name, Desc: &g.Description, RegionID: &site.Name, VPCID: new("vpc-" + g.NetworkSlug), Spec: new(string(g.Size)),
		Bandwidth: new(int32(g.Mbps)), Status: new(natWords[g.State]), EIPs: outwardEIPs(g), DnatEIPs: natEIPs(g.Inward()), CreateTime: new(stamp(g.Created))}, nil
}

// updateNAT is the same in both versions, but that 2.0 demands the name.
func (d *Door) updateNAT(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateNATRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if in.Name == nil && in.Desc == nil {
		return nil, fault.BadField("name", "must be given, or else desc")
	}
	return dialect.Empty(), inNATWords(d.Networks.UpdateNATGateway(ctx, c.Caller, pathNAT(c), network.Text{Name: in.Name, Description: in.Desc}))
}

// updateNATBandwidth is the same in both versions.
func (d *Door) updateNATBandwidth(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateNATBandwidthRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	return dialect.Empty(), inNATWords(d.Networks.LimitNATGateway(ctx, c.Caller, pathNAT(c), int64(in.Bandwidth)))
}

// dnatProtocols are the words for what a DNAT rule is for.
var dnatProtocols = map[string]string{"TCP": "tcp", "UDP": "udp", "all": ""}

func dnatWord(protocol string) string {
	for word, p := range dnatProtocols {
		if p == protocol {
			return word
		}
	}
	return ""
}

// natPort reads a port, which comes as text; none is 0.
func natPort(field string, text *string) (int, error) {
	if scalar.Value(text) == "" {
		return 0, nil
	}
	port, err := strconv.Atoi(*text)
	if err != nil {
		return 0, fault.BadField(field, "must be a number from 1 to 65535, not %q", *text)
	}
	return port, nil
}

func dnatRule(in wire.CreateDnatRuleRequest) (w network.NewDNATRule, err error) {
	w = network.NewDNATRule{Name: in.RuleName, Address: in.PublicIPAddress, Private: in.PrivateIPAddress, Protocol: dnatProtocols[in.Protocol]}
	if w.Port, err = natPort("publicPort", in.PublicPort); err != nil {
		return w, err
	}
	w.PrivatePort, err = natPort("privatePort", in.PrivatePort)
	return w, err
}

// addDNATRules adds rules and gives their IDs.
func (d *Door) addDNATRules(ctx context.Context, c *dialect.Call, in []wire.CreateDnatRuleRequest) ([]string, error) {
	wanted := make([]network.NewDNATRule, len(in))
	for k, one := range in {
		var err error
		if wanted[k], err = dnatRule(one); err != nil {
			return nil, err
		}
	}
	added, err := d.Networks.AddDNATRules(ctx, c.Caller, pathNAT(c), wanted)
	ids := make([]string, len(added))
	for k, r := range added {
		ids[k] = natRuleID(r.Slug)
	}
	return ids, inNATRuleWords(err)
}

// createDNATRule is the same in both versions.
func (d *Door) createDNATRule(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateDnatRuleRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	ids, err := d.addDNATRules(ctx, c, []wire.CreateDnatRuleRequest{in})
	return oneRule(ids, err)
}

// createDNATRules is the same in both versions.
func (d *Door) createDNATRules(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.BatchCreateDnatRuleRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	ids, err := d.addDNATRules(ctx, c, in.Rules)
	if err != nil {
		return nil, err
	}
	return dialect.OK(struct {
		RuleIDs []string `json:"ruleIds"`
	}{ids}), nil
}

func oneRule(ids []string, err error) (*dialect.Answer, error) {
	if err != nil {
		return nil, err
	}
	return dialect.OK(struct {
		RuleID string `json:"ruleId"`
	}{ids[0]}), nil
}

// updateDNATRule is the same in both versions.
func (d *Door) updateDNATRule(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateDnatRuleRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	w, err := dnatRule(wire.CreateDnatRuleRequest(in))
	if err != nil {
		return nil, err
	}
	return dialect.Empty(), inNATRuleWords(d.Networks.UpdateDNATRule(ctx, c.Caller, pathNAT(c), pathNATRule(c), w))
}

func dnatVo(natID string, g *network.NATGatewayDetail, r *network.DNATRule) wire.DnatRuleVo {
	out := wire.DnatRuleVo{NATID: &natID, RuleID: new(natRuleID(r.Slug)), RuleName: &r.Name, PrivateIPAddress: &r.Private, Protocol: new(dnatWord(r.Protocol)),
		Status: new(natRuleStatus(g.Usable()))}
	for _, ip := range g.Addresses {
		if ip.UID == r.PublicIP {
			out.PublicIPAddress = new(natEIP(ip))
		}
	}
	if r.Protocol != "" {
		out.PublicPort, out.PrivatePort = new(strconv.Itoa(r.Port)), new(strconv.Itoa(r.PrivatePort))
	}
	return out
}

func natRuleStatus(usable bool) string {
	if usable {
		return "active"
	}
	return "down"
}

// addSNATRules adds rules and gives their IDs.
func (d *Door) addSNATRules(ctx context.Context, c *dialect.Call, in []wire.CreateSnatRuleRequest) ([]string, error) {
	wanted := make([]network.NewSNATRule, len(in))
	for k, one := range in {
		wanted[k] = network.NewSNATRule{Name: one.RuleName, Source: one.SourceCIDR}
	}
	added, err := d.Networks.AddSNATRules(ctx, c.Caller, pathNAT(c), wanted)
	ids := make([]string, len(added))
	for k, r := range added {
		ids[k] = natRuleID(r.Slug)
	}
	return ids, inNATRuleWords(err)
}

// createSNATRule is the same in both versions.
func (d *Door) createSNATRule(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateSnatRuleRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	ids, err := d.addSNATRules(ctx, c, []wire.CreateSnatRuleRequest{in})
	return oneRule(ids, err)
}

// createSNATRules is the same in both versions.
func (d *Door) createSNATRules(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.BatchCreateSnatRuleRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	ids, err := d.addSNATRules(ctx, c, in.SnatRules)
	if err != nil {
		return nil, renamed(err, map[string]string{"rules": "snatRules"})
	}
	return dialect.OK(struct {
		RuleIDs []string `json:"snatRuleIds"`
	}{ids}), nil
}

// updateSNATRule is the same in both versions.
func (d *Door) updateSNATRule(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateSnatRuleRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	w := network.NewSNATRule{Name: in.RuleName, Source: in.SourceCIDR}
	return dialect.Empty(), inNATRuleWords(d.Networks.UpdateSNATRule(ctx, c.Caller, pathNAT(c), pathNATRule(c), w))
}

func snatVo(natID string, g *network.NATGatewayDetail, r *network.SNATRule) wire.SnatRuleVo {
	return wire.SnatRuleVo{NATID: &natID, RuleID: new(natRuleID(r.Slug)), RuleName: &r.Name, SourceCIDR: &r.Source, PublicIPsAddress: outwardEIPs(g),
		Status: new(natRuleStatus(g.Usable() && g.Outward() != nil))}
}

// shownNAT gives a gateway's ID, whose node is in it.
func (d *Door) shownNAT(ctx context.Context, g *network.NATGatewayDetail) (string, error) {
	site, err := d.Place.Site(ctx, g.Site)
	if err != nil {
		return "", err
	}
	return natID(site, g), nil
}

// natHops adds the IDs of the gateways that routes lead to.
func (d *Door) natHops(ctx context.Context, c *dialect.Call, uids []string, hops map[string]string) error {
	if len(uids) == 0 {
		return nil
	}
	gateways, _, err := d.Networks.ListNATGateways(ctx, c.Caller, network.NATFilter{UIDs: uids}, store.Page{})
	if err != nil {
		return err
	}
	for _, g := range gateways {
		if hops[g.UID], err = d.shownNAT(ctx, g); err != nil {
			return err
		}
	}
	return nil
}
