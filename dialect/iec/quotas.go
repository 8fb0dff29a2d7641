package iec

import (
	"context"
	"math"

	"edgecloud/cloud/quota"
	"edgecloud/dialect"
	wire "edgecloud/dialect/iec/wire/quota"
)

func (d *Door) quotas() dialect.Handlers { return dialect.Handlers{wire.OpListQuotas: d.listQuotas} }

// quotaType is one of the 15 types that the document's example lists, with its bounds.
type quotaType struct {
	name  string
	of    quota.Name // empty: there is nothing of the kind here, so that none is in use and none can be made
	max   int32
	scale int64 // the wire's units in one of the cloud's
}

var quotaTypes = []quotaType{
	{"vpn", "", 100_000, 1}, {"vpc", quota.TotalNetworks, 100_000, 1}, {"securityGroup", quota.SecurityGroups, 100_000, 1}, {"subnet", quota.TotalSubnets, 100_000, 1},
	{"firewall", quota.NetworkACLs, 100_000, 1}, {"shareBandwidth", quota.Bandwidths, 100_000, 1}, {"publicIp", quota.PublicIPs, 100_000, 1},
	{"securityGroupRule", quota.TotalSecurityGroupRules, 100_000, 1}, {"image", quota.Images, 500, 1}, {"edgeclouds", "", 10_000, 1}, {"gigabyte", quota.VolumeGiB, 4_096_000, 1},
	{"instance", quota.Instances, 20_480, 1}, {"volume", quota.Volumes, 100_000, 1}, {"vcpu", quota.VCPUs, 204_800, 1}, {"ram", quota.MemoryGiB, 81_920_000, 1024},
}

// listQuotas shows what the account holds and may hold, as counted by the transactions that made it. A limit beyond the document's largest is shown as it is:
// the enforced one.
func (d *Door) listQuotas(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	held, err := quota.Of(ctx, d.DB, c.Caller)
	if err != nil {
		return nil, err
	}
	resources := make([]wire.QuotaResource, len(quotaTypes))
	for k, t := range quotaTypes {
		line := held[t.of]
		allowed := clamp(line.Allowed * t.scale)
		resources[k] = wire.QuotaResource{Type: t.name, Max: max(t.max, allowed), Quota: allowed, Used: clamp(line.Used * t.scale)}
	}
	return dialect.OK(wire.ListQuotasResponse{Quotas: &wire.QuotaResources{Resources: resources}}), nil
}

// clamp brings a count into the wire's 32 bits.
func clamp(n int64) int32 { return int32(min(n, math.MaxInt32)) }
