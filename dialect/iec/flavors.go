package iec

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"edgecloud/cloud/place"
	"edgecloud/dialect"
	wire "edgecloud/dialect/iec/wire/flavor"
)

func (d *Door) flavors() dialect.Handlers {
	return dialect.Handlers{wire.OpListFlavors: d.listFlavors}
}

// listFlavors lists the flavors, smallest first. With a filter by place it lists those that fit some host there.
func (d *Door) listFlavors(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	w, err := window(c)
	if err != nil {
		return nil, err
	}
	all, err := d.flavorsAt(ctx, c)
	if err != nil {
		return nil, err
	}
	var chosen []*place.Flavor
	for _, f := range all {
		id, name := c.Param("id"), c.Param("name")
		if (id == "" || id == f.Name) && (name == "" || name == f.Name) {
			chosen = append(chosen, f)
		}
	}
	// offset is the number of a page here, from 1 on; 0 is the first page too (conventions, section 5).
	w.Offset = max(w.Offset-1, 0) * w.Limit
	out := wire.ListFlavorsResponse{Count: int32(len(chosen)), Flavors: []wire.Flavor{}}
	for _, f := range cut(chosen, w) {
		out.Flavors = append(out.Flavors, describeFlavor(c, f))
	}
	return dialect.OK(out), nil
}

func (d *Door) flavorsAt(ctx context.Context, c *dialect.Call) ([]*place.Flavor, error) {
	at := placeFilter(c)
	ids := map[string]bool{}
	for _, id := range strings.Split(c.Param("site_ids"), ",") {
		if id = strings.TrimSpace(id); id != "" {
			ids[id] = true
		}
	}
	if at.anywhere() && len(ids) == 0 {
		return d.Place.Flavors(ctx)
	}
	sites, err := d.Place.Sites(ctx)
	if err != nil {
		return nil, err
	}
	lines, err := d.Place.Uplinks(ctx)
	if err != nil {
		return nil, err
	}
	if sites, err = at.choose(sites, lines); err != nil {
		return nil, err
	}
	var uids []string
	for _, s := range sites {
		if len(ids) == 0 || ids[s.UID] {
			uids = append(uids, s.UID)
		}
	}
	return d.Place.FlavorsAt(ctx, uids)
}

func describeFlavor(c *dialect.Call, f *place.Flavor) wire.Flavor {
	scheme := "http"
	if c.Request.TLS != nil {
		scheme = "https"
	}
	href := fmt.Sprintf("%s://%s/v1/cloudservers/flavors?id=%s", scheme, c.Request.Host, f.Name)
	specs := &wire.OSExtraSpecs{CondOperationStatus: "normal", EcsGeneration: f.Family, EcsPerformancetype: "normal", EcsVirtualizationEnvTypes: "CloudCompute",
		HwCPUSockets: "1", HwNumaNodes: "1", HwCPUThreads: "1", HwCPUCores: strconv.FormatInt(f.VCPUs, 10), QuotaVifMaxNum: strconv.Itoa(maxNICs)}
	if f.GPUs > 0 {
		specs.InfoGPUName, specs.PciPassthroughEnableGPU = f.GPUModel, "true"
		specs.PciPassthroughAlias = fmt.Sprintf("%s:%d", strings.ToLower(f.GPUModel), f.GPUs)
	}
	return wire.Flavor{ID: f.Name, Name: f.Name, Disk: "0", RAM: f.MemoryMiB, Vcpus: strconv.FormatInt(f.VCPUs, 10), OSExtraSpecs: specs,
		Links:                  []wire.Link{{Rel: "self", Href: href}, {Rel: "bookmark", Href: href}},
		OSFlavorAccessIsPublic: true, OSFlavorAccessIsPublic2: true, RxtxFactor: 1}
}

// maxNICs is how many network cards an instance can have (conventions, section 9).
const maxNICs = 8
