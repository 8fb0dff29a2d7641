package plan

import (
	"context"
	"slices"

	"edgecloud/cloud/place"
	"edgecloud/fault"
	"edgecloud/store"
)

// room is what is left at the sites that a plan may use. Placing takes from it, so that what a plan needs more than once is counted more than once.
type room struct {
	hosts map[string][]*place.Host // by site
	lines map[string][]*place.Line
	stack []place.Demand // of each instance of a stack
}

func measure(ctx context.Context, tx *store.Tx, c Coverage, stack []place.Demand, lines map[string][]*place.Line) (*room, error) {
	var sites []string
	for _, p := range c.Places {
		sites = append(sites, p.Sites...)
	}
	hosts, err := place.Open(ctx, tx, sites)
	return &room{hosts: hosts, lines: lines, stack: stack}, err
}

// placed is stacks at a site for a place.
type placed struct {
	Location
	place string
}

// schedule finds sites for all demands of a coverage.
func (r *room) schedule(c Coverage) ([]placed, error) {
	var all []placed
	for _, p := range c.Places {
		for _, d := range p.Demands {
			fitting, err := r.candidates(p, d)
			if err != nil {
				return nil, err
			}
			chosen, err := r.choose(fitting, d, c.Spread)
			if err != nil {
				return nil, err
			}
			for _, l := range chosen {
				all = append(all, placed{l, p.Name})
			}
		}
	}
	return all, nil
}

// candidates are the sites of a place where the demanded carrier has a line, or any line, if no carrier is named.
func (r *room) candidates(p Place, d Demand) (fitting []Location, err error) {
	for _, site := range p.Sites {
		if d.Site != "" && d.Site != site {
			continue
		}
		if l := r.line(site, d); l != nil {
			fitting = append(fitting, Location{Site: site, Carrier: l.Carrier})
		}
	}
	if len(fitting) == 0 {
		return nil, fault.New(fault.NotFound, "No site in %q has a line as it is demanded.", p.Name).About("location", p.Name)
	}
	return fitting, nil
}

func (r *room) line(site string, d Demand) *place.Line {
	for _, l := range r.lines[site] {
		if d.Carrier == "" || d.Carrier == l.Carrier {
			return l
		}
	}
	return nil
}

// choose puts a demand's stacks at one of the sites, the one with the most room, or each at the site that has the fewest of them so far.
func (r *room) choose(sites []Location, d Demand, spread bool) ([]Location, error) {
	live := slices.DeleteFunc(slices.Clone(sites), func(l Location) bool { return len(r.hosts[l.Site]) == 0 })
	if len(live) == 0 {
		return nil, fault.New(fault.Capacity, "No site that is demanded takes new instances now.").About("site", "")
	}
	if spread {
		return r.spread(live, d.Count)
	}
	slices.SortStableFunc(live, func(a, b Location) int { return int(r.free(b.Site)/mib - r.free(a.Site)/mib) })
	for _, l := range live {
		if r.fill(l.Site, d.Count) {
			l.Stacks = d.Count
			return []Location{l}, nil
		}
	}
	return nil, noRoom(d.Count)
}

// mib divides differences of memory, so that sorting compares sites in steps of a gibibyte.
const mib = 1024

func noRoom(count int) error {
	return fault.New(fault.Capacity, "No site that is demanded has room for %d stacks.", count)
}

func (r *room) spread(live []Location, count int) ([]Location, error) {
	for range count {
		slices.SortStableFunc(live, func(a, b Location) int {
			if a.Stacks != b.Stacks {
				return a.Stacks - b.Stacks
			}
			return int(r.free(b.Site)/mib - r.free(a.Site)/mib)
		})
		k := slices.IndexFunc(live, func(l Location) bool { return r.fill(l.Site, 1) })
		if k < 0 {
			return nil, noRoom(count)
		}
		live[k].Stacks++
	}
	return slices.DeleteFunc(live, func(l Location) bool { return l.Stacks == 0 }), nil
}

// free is how much memory a site has left, in MiB.
func (r *room) free(site string) (n int64) {
	for _, h := range r.hosts[site] {
		n += h.MemoryMiB - h.UsedMiB
	}
	return n
}

// fill takes room for stacks at a site, or takes nothing. It puts each instance where place.Take would.
func (r *room) fill(site string, stacks int) bool {
	var taken []*place.Host
	var demands []place.Demand
	for range stacks {
		for _, d := range r.stack {
			h := roomiest(r.hosts[site], d)
			if h == nil {
				for k, h := range taken {
					give(h, demands[k], -1)
				}
				return false
			}
			give(h, d, 1)
			taken, demands = append(taken, h), append(demands, d)
		}
	}
	return true
}

func give(h *place.Host, d place.Demand, sign int64) {
	h.UsedVCPUs, h.UsedMiB, h.UsedGiB = h.UsedVCPUs+sign*d.VCPUs, h.UsedMiB+sign*d.MemoryMiB, h.UsedGiB+sign*d.DiskGiB
}

func roomiest(hosts []*place.Host, d place.Demand) (best *place.Host) {
	for _, h := range hosts {
		if h.UsedVCPUs+d.VCPUs > h.VCPUs || h.UsedMiB+d.MemoryMiB > h.MemoryMiB || h.UsedGiB+d.DiskGiB > h.DiskGiB {
			continue
		}
		if best == nil || h.MemoryMiB-h.UsedMiB > best.MemoryMiB-best.UsedMiB {
			best = h
		}
	}
	return best
}
