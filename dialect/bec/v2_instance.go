package bec

import (
	"context"
	"strings"

	"edgecloud/cloud/compute"
	"edgecloud/cloud/network"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v2vminstance"
	"edgecloud/fault"
)

func (d *Door) v2Instances() dialect.Handlers {
	return dialect.Handlers{
		wire.OpCreateVMInstance:                d.v2CreateInstance,
		wire.OpListVMInstances:                 d.v2ListInstances,
		wire.OpGetVMInstance:                   d.v2GetInstance,
		wire.OpGetVMInstanceVNCURL:             d.v2InstanceScreen,
		wire.OpModifyVMInstanceAttribute:       d.v2RenameInstance,
		wire.OpChangeVMInstanceHostname:        d.v2ChangeHostname,
		wire.OpStartVMInstance:                 d.v2StartInstance,
		wire.OpStopVMInstance:                  d.v2StopInstance,
		wire.OpRebootVMInstance:                d.v2RebootInstance,
		wire.OpRebuildVMInstance:               d.v2RebuildInstance,
		wire.OpChangeVMInstancePassword:        d.v2ChangePassword,
		wire.OpResizeVMInstance:                d.v2ResizeInstance,
		wire.OpChangeVMInstanceNetworkCapacity: d.v2ChangeBandwidth,
		wire.OpBindVMInstanceSecurityGroup:     d.v2BindSecurityGroup,
		wire.OpUnbindVMInstanceSecurityGroup:   d.v2UnbindSecurityGroup,
		wire.OpDeleteVMInstance:                d.v2DeleteInstance,
	}
}

// pathInstance is the instance that a call's path names.
func pathInstance(c *dialect.Call) string { return bare("vm-", c.Path("instanceId")) }

func (d *Door) v2ListInstances(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	f := compute.Filter{PrivateIP: c.Param("internalIp"), Network: bare("vpc-", c.Param("vpcId")), Image: bareImage(c.Param("imageId")), IDs: instanceIDs(c.Param("instanceIds"))}
	if name := c.Param("regionId"); name != "" {
		site, err := d.Place.SiteByName(ctx, name)
		if err != nil {
			return nil, fault.From(err).On("regionId")
		}
		f.Sites = []string{site.UID}
	}
	m := marker(bare("vm-", c.Param("marker")), c.Int("maxKeys", 0))
	views, next, err := d.Compute.ListFrom(ctx, c.Caller, f, m)
	if err != nil {
		return nil, err
	}
	out := wire.ListVMInstanceResponse{IsTruncated: new(next != ""), MaxKeys: new(int32(m.Size)), Instances: make([]wire.BecVMInstanceModel, len(views))}
	echo(c, &out.Marker, &out.NextMarker, "vm-", next)
	for k, v := range views {
		out.Instances[k] = v2Instance(v, v.Pairs)
	}
	return dialect.OK(out), nil
}

// instanceIDs reads several IDs in one text. A text without any ID filters nothing.
func instanceIDs(list string) (ids []string) {
	for id := range strings.SplitSeq(list, ",") {
		if id = strings.TrimSpace(id); id != "" {
			ids = append(ids, bare("vm-", id))
		}
	}
	return ids
}

func (d *Door) v2GetInstance(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	detail, err := d.Compute.Get(ctx, c.Caller, pathInstance(c))
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.GetVMInstanceResponse{Instance: new(v2Instance(detail.View, detail.Keys))}), nil
}

// v2Instance shows an instance. What is not set is left out (conventions-v2, section 2).
func v2Instance(v *compute.View, pairs []*compute.KeyPair) wire.BecVMInstanceModel {
	out := wire.BecVMInstanceModel{ID: new(instanceID(&v.Instance)), CreateTime: new(stamp(v.Created)), Name: &v.Name, Status: new(v2State(v.State)),
		RegionID: &v.Where.Name, PaymentTiming: new(v2Payment(v.Payment)), IPv6: new(publicIPv6(v, "")), CPUCount: new(int32(v.VCPUs)), MemoryCapacityInGB: new(int32(v.MemoryMiB >> 10)),
		ImageType: new(v2ImageType(v.ImageAccount)), NetworkCapacityInMbps: new(int32(v.Mbps)), AutoRenew: &v.AutoRenew, Tags: make([]wire.TagModel, len(v.Tags.V))}
	for k, t := range v.Tags.V {
		out.Tags[k] = wire.TagModel{TagKey: new(t.Key), TagValue: new(t.Value)}
	}
	if len(v.Volumes) > 0 {
		out.RootDiskSizeInGb = new(int32(v.Volumes[0].GiB))
	}
	if len(v.Ports) > 0 {
		p := v.Ports[0]
		out.InternalIP, out.SubnetID, out.VPCID = &p.Address, new("sbn-"+p.SubnetSlug), new("vpc-"+p.NetworkSlug)
	}
	if len(v.IPs) > 0 {
		out.PublicIP = &v.IPs[0].Address
	}
	if v.ImageSlug != "" {
		out.ImageID = new(imageID(v.ImageSlug, v.ImageAccount))
	}
	if len(pairs) > 0 {
		out.KeypairID, out.KeypairName = new(keyPairID(pairs[0])), &pairs[0].Name
	}
	if !v.Expires.IsZero() {
		out.ExpireTime = new(stamp(v.Expires))
	}
	out.Desc, out.Spec = unlessEmpty(v.Description), unlessEmpty(v.Flavor)
	return out
}

// unlessEmpty leaves an empty text out.
func unlessEmpty(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func v2Payment(p compute.Payment) string {
	if p == compute.Prepaid {
		return "Prepaid"
	}
	return "Postpaid"
}

// v2ImageType is the word of answers: requests have bec and bcc (conventions-v2, section 10).
func v2ImageType(account string) string {
	if account == "" {
		return "becCommon"
	}
	return "becCustom"
}

func (d *Door) v2InstanceScreen(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	uid, err := d.Compute.Screen(ctx, c.Caller, pathInstance(c))
	if err != nil {
		return nil, err
	}
	url, err := d.Console(ctx, c.Caller, uid, c.Request)
	return dialect.OK(wire.GetVNCURLResponse{VNCURL: &url}), err
}

func (d *Door) v2StartInstance(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	_, err := d.Compute.Start(ctx, c.Caller, pathInstance(c))
	return dialect.Empty(), err
}

func (d *Door) v2StopInstance(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	_, err := d.Compute.Stop(ctx, c.Caller, pathInstance(c), false)
	return dialect.Empty(), err
}

func (d *Door) v2RebootInstance(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	_, err := d.Compute.Reboot(ctx, c.Caller, pathInstance(c), false)
	return dialect.Empty(), err
}

func (d *Door) v2DeleteInstance(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	_, err := d.Compute.Delete(ctx, c.Caller, pathInstance(c))
	return dialect.Empty(), err
}

func (d *Door) v2BindSecurityGroup(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	return d.v2Bind(ctx, c, true)
}

func (d *Door) v2UnbindSecurityGroup(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	return d.v2Bind(ctx, c, false)
}

// v2Bind reads either body: they are the same.
func (d *Door) v2Bind(ctx context.Context, c *dialect.Call, in bool) (*dialect.Answer, error) {
	var body wire.BindBecSecurityGroupRequest
	if err := c.Decode(&body); err != nil {
		return nil, err
	}
	return dialect.Empty(), d.Compute.BindGroups(ctx, c.Caller, []string{pathInstance(c)}, []string{bare("sg-", body.SecurityGroupID)}, in)
}

func v2InstanceTags(in []wire.TagModelInput) []network.Tag {
	tags := make([]network.Tag, len(in))
	for k, t := range in {
		tags[k] = network.Tag{Key: scalar.Value(t.TagKey), Value: scalar.Value(t.TagValue)}
	}
	return tags
}
