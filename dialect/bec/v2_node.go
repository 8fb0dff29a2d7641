package bec

import (
	"context"
	"strings"

	"edgecloud/cloud/place"
	"edgecloud/dialect"
	wire1 "edgecloud/dialect/bec/wire/v1node"
	wire2 "edgecloud/dialect/bec/wire/v2node"
)

func (d *Door) nodes() dialect.Handlers {
	return dialect.Handlers{
		wire1.OpListAvailableNodes: d.v1Nodes,
		wire2.OpListAvailableNodes: d.v2Nodes,
	}
}

// needs says which kinds of resource this cloud can make, and whether they need a line with public addresses. A kind that is not here is made nowhere yet.
var needs = map[string]bool{"vm": false, "vpc": false, "cds": false, "eip": true, "nat": true}

// nodeTree is the sites where a kind can be made now, by area and city in the order of their names.
type nodeTree struct {
	areas []*nodeArea
	sum   int
}

type nodeArea struct {
	site   *place.Site // any of it: country and area are the same
	cities []*nodeCity
}

type nodeCity struct{ sites []*place.Site }

func (d *Door) nodeTree(ctx context.Context, c *dialect.Call) (*nodeTree, error) {
	tree := &nodeTree{}
	line, made := needs[c.Path("type")]
	if !made {
		return tree, nil
	}
	sites, err := d.Place.Available(ctx, line)
	if err != nil {
		return nil, err
	}
	country := c.Param("country")
	for _, s := range sites {
		if country == "" || strings.EqualFold(country, "all") || strings.EqualFold(country, s.Country) {
			tree.add(s)
		}
	}
	return tree, nil
}

func (t *nodeTree) add(s *place.Site) {
	t.sum++
	var area *nodeArea
	for _, a := range t.areas {
		if a.site.Area == s.Area && a.site.Country == s.Country {
			area = a
		}
	}
	if area == nil {
		area = &nodeArea{site: s}
		t.areas = append(t.areas, area)
	}
	for _, city := range area.cities {
		if city.sites[0].City == s.City {
			city.sites = append(city.sites, s)
			return
		}
	}
	area.cities = append(area.cities, &nodeCity{sites: []*place.Site{s}})
}

func (d *Door) v1Nodes(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	tree, err := d.nodeTree(ctx, c)
	if err != nil {
		return nil, err
	}
	out := wire1.AvailableNodeInfo{RegionList: []wire1.RegionInfo{}, NodeSum: new(int32(tree.sum))}
	for _, a := range tree.areas {
		area := wire1.RegionInfo{Region: &a.site.Area, Name: &a.site.AreaName, Country: &a.site.Country, CountryName: &a.site.CountryName}
		for _, one := range a.cities {
			city := wire1.CityInfo{City: &one.sites[0].City, Name: &one.sites[0].CityName}
			for _, s := range one.sites {
				city.ServiceProviderList = append(city.ServiceProviderList, wire1.ServiceProviderInfo{ServiceProvider: new(string(s.Carrier)),
					Name: new(s.Carrier.ChineseName()), RegionID: &s.Name})
			}
			area.CityList = append(area.CityList, city)
		}
		out.RegionList = append(out.RegionList, area)
	}
	return dialect.OK(out), nil
}

func (d *Door) v2Nodes(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	tree, err := d.nodeTree(ctx, c)
	if err != nil {
		return nil, err
	}
	out := wire2.ListNodesResponse{RegionList: []wire2.NodeRegion{}}
	for _, a := range tree.areas {
		area := wire2.NodeRegion{Region: &a.site.Area, Name: &a.site.AreaName, Country: &a.site.Country, CountryName: &a.site.CountryName}
		for _, one := range a.cities {
			city := wire2.NodeCity{City: &one.sites[0].City, Name: &one.sites[0].CityName}
			for _, s := range one.sites {
				city.ServiceProviderList = append(city.ServiceProviderList, wire2.NodeServiceProvider{ServiceProvider: new(string(s.Carrier)),
					Name: new(s.Carrier.ChineseName()), RegionID: &s.Name})
			}
			area.CityList = append(area.CityList, city)
		}
		out.RegionList = append(out.RegionList, area)
	}
	return dialect.OK(out), nil
}
