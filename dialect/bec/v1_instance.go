package bec

import (
	"context"
	"encoding/base64"
	"strings"

	"edgecloud/cloud/compute"
	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/cloud/volume"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v1vminstance"
	wire2 "edgecloud/dialect/bec/wire/v1vminstance2"
	"edgecloud/fault"
	"edgecloud/link/spec"
	"edgecloud/store"
)

func (d *Door) v1Instances() dialect.Handlers {
	return dialect.Handlers{
		wire.OpCreateVMInstances:      d.v1CreateInstances,
		wire.OpListVMInstances:        d.v1ListInstances,
		wire.OpListNodeVMInstances:    d.v1ListNodeInstances,
		wire.OpGetVMInstanceConfig:    d.v1GetConfig,
		wire.OpUpdateVMInstance:       d.v1UpdateInstance,
		wire.OpOperateVMInstance:      d.v1OperateInstance,
		wire.OpReinstallVMInstance:    d.v1Reinstall,
		wire.OpBindVMSecurityGroups:   d.v1BindGroups,
		wire.OpUnbindVMSecurityGroups: d.v1UnbindGroups,
		wire2.OpGetVMInstance:         d.v1GetInstance,
		wire2.OpDeleteVMInstance:      d.v1DeleteInstance,
	}
}

// pathVM is the instance that a call's path names.
func pathVM(c *dialect.Call) string { return bare("vm-", c.Path("vmId")) }

var v1OrderFields = map[string]compute.OrderBy{"": compute.ByCreated, "createTime": compute.ByCreated, "vmName": compute.ByName, "instanceName": compute.ByName,
	"vmId": compute.ByHandle, "instanceId": compute.ByHandle, "status": compute.ByState, "cpu": compute.ByVCPUs, "mem": compute.ByMemory, "memory": compute.ByMemory}

func (d *Door) v1ListInstances(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	f, err := d.v1InstanceFilter(ctx, c)
	if err != nil {
		return nil, err
	}
	by, known := v1OrderFields[c.Param("orderBy")]
	if !known {
		return nil, fault.BadField("orderBy", "must be createTime, vmName, vmId, status, cpu or mem")
	}
	p := page(c.Int("pageNo", 1), c.Int("pageSize", 0), 100)
	views, total, err := d.Compute.List(ctx, c.Caller, f, compute.Order{By: by, Oldest: strings.EqualFold(c.Param("order"), "ASC")}, p)
	if err != nil {
		return nil, err
	}
	out := wire.VMInstanceListResult{Result: v1InstanceList(views), PageNo: new(int32(p.Number)), PageSize: new(int32(p.Size)), TotalCount: new(int32(total)),
		OrderBy: unlessEmpty(c.Param("orderBy")), Order: unlessEmpty(strings.ToLower(c.Param("order")))}
	return dialect.OK(out), nil
}

func v1InstanceList(views []*compute.View) []wire.VMInstanceDetailsVo {
	list := make([]wire.VMInstanceDetailsVo, len(views))
	for k, v := range views {
		list[k] = v1Instance(v, v.Security)
	}
	return list
}

func (d *Door) v1InstanceFilter(ctx context.Context, c *dialect.Call) (f compute.Filter, err error) {
	f = v1Keyword(c)
	f.OSName = c.Param("osName")
	if s := c.Param("serviceId"); s != "" {
		f.Group = bare("s-", s)
	}
	if word := c.Param("status"); word != "" {
		if f.States = v1States(word); len(f.States) == 0 {
			return f, fault.BadField("status", "must be a status of instances, such as RUNNING")
		}
	}
	if area := c.Param("region"); area != "" {
		sites, err := d.v1Sites(ctx, area, "", "")
		f.Sites = append(sites, "") // no site has an empty UID: a region without nodes has no instances
		return f, err
	}
	return f, nil
}

// v1Keyword reads keywordType and keyword. Without a type the keyword is part of an instance's ID, the first of the documented types.
func v1Keyword(c *dialect.Call) (f compute.Filter) {
	word := c.Param("keyword")
	if word == "" {
		return f
	}
	switch c.Param("keywordType") {
	case "instanceName":
		f.Name = word
	case "instanceIp":
		f.Address = word
	case "serviceId":
		f.Group = bare("s-", word)
	case "securityGroupId":
		f.SecurityGroup = bare("sg-", word)
	case "deploysetId":
		f.Set = bare("dset-", word)
	default:
		f.ID = bare("vm-", word)
	}
	return f
}

func (d *Door) v1ListNodeInstances(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	sites, err := d.v1Sites(ctx, c.Path("region"), c.Path("city"), c.Path("serviceProvider"))
	if err != nil {
		return nil, err
	}
	f := v1Keyword(c)
	f.Sites = append(sites, "")
	views, _, err := d.Compute.List(ctx, c.Caller, f, compute.Order{}, store.Page{Number: 1, Size: v1PageSize})
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.ListNodeVMInstancesResponse{Result: v1InstanceList(views), Success: true}), nil
}

func (d *Door) v1GetInstance(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	detail, err := d.Compute.Get(ctx, c.Caller, pathVM(c))
	if err != nil {
		return nil, err
	}
	out := v1Instance(detail.View, detail.Groups)
	out.NetworkConfig = v1NICs(detail.View)
	for k, g := range detail.Groups {
		full, err := d.Networks.GetGroup(ctx, c.Caller, g.UID)
		if err != nil {
			return nil, err
		}
		out.SecurityGroups[k].Rules = v1GroupRules(full)
	}
	for _, p := range detail.Keys {
		out.BccKeyPairList = append(out.BccKeyPairList, map[string]any{"keyPairId": keyPairID(p), "name": p.Name})
	}
	if detail.UserData != "" {
		out.UserData = new(base64.StdEncoding.EncodeToString([]byte(userDataMark + " " + detail.UserData)))
	}
	return dialect.OK(out), nil
}

// v1Instance shows an instance as lists do.
func v1Instance(v *compute.View, groups []*network.SecurityGroup) wire.VMInstanceDetailsVo {
	system, data := v1DiskSizes(v)
	out := wire.VMInstanceDetailsVo{VMID: new(instanceID(&v.Instance)), UUID: &v.UID, VMName: &v.Name, Status: new(v1State(v.State)), Spec: &v.Flavor,
		CPU: new(int32(v.VCPUs)), Mem: new(int32(v.MemoryMiB >> 10)), GPU: new(int32(0)), RootDiskSize: new(int32(system)), DataStorage: new(int32(data)),
		RegionID: &v.Where.Name, Region: &v.Where.Area, City: &v.Where.City, ServiceProvider: new(string(v.Where.Carrier)), NeedPublicIP: new(len(v.IPs) > 0),
		NeedIPv6PublicIP: new(len(v.IPv6s) > 0), IPv6PublicIP: new(publicIPv6(v, "")), Bandwidth: new(v1Mbps(v.Mbps)), OSImage: new(v1Image(v)), ServiceID: new("s-" + v.GroupSlug),
		CreateTime: new(stamp(v.Created)), DataVolumeList: []wire.VolumeConfig{}, PrivateIPs: []string{}, SecurityGroups: []wire.SecurityGroup{},
		DeploysetList: []wire.DeploySetVo{}, Tags: []wire.TagModel{}}
	v1Addresses(v, &out)
	v1Disks(v, &out)
	for _, g := range groups {
		out.SecurityGroups = append(out.SecurityGroups, wire.SecurityGroup{ID: new(securityID(g)), Name: &g.Name, Desc: &g.Description})
	}
	if v.SetSlug != "" {
		out.DeploysetList = append(out.DeploysetList, wire.DeploySetVo{DeploysetID: new("dset-" + v.SetSlug), Name: &v.SetName})
	}
	for _, t := range v.Tags.V {
		out.Tags = append(out.Tags, wire.TagModel{TagKey: new(t.Key), TagValue: new(t.Value)})
	}
	return out
}

// v1Addresses: on a three-carrier node the public addresses are in multiplePublicIp and publicIp is null, on others the other way round.
func v1Addresses(v *compute.View, out *wire.VMInstanceDetailsVo) {
	if len(v.Ports) > 0 {
		p := v.Ports[0]
		out.InternalIP = &p.Address
		out.PrivateIPs = append([]string{}, p.Further.V...)
		out.VPC = &wire.VPC{VPCID: new("vpc-" + p.NetworkSlug), Name: &p.NetworkName, CIDR: &p.NetworkCIDR, Description: new(""),
			Subnet: &wire.Subnet{SubnetID: new("sbn-" + p.SubnetSlug), Name: &p.SubnetName, CIDR: &p.SubnetCIDR, Description: new("")}}
	}
	if v.Where.Carrier != place.TripleLine {
		if len(v.IPs) > 0 {
			out.PublicIP = &v.IPs[0].Address
		}
		return
	}
	for _, ip := range v.IPs {
		out.MultiplePublicIP = append(out.MultiplePublicIP, wire.IPInfo{ServiceProvider: new(string(ip.Carrier)), IP: &ip.Address, IPv6: new(publicIPv6(v, ip.Line))})
	}
}

// publicIPv6 is an instance's public IPv6 address on a line (empty: the first), or nothing.
func publicIPv6(v *compute.View, line string) string {
	for _, ip := range v.IPv6s {
		if line == "" || ip.Line == line {
			return ip.Address
		}
	}
	return ""
}

// pvcName has the observed shape (vm-service.yaml, VolumeConfig).
func pvcName(i *compute.Instance, v *volume.Volume) string {
	if v.Position == 0 {
		return "lvm-" + i.Handle + "-rootfs"
	}
	return "lvm-" + i.Handle + "-" + v.Slug[:5]
}

func v1Disks(v *compute.View, out *wire.VMInstanceDetailsVo) {
	for _, d := range v.Volumes {
		if d.Position == 0 {
			out.SystemVolume = &wire.SystemVolumeConfig{VolumeType: storageWord(d.Storage), SizeInGB: new(int32(d.GiB)), Name: &d.Name, PvcName: new(pvcName(&v.Instance, d))}
			continue
		}
		out.DataVolumeList = append(out.DataVolumeList, wire.VolumeConfig{VolumeType: storageWord(d.Storage), SizeInGB: new(int32(d.GiB)), Name: &d.Name, PvcName: new(pvcName(&v.Instance, d))})
	}
}

func v1Image(v *compute.View) wire.ImageDetail {
	kind := "common"
	if v.ImageAccount != "" {
		kind = "becCustom"
	}
	none := func() *int32 { return new(int32(0)) }
	return wire.ImageDetail{ID: &v.Image, ImageID: new(imageID(v.ImageSlug, v.ImageAccount)), Name: &v.ImageName, ImageType: &kind, SnapshotID: new(""),
		OSName: &v.OSName, OSVersion: &v.OSVersion, CPU: none(), Memory: none(), DiskSize: none(), EphemeralSize: none(), ShareToUserNumLimit: none(), SharedToUserNum: none(),
		Status: new("active")}
}

var v1NICTypes = map[place.Carrier]string{place.Telecom: "TRIPLE_CT", place.Unicom: "TRIPLE_UN", place.Mobile: "TRIPLE_CM"}

// v1NICs shows the internal NIC and, as the vendor does, a public one for each public address.
func v1NICs(v *compute.View) *wire.NetworkConfig {
	out := &wire.NetworkConfig{NodeType: new("SINGLE"), NetworksList: []wire.Networks{}, NeedPrivateNetwork: new(true), NeedPublicNetwork: new(len(v.IPs) > 0),
		PrivateNetworkName: new(nicName(0))}
	if v.Where.Carrier == place.TripleLine {
		out.NodeType = new("TRIPLE")
	}
	add := func(kind, id, address, ipv6 string) { // id has its prefix
		k := len(out.NetworksList)
		out.NetworksList = append(out.NetworksList, wire.Networks{NetType: &kind, NetName: new(nicName(k)), NICIndex: new(int32(k)), ENIID: &id,
			IPv4: &wire.IPAddress{IP: &address}, IPv6: &wire.IPAddress{IP: &ipv6}})
	}
	for _, p := range v.Ports {
		if p.Elastic != "" {
			add("INTERNAL_IP", "eni-"+p.Slug, p.Address, "")
			continue
		}
		add("INTERNAL_IP", "nic-"+p.Slug, p.Address, "")
	}
	for _, ip := range v.IPs {
		kind := "PUBLIC_IP"
		if v.Where.Carrier == place.TripleLine {
			kind = v1NICTypes[ip.Carrier]
		}
		add(kind, "nic-"+ip.Slug, ip.Address, publicIPv6(v, ip.Line))
		out.PublicNetworkName = new(nicName(1))
	}
	return out
}

func v1GroupRules(g *network.SecurityGroup) []wire.SecurityGroupRule {
	out := []wire.SecurityGroupRule{}
	for _, r := range sayable(g.Rules) {
		one := wire.SecurityGroupRule{SecurityGroupRuleID: new(ruleID(g, r)), Direction: new(string(r.Direction)), EtherType: &r.Ethertype, Protocol: &r.Protocol,
			PortRange: new(v1PortRange(r)), Remark: &r.Remark}
		if r.Direction == spec.Egress {
			one.DestIP = &r.Remote
		} else {
			one.SourceIP = &r.Remote
		}
		out = append(out, one)
	}
	return out
}
