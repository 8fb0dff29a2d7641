package place

import (
	"context"
	"sync"
	"time"

	"edgecloud/fault"
	"edgecloud/store"
)

// HostSilence is how long a host may be silent before nothing new is placed on it and it counts as down.
const HostSilence = 45 * time.Second

// cacheAge is how old the cached lists of sites and flavors may be: another server's change is seen within it.
const cacheAge = 5 * time.Second

// Place gives access to places. Its cached lists are for reading only.
type Place struct {
	db *store.DB

	mu      sync.Mutex
	sites   []*Site
	flavors []*Flavor
	lines   map[string][]*Line // by site
	loaded  time.Time
}

// New makes a Place on a database.
func New(db *store.DB) *Place { return &Place{db: db} }

// forget drops the cache after a change of sites or flavors.
func (p *Place) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.loaded = time.Time{}
}

func (p *Place) load(ctx context.Context) ([]*Site, []*Flavor, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.db.Now()
	if !p.loaded.IsZero() && now.Sub(p.loaded) < cacheAge && now.Sub(p.loaded) >= 0 {
		return p.sites, p.flavors, nil
	}
	var sites []*Site
	var flavors []*Flavor
	var lines []*Line
	err := p.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.NewSelect().Model(&sites).Order("name").Scan(ctx); err != nil {
			return err
		}
		if err := tx.NewSelect().Model(&flavors).Order("vcpus", "memory_mib", "name").Scan(ctx); err != nil {
			return err
		}
		return tx.NewSelect().Model(&lines).Order("site", "carrier").Scan(ctx)
	})
	if err != nil {
		return nil, nil, err
	}
	p.sites, p.flavors, p.lines, p.loaded = sites, flavors, map[string][]*Line{}, now
	for _, l := range lines {
		p.lines[l.Site] = append(p.lines[l.Site], l)
	}
	return sites, flavors, nil
}

// Sites lists the enabled sites by name.
func (p *Place) Sites(ctx context.Context) ([]*Site, error) {
	all, _, err := p.load(ctx)
	if err != nil {
		return nil, err
	}
	var enabled []*Site
	for _, s := range all {
		if s.Enabled {
			enabled = append(enabled, s)
		}
	}
	return enabled, nil
}

// AllSites lists every site, disabled ones too: names of places outlive their use.
func (p *Place) AllSites(ctx context.Context) ([]*Site, error) {
	all, _, err := p.load(ctx)
	return all, err
}

// Uplinks gives the lines of every site by the site's UID, in the order of their carriers. Their cursors are of no meaning here.
func (p *Place) Uplinks(ctx context.Context) (map[string][]*Line, error) {
	if _, _, err := p.load(ctx); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lines, nil
}

// SiteByName finds an enabled site by the name that tenants use.
func (p *Place) SiteByName(ctx context.Context, name string) (*Site, error) {
	return p.findSite(ctx, name, func(s *Site) bool { return s.Name == name && s.Enabled })
}

// Site finds a site by its UID.
func (p *Place) Site(ctx context.Context, uid string) (*Site, error) {
	return p.findSite(ctx, uid, func(s *Site) bool { return s.UID == uid })
}

// SiteOf finds an enabled site by area, city and carrier, as BEC's older calls name it. An empty area matches any.
func (p *Place) SiteOf(ctx context.Context, area, city string, carrier Carrier) (*Site, error) {
	return p.findSite(ctx, area+"/"+city+"/"+string(carrier), func(s *Site) bool {
		return s.Enabled && (area == "" || s.Area == area) && s.City == city && s.Carrier == carrier
	})
}

func (p *Place) findSite(ctx context.Context, named string, match func(*Site) bool) (*Site, error) {
	all, _, err := p.load(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		if match(s) {
			return s, nil
		}
	}
	return nil, fault.Missing("site", named)
}

// Flavors lists the flavors that are offered, smallest first.
func (p *Place) Flavors(ctx context.Context) ([]*Flavor, error) {
	_, all, err := p.load(ctx)
	if err != nil {
		return nil, err
	}
	var enabled []*Flavor
	for _, f := range all {
		if f.Enabled {
			enabled = append(enabled, f)
		}
	}
	return enabled, nil
}

// Flavor finds an offered flavor by name.
func (p *Place) Flavor(ctx context.Context, name string) (*Flavor, error) {
	all, err := p.Flavors(ctx)
	if err != nil {
		return nil, err
	}
	for _, f := range all {
		if f.Name == name {
			return f, nil
		}
	}
	return nil, fault.Missing("flavor", name)
}
