package admin

import (
	"context"
	"net/netip"
	"time"

	"edgecloud/cloud/place"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/admin/wire/places"
	"edgecloud/fault"
	"edgecloud/link"
	"edgecloud/link/spec"
	"edgecloud/store"
)

func (d *Door) sites() dialect.Handlers {
	return dialect.Handlers{
		wire.OpListSites:       d.listSites,
		wire.OpCreateSite:      d.createSite,
		wire.OpGetSite:         d.getSite,
		wire.OpUpdateSite:      d.updateSite,
		wire.OpCreateJoinToken: d.createJoinToken,
	}
}

func (d *Door) listSites(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	lines, err := d.Place.AllLines(ctx, c.Caller)
	if err != nil {
		return nil, err
	}
	all, err := d.Place.AllSites(ctx)
	if err != nil {
		return nil, err
	}
	some, next := page(c, all, func(s *place.Site) string { return s.UID })
	out := wire.SiteList{Next: next}
	for _, s := range some {
		out.Sites = append(out.Sites, site(s, lines[s.UID]))
	}
	return dialect.OK(out), nil
}

func site(s *place.Site, lines []*place.Line) wire.Site {
	out := wire.Site{ID: s.UID, Name: s.Name, Country: s.Country, CountryName: optional(s.CountryName), Area: s.Area, AreaName: optional(s.AreaName),
		Province: optional(s.Province), City: s.City, CityName: optional(s.CityName), Carrier: string(s.Carrier), Enabled: s.Enabled, Created: stamp(s.Created)}
	for _, l := range lines {
		line := wire.Line{Carrier: string(l.Carrier), PhysicalNetwork: l.PhysicalNetwork, Vlan: new(int32(l.VLAN)), Prefix: l.Prefix,
			Gateway: l.Gateway, First: l.First, Last: l.Last, Snat: new(l.SNAT)}
		if l.HasIPv6() {
			line.IPv6 = &wire.Block6{Prefix: l.Prefix6, Gateway: l.Gateway6, First: &l.First6, Last: &l.Last6}
		}
		out.Lines = append(out.Lines, line)
	}
	return out
}

func (d *Door) answerSite(ctx context.Context, c *dialect.Call, id string) (wire.Site, error) {
	s, err := d.Place.SiteForOperator(ctx, c.Caller, id)
	if err != nil {
		return wire.Site{}, err
	}
	lines, err := d.Place.AllLines(ctx, c.Caller)
	return site(s, lines[s.UID]), err
}

func (d *Door) getSite(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	out, err := d.answerSite(ctx, c, c.Path("site"))
	if err != nil {
		return nil, err
	}
	return dialect.OK(out), nil
}

func (d *Door) createSite(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateSiteRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	n := place.NewSite{Default: known(in.Name)}
	for from, to := range map[*string]*string{in.Country: &n.Country, in.CountryName: &n.CountryName, in.Area: &n.Area, in.AreaName: &n.AreaName,
		in.Province: &n.Province, in.City: &n.City, in.CityName: &n.CityName} {
		if from != nil {
			*to = *from
		}
	}
	n.Name, n.Carrier = in.Name, place.Carrier(scalar.Or(in.Carrier, string(n.Carrier)))
	var err error
	if n.Lines, err = newLines(in.Lines); err != nil {
		return nil, err
	}
	var out wire.Site
	err = d.noted(ctx, c, "site", func(ctx context.Context) (string, error) {
		s, err := d.Place.AddSite(ctx, c.Caller, n)
		if err != nil {
			return "", err
		}
		lines, err := d.Place.AllLines(ctx, c.Caller)
		out = site(s, lines[s.UID])
		return s.UID, err
	})
	if err != nil {
		return nil, err
	}
	return created(out), nil
}

// known fills in a site of the default catalogue.
func known(name string) place.Default {
	for _, d := range place.Catalogue() {
		if d.Name == name {
			return d
		}
	}
	return place.Default{}
}

func newLines(in []wire.LineInput) (out []place.NewLine, err error) {
	for _, l := range in {
		n := place.NewLine{Carrier: place.Carrier(l.Carrier), PhysicalNetwork: l.PhysicalNetwork, VLAN: int(scalar.Value(l.Vlan)), SNAT: bool(scalar.Value(l.Snat))}
		if n.Prefix, err = netip.ParsePrefix(l.Prefix); err != nil {
			return nil, fault.BadField("lines.prefix", "must be a CIDR, such as 203.0.113.0/24")
		}
		for field, a := range map[string]struct {
			text string
			into *netip.Addr
		}{"lines.gateway": {l.Gateway, &n.Gateway}, "lines.first": {l.First, &n.First}, "lines.last": {l.Last, &n.Last}} {
			if *a.into, err = netip.ParseAddr(a.text); err != nil {
				return nil, fault.BadField(field, "must be an IPv4 address")
			}
		}
		if n.IPv6, err = newBlock6(l.IPv6); err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}

func newBlock6(in *wire.Block6Input) (out place.Block6, err error) {
	if in == nil {
		return out, nil
	}
	if out.Prefix, err = netip.ParsePrefix(in.Prefix); err != nil {
		return out, fault.BadField("lines.ipv6.prefix", "must be a CIDR, such as 2001:db8:1::/64")
	}
	for field, a := range map[string]struct {
		text string
		into *netip.Addr
	}{"gateway": {in.Gateway, &out.Gateway}, "first": {scalar.Value(in.First), &out.First}, "last": {scalar.Value(in.Last), &out.Last}} {
		if a.text == "" && field != "gateway" {
			continue
		}
		if *a.into, err = netip.ParseAddr(a.text); err != nil {
			return out, fault.BadField("lines.ipv6."+field, "must be an IPv6 address")
		}
	}
	return out, nil
}

func (d *Door) updateSite(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateSiteRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	lines, err := newLines(in.Lines)
	if err != nil {
		return nil, err
	}
	s, err := d.Place.SiteForOperator(ctx, c.Caller, c.Path("site"))
	if err != nil {
		return nil, err
	}
	err = d.noted(ctx, c, "site", func(ctx context.Context) (string, error) {
		if in.Enabled != nil {
			if err := d.Place.EnableSite(ctx, c.Caller, s.UID, bool(*in.Enabled)); err != nil {
				return "", err
			}
		}
		for _, l := range lines {
			if err := d.Networks.AddLine(ctx, c.Caller, s.UID, l); err != nil {
				return "", err
			}
		}
		return s.UID, nil
	})
	if err != nil {
		return nil, err
	}
	return d.getSite(ctx, c)
}

func (d *Door) createJoinToken(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateJoinTokenRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	s, err := d.Place.SiteForOperator(ctx, c.Caller, c.Path("site"))
	if err != nil {
		return nil, err
	}
	if d.Remote == nil {
		return nil, fault.New(fault.Conflict, "No other machine can join this cloud: its hosts live in one process with it. edgecloud control runs a centre that hosts join.")
	}
	life := time.Duration(scalar.Or(in.TTLSeconds, 3600)) * time.Second
	out := wire.JoinToken{Site: s.Name, Host: in.Host}
	var secret string
	err = d.noted(ctx, c, "join_token", func(ctx context.Context) (string, error) {
		return s.UID, d.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			out.Expires = tx.Now().Add(life).UTC().Format(time.RFC3339)
			secret, err = link.NewToken(ctx, tx, link.Token{Site: s.UID, Name: scalar.Value(in.Host), Life: life})
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	token, url := d.Remote.Invite(secret)
	out.Token, out.Command = token, "edgecloud agent join --url "+url+" --token "+token
	return created(out), nil
}

func (d *Door) hosts() dialect.Handlers {
	return dialect.Handlers{
		wire.OpListHosts:  d.listHosts,
		wire.OpGetHost:    d.getHost,
		wire.OpUpdateHost: d.updateHost,
		wire.OpDeleteHost: d.deleteHost,
	}
}

func (d *Door) listHosts(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	only := ""
	if name := c.Param("site"); name != "" {
		s, err := d.Place.SiteForOperator(ctx, c.Caller, name)
		if err != nil {
			return nil, fault.From(err).On("site")
		}
		only = s.UID
	}
	all, err := d.Place.Hosts(ctx, c.Caller, only)
	if err != nil {
		return nil, err
	}
	some, next := page(c, all, func(h *place.Host) string { return h.UID })
	out := wire.HostList{Next: next}
	for _, h := range some {
		one, err := d.host(ctx, h)
		if err != nil {
			return nil, err
		}
		out.Hosts = append(out.Hosts, one)
	}
	return dialect.OK(out), nil
}

func (d *Door) host(ctx context.Context, h *place.Host) (wire.Host, error) {
	s, err := d.Place.Site(ctx, h.Site)
	if err != nil {
		return wire.Host{}, err
	}
	out := wire.Host{ID: h.UID, Name: h.Name, Site: s.Name, Enabled: h.Enabled, Online: h.Up(store.At(d.DB.Now())), Created: stamp(h.Created), Vcpus: h.VCPUs,
		MemoryMiB: h.MemoryMiB, DiskGiB: h.DiskGiB, UsedVcpus: h.UsedVCPUs, UsedMemoryMiB: h.UsedMiB, UsedDiskGiB: h.UsedGiB, Instances: h.Instances}
	if h.Seen != 0 {
		out.Seen = new(stamp(h.Seen))
	}
	return out, nil
}

func (d *Door) getHost(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	h, err := d.Place.HostForOperator(ctx, c.Caller, c.Path("host"))
	if err != nil {
		return nil, err
	}
	out, err := d.host(ctx, h)
	if err != nil {
		return nil, err
	}
	return dialect.OK(out), nil
}

func (d *Door) updateHost(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateHostRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	h, err := d.Place.HostForOperator(ctx, c.Caller, c.Path("host"))
	if err != nil {
		return nil, err
	}
	err = d.noted(ctx, c, "host", func(ctx context.Context) (string, error) {
		return h.UID, d.Place.EnableHost(ctx, c.Caller, h.UID, bool(in.Enabled))
	})
	if err != nil {
		return nil, err
	}
	return d.getHost(ctx, c)
}

// deleteHost forgets a host and keeps its agent from the link at once.
func (d *Door) deleteHost(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	h, err := d.Place.HostForOperator(ctx, c.Caller, c.Path("host"))
	if err != nil {
		return nil, err
	}
	err = d.noted(ctx, c, "host", func(ctx context.Context) (string, error) {
		if err := d.Place.RemoveHost(ctx, c.Caller, h.UID); err != nil {
			return "", err
		}
		return h.UID, d.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			if err := link.Revoke(ctx, tx, h.UID); err != nil {
				return err
			}
			return link.DropTarget(ctx, tx, spec.HostTarget(h.UID))
		})
	})
	if err != nil {
		return nil, err
	}
	if d.Remote != nil {
		if err := d.Remote.Kick(h.UID); err != nil { // the database refuses it all the same
			d.Logger.Warn("the connection of a removed host stays open", "host", h.UID, "error", err)
		}
	}
	return gone(), nil
}
