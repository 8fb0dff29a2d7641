package bec

import (
	"maps"

	"edgecloud/cloud/balancer"
	"edgecloud/cloud/compute"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/image"
	"edgecloud/cloud/monitor"
	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/dialect"
	"edgecloud/store"
)

// Door answers BEC's operations. Its fields are what it calls.
type Door struct {
	DB        *store.DB
	Identity  *identity.Identity
	Place     *place.Place
	Images    *image.Images
	Networks  *network.Networks
	Balancers *balancer.Balancers
	Compute   *compute.Compute
	Monitor   *monitor.Monitor
	// Console gives the address of an instance's screen with a one-time token.
	Console ConsoleURL
}

// Handlers binds every operation that is built.
func (d *Door) Handlers() dialect.Handlers {
	all := dialect.Handlers{}
	for _, some := range []dialect.Handlers{d.v1VPCs(), d.v1Subnets(), d.v2VPCs(), d.v2Subnets(), d.v1SecurityGroups(), d.v2SecurityGroups(), d.nodes(), d.v2Packages(), d.v1Images(), d.v2Images(), d.v2Instances(), d.v2Services(), d.v2Ciphers(), d.v2DeploySets(), d.v1Services(), d.v1Instances(), d.v1DeploySets(),
		d.v1ENIs(), d.v2ENIs(), d.v1InstanceAddresses(), d.v1NATs(), d.v2NATs(),
		d.v1Routes(), d.v2Routes(), d.v1ACLs(), d.v2ACLs(), d.v1HAVIPs(), d.v1EIPs(), d.v1EIPGroups(), d.v2Volumes(), d.v1Snapshots(), d.v1Overviews(), d.v1InstanceMoves(), d.v1Monitors(), d.v1BLBs(), d.v1BLBBackends(), d.v2AppBLBs(), d.v2IPGroups(), d.v2ServerGroups()} {
		maps.Copy(all, some)
	}
	return all
}
