package bec

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"edgecloud/cloud/compute"
	"edgecloud/cloud/volume"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v2vminstance"
	"edgecloud/fault"
)

// Defaults of createVmInstance (x-behavior there). The document gives none for a cloud disk's storage; its skeleton has CDS_SSD.
const (
	v2RootDisk    = "sys"
	v2RootGiB     = 40
	v2RootStorage = "NVME"
	v2DataStorage = "NVME"
	v2CDSStorage  = "CDS_SSD"
)

func (d *Door) v2CreateInstance(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateBecVMInstanceRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	w, err := d.v2NewInstances(ctx, c, &in)
	if err != nil {
		return nil, err
	}
	if err := checkDataDisks(w.Data); err != nil {
		return nil, inV2Words(err, len(in.EphemeralDisks))
	}
	made, err := d.Compute.Create(ctx, c.Caller, w)
	if err != nil {
		return nil, inV2Words(err, len(in.EphemeralDisks))
	}
	out := wire.CreateBecVMInstanceResponse{ServiceID: new(groupID(made.Group)), Instances: make([]wire.CreateBecVMInstanceModel, len(made.Instances))}
	regions := map[string]string{}
	for _, s := range w.Spread {
		regions[s.Site.UID] = s.Site.Name
	}
	for k, i := range made.Instances {
		out.Instances[k] = wire.CreateBecVMInstanceModel{InstanceID: new(instanceID(i)), RegionID: new(regions[i.Site])}
	}
	if w.Payment == compute.Prepaid {
		out.OrderIDList = []string{orderID(c)}
	}
	return dialect.OK(out), nil
}

// orderID names the purchase that a call is: the audit record of the call has the same ID, with hyphens.
func orderID(c *dialect.Call) string { return strings.ReplaceAll(c.RequestID, "-", "") }

func (d *Door) v2NewInstances(ctx context.Context, c *dialect.Call, in *wire.CreateBecVMInstanceRequest) (w compute.NewInstances, err error) {
	if err := v2NotOffered(in); err != nil {
		return w, err
	}
	mbps := int64(scalar.Value(in.NetworkCapacityInMbps))
	w = compute.NewInstances{Group: bare("s-", scalar.Value(in.ServiceID)), Name: scalar.Value(in.Name), Hostname: scalar.Value(in.Hostname),
		Size: v2Size(in.Spec, in.CPUCount, in.MemoryCapacityInGB), Image: bareImage(in.ImageID), System: v2SystemDisk(in), Data: v2DataDisks(in),
		Mbps: mbps, Public: mbps != 0, Tags: v2InstanceTags(in.Tags)}
	if g := scalar.Value(in.SecurityGroupID); g != "" {
		w.Groups = []string{bare("sg-", g)}
	}
	if len(in.DeployIDList) > 0 {
		w.Set = bare("dset-", in.DeployIDList[0])
	}
	v2Billing(in, &w)
	if w.Spread, err = d.v2Spread(ctx, in.DeployInstances); err != nil {
		return w, err
	}
	if w.UserData, err = guestUserData("userData", scalar.Value(in.UserData)); err != nil {
		return w, err
	}
	w.Login, err = d.v2Login(ctx, c, in.AdminPass, in.KeypairID)
	return w, err
}

// v2NotOffered refuses what no site here has, instead of making an instance without it.
func v2NotOffered(in *wire.CreateBecVMInstanceRequest) error {
	switch {
	case scalar.Value(in.GPUCard) != "" || scalar.Value(in.CardCount) != 0:
		return fault.BadField("gpuCard", "no node offers GPU cards")
	case len(in.PassthroughDisks) > 0:
		return fault.BadField("passthroughDisks", "no node offers dedicated disks")
	case bool(scalar.Value(in.NeedPublicSpeedIP)):
		return fault.BadField("needPublicSpeedIp", "no node offers accelerated addresses")
	}
	return nil
}

func v2Billing(in *wire.CreateBecVMInstanceRequest, w *compute.NewInstances) {
	w.Payment = compute.Postpaid
	if in.Billing.PaymentTiming != "Prepaid" {
		return
	}
	w.Payment, w.AutoRenew = compute.Prepaid, scalar.Value(in.AutoRenewTime) > 0
	if r := in.Billing.Reservation; r != nil {
		w.Months = int64(scalar.Value(r.ReservationLength))
		if scalar.Value(r.ReservationTimeUnit) == "year" {
			w.Months *= 12
		}
	}
}

func (d *Door) v2Spread(ctx context.Context, in []wire.DeployInstance) ([]compute.Spread, error) {
	spread := make([]compute.Spread, len(in))
	for k, one := range in {
		site, err := d.Place.SiteByName(ctx, one.RegionID)
		if err != nil {
			return nil, fault.From(err).On(fmt.Sprintf("deployInstances[%d].regionId", k))
		}
		s := compute.Spread{Site: site, Count: int(one.PurchaseCount), NICs: nicOn(one.VPCID, one.SubnetID)}
		if scalar.Value(one.NetworkType) == "classic" && len(s.NICs) > 0 {
			return nil, fault.BadField(fmt.Sprintf("deployInstances[%d].networkType", k), "classic has no vpcId and no subnetId; use vpc")
		}
		spread[k] = s
	}
	return spread, nil
}

// nicOn is the one NIC that BEC's instances have; none if it is to be on the default network.
func nicOn(vpc, subnet *string) []compute.NIC {
	if scalar.Value(vpc) == "" && scalar.Value(subnet) == "" {
		return nil
	}
	return []compute.NIC{{Network: bare("vpc-", scalar.Value(vpc)), Subnet: bareSubnet(scalar.Value(subnet))}}
}

func v2SystemDisk(in *wire.CreateBecVMInstanceRequest) volume.New {
	gib := int64(v2RootGiB)
	if in.RootDiskSizeInGb != nil && *in.RootDiskSizeInGb != 0 {
		gib = int64(*in.RootDiskSizeInGb)
	}
	return volume.New{Name: textOr(in.RootDiskName, v2RootDisk), Storage: textOr(in.RootDiskStorageType, v2RootStorage), GiB: gib}
}

// v2DataDisks puts the local disks first, as the request has them.
func v2DataDisks(in *wire.CreateBecVMInstanceRequest) []volume.New {
	disks := make([]volume.New, 0, len(in.EphemeralDisks)+len(in.CreateCDSList))
	for _, e := range in.EphemeralDisks {
		disks = append(disks, volume.New{Name: scalar.Value(e.Name), Role: volume.Local, Storage: textOr(e.StorageType, v2DataStorage), GiB: int64(scalar.Value(e.SizeInGB))})
	}
	for _, e := range in.CreateCDSList {
		disks = append(disks, volume.New{Name: scalar.Value(e.Name), Role: volume.Cloud, Storage: textOr(e.StorageType, v2CDSStorage), GiB: int64(scalar.Value(e.CDSSizeInGB))})
	}
	return disks
}

// minDataGiB is the least size of a data disk that BEC sells (console guide, lines 1240-1244).
const minDataGiB = 20

func checkDataDisks(all []volume.New) error {
	for k, one := range all {
		if one.GiB < minDataGiB {
			return fault.BadField(fmt.Sprintf("dataVolumeList[%d].sizeInGB", k), "must lie between %d and %d", minDataGiB, volume.MaxDataGiB)
		}
	}
	return nil
}

// textOr takes a default for a text that is absent or empty, as SDKs send what is not set.
func textOr(s *string, otherwise string) string {
	if scalar.Value(s) == "" {
		return otherwise
	}
	return *s
}

// v2Words are the names that the cloud's faults give to fields (those of API 1.0), in API 2.0.
var v2Words = map[string]string{
	"bandwidth": "networkCapacityInMbps", "systemVolume.sizeInGB": "rootDiskSizeInGb", "cpu": "cpuCount", "memory": "memoryCapacityInGB",
	"deploysetIdList": "deployIdList", "reservation": "billing.reservation",
}

var indexed = regexp.MustCompile(`^(deployInstances|dataVolumeList)\[(\d+)\]\.(replicas|sizeInGB)$`)

// inV2Words renames the field of a fault to what API 2.0 calls it. local is how many local disks came before the cloud disks.
func inV2Words(err error, local int) error {
	f := fault.From(err)
	if f == nil || f.Field == "" {
		return err
	}
	name, known := v2Words[f.Field]
	if m := indexed.FindStringSubmatch(f.Field); m != nil {
		k, _ := strconv.Atoi(m[2]) // the pattern has digits only, and the cloud counts in int
		switch {
		case m[1] == "deployInstances":
			name = fmt.Sprintf("deployInstances[%d].purchaseCount", k)
		case k < local:
			name = fmt.Sprintf("ephemeralDisks[%d].sizeInGB", k)
		default:
			name = fmt.Sprintf("createCdsList[%d].cdsSizeInGB", k-local)
		}
		known = true
	}
	if !known {
		return err
	}
	renamed := f.On(name)
	if rest, ok := strings.CutPrefix(f.Sentence, f.Field+": "); ok {
		renamed.Sentence = name + ": " + rest
	}
	return renamed
}
