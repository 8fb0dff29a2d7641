package iec

import (
	"context"

	"edgecloud/cloud/volume"
	"edgecloud/dialect"
	wire "edgecloud/dialect/iec/wire/volume"
)

func (d *Door) volumeTypes() dialect.Handlers {
	return dialect.Handlers{wire.OpListVolumeTypes: d.listVolumeTypes}
}

// listVolumeTypes tells of each kind of disk whether some site still has it: all are kept in the hosts' own pools, so a site that takes instances has all.
func (d *Door) listVolumeTypes(ctx context.Context, _ *dialect.Call) (*dialect.Answer, error) {
	sites, err := d.Place.Available(ctx, false)
	if err != nil {
		return nil, err
	}
	status := "sellout"
	if len(sites) > 0 {
		status = "normal"
	}
	out := wire.ListVolumeTypesResponse{VolumeTypes: []wire.VolumeType{}}
	for _, t := range volume.Types() {
		out.VolumeTypes = append(out.VolumeTypes, wire.VolumeType{ID: t.UID, Name: t.Name, Status: &status})
	}
	return dialect.OK(out), nil
}
