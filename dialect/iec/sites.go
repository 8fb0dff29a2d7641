package iec

import (
	"context"
	"slices"
	"strings"

	"edgecloud/cloud/place"
	"edgecloud/cloud/volume"
	"edgecloud/dialect"
	wire "edgecloud/dialect/iec/wire/site"
	"edgecloud/fault"
	"edgecloud/store"
)

func (d *Door) sites() dialect.Handlers { return dialect.Handlers{wire.OpListSites: d.listSites} }

var siteCodes = []refinement{
	{in: "iec/site.", kind: fault.NotFound, about: "location", code: "IEC.011010"},
	{in: "iec/flavor.", kind: fault.NotFound, about: "location", code: "IEC.011010"},
}

// The states of a site that this cloud has: those where something can be made now, and those where nothing can.
const (
	siteNormal  = "Normal"
	siteSellout = "sellout"
)

// listSites lists the sites, those that can take something now first: clients take the first one that they are shown.
func (d *Door) listSites(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	w, err := window(c)
	if err != nil {
		return nil, err
	}
	sites, err := d.Place.Sites(ctx)
	if err != nil {
		return nil, err
	}
	lines, err := d.Place.Uplinks(ctx)
	if err != nil {
		return nil, err
	}
	if sites, err = placeFilter(c).choose(sites, lines); err != nil {
		return nil, err
	}
	if sites, err = d.selling(ctx, c, sites); err != nil {
		return nil, err
	}
	available, err := d.Place.Available(ctx, false)
	if err != nil {
		return nil, err
	}
	usable := func(s *place.Site) bool {
		return slices.ContainsFunc(available, func(a *place.Site) bool { return a.UID == s.UID })
	}
	slices.SortStableFunc(sites, func(a, b *place.Site) int { return rank(usable(b)) - rank(usable(a)) })
	out := wire.ListSitesResponse{Count: int32(len(sites)), Sites: []wire.Site{}}
	for _, s := range cut(sites, w) {
		out.Sites = append(out.Sites, describeSite(s, lines[s.UID], usable(s)))
	}
	return dialect.OK(out), nil
}

// selling leaves the sites that the filters id, flavor and volume_type ask for.
func (d *Door) selling(ctx context.Context, c *dialect.Call, sites []*place.Site) ([]*place.Site, error) {
	for _, t := range strings.Split(c.Param("volume_type"), ",") {
		if t != "" && !volume.KnownType(t) {
			return nil, nil
		}
	}
	var chosen []*place.Site
	for _, s := range sites {
		if id := c.Param("id"); id != "" && id != s.UID {
			continue
		}
		if flavor := c.Param("flavor"); flavor != "" {
			offered, err := d.Place.FlavorsAt(ctx, []string{s.UID})
			if err != nil {
				return nil, err
			}
			if !slices.ContainsFunc(offered, func(f *place.Flavor) bool { return f.Name == flavor }) {
				continue
			}
		}
		chosen = append(chosen, s)
	}
	return chosen, nil
}

func rank(first bool) int {
	if first {
		return 1
	}
	return 0
}

func describeSite(s *place.Site, lines []*place.Line, usable bool) wire.Site {
	p := placeOf(s)
	status := siteSellout
	if usable {
		status = siteNormal
	}
	return wire.Site{ID: s.UID, Name: s.Name, City: p.city, I18nCity: p.i18nCity, Province: p.province, I18nProvince: p.i18nProvince, Area: p.area, I18nArea: p.i18nArea,
		Country: p.country, I18nCountry: p.i18nAll, Status: &status, Pools: pools(s, lines), CityShortName: shortName(s)}
}

// cut gives the entries of a window.
func cut[T any](all []T, w store.Window) []T {
	all = all[min(w.Offset, len(all)):]
	if w.Limit > 0 {
		all = all[:min(w.Limit, len(all))]
	}
	return all
}
