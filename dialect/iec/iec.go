package iec

import (
	"maps"

	"edgecloud/cloud/compute"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/image"
	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/cloud/plan"
	"edgecloud/dialect"
	"edgecloud/store"
)

// Door answers IEC's operations. Its fields are what it calls.
type Door struct {
	DB       *store.DB
	Identity *identity.Identity
	Place    *place.Place
	Images   *image.Images
	Networks *network.Networks
	Compute  *compute.Compute
	Plans    *plan.Plans
	IAM      *IAM
}

// Handlers binds every operation that is built.
func (d *Door) Handlers() dialect.Handlers {
	all := dialect.Handlers{}
	for _, some := range []dialect.Handlers{
		// one line a resource
		d.sites(),
		d.flavors(),
		d.quotas(),
		d.keyPairs(),
		d.volumeTypes(),
		d.publicIPs(),
		d.bandwidths(),
		d.tokens(),
		d.servers(),
		d.volumes(),
		d.deployments(),
		d.edgeClouds(),
		d.images(),
		d.vpcs(),
		d.subnets(),
		d.ports(),
		d.securityGroups(),
		d.firewalls(),
		d.routeTables(),
	} {
		maps.Copy(all, some)
	}
	return all
}
