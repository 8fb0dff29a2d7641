package bec

import (
	"context"
	"fmt"
	"strings"

	"edgecloud/cloud/compute"
	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/cloud/volume"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v1vmservice"
	"edgecloud/fault"
)

// v1Create is the body of both creations: the SDKs send the same to either (vm-instance.yaml, x-sdk-notes).
type v1Create struct {
	wire.CreateVMServiceRequest
	AdminPass *string `json:"adminPass"`
	GPU       *struct {
		Num scalar.Int `json:"num"`
	} `json:"gpu"`
}

// maxBandwidth is what -1 asks for, in Mbps: the port of a host.
const maxBandwidth = 10_000

func (d *Door) v1CreateService(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	w, err := d.v1NewInstances(ctx, c)
	if err != nil {
		return nil, err
	}
	made, err := d.Compute.Create(ctx, c.Caller, w)
	if err != nil {
		return nil, inV1Words(err)
	}
	return d.v1Made(ctx, c, made, false)
}

func (d *Door) v1CreateInstances(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	w, err := d.v1NewInstances(ctx, c)
	if err != nil {
		return nil, err
	}
	w.Group = bare("s-", c.Path("serviceId"))
	made, err := d.Compute.Create(ctx, c.Caller, w)
	if err != nil {
		return nil, inV1Words(err)
	}
	return d.v1Made(ctx, c, made, true)
}

// v1Made answers a creation. As in the document's examples, what only exists later is null there.
func (d *Door) v1Made(ctx context.Context, c *dialect.Call, made *compute.Created, list bool) (*dialect.Answer, error) {
	g, err := d.Compute.GetGroup(ctx, c.Caller, made.Group.UID)
	if err != nil {
		return nil, err
	}
	out := v1Service(g, true)
	out.CreateTime, out.Bandwidth, out.TotalBandwidth = nil, nil, new("0Mbps")
	if list {
		for _, i := range made.Instances {
			site, err := d.Place.Site(ctx, i.Site)
			if err != nil {
				return nil, err
			}
			out.Instances = append(out.Instances, wire.VMInstanceIDVo{VMID: new(instanceID(i)), VMName: &i.Name, RegionID: &site.Name, Region: &site.Area,
				ServiceProvider: new(string(site.Carrier)), City: &site.City})
		}
	}
	return dialect.OK(wire.CreateVMServiceResponse{Result: new(true), Action: new("create"), Details: &out}), nil
}

func (d *Door) v1NewInstances(ctx context.Context, c *dialect.Call) (w compute.NewInstances, err error) {
	var in v1Create
	if err := c.Decode(&in); err != nil {
		return w, err
	}
	if err := in.notOffered(); err != nil {
		return w, err
	}
	w = compute.NewInstances{GroupName: scalar.Value(in.ServiceName), Name: scalar.Value(in.VMName), Hostname: scalar.Value(in.Hostname),
		Size: v2Size(in.Spec, in.CPU, in.Memory), Image: bareImage(scalar.Value(in.ImageID)), Mbps: v1Bandwidth(float64(scalar.Value(in.Bandwidth))),
		Public: bool(scalar.Value(in.NeedPublicIP)), IPv6: bool(scalar.Value(in.NeedIPv6PublicIP)), Groups: bareAll("sg-", in.SecurityGroupIDs)}
	if w.GroupName != "" {
		if err := checkServiceName(w.GroupName); err != nil {
			return w, err
		}
	}
	for _, t := range in.Tags {
		w.Tags = append(w.Tags, network.Tag{Key: scalar.Value(t.TagKey), Value: scalar.Value(t.TagValue)})
	}
	if len(in.DeploysetIDList) > 0 {
		w.Set = bare("dset-", in.DeploysetIDList[0])
	}
	in.billing(&w)
	if err := in.disks(&w); err != nil {
		return w, err
	}
	if w.Spread, err = d.v1Spread(ctx, in.DeployInstances); err != nil {
		return w, err
	}
	if err := in.nics(w.Public, w.Spread); err != nil {
		return w, err
	}
	if w.UserData, err = guestUserData("userData", scalar.Value(in.UserData)); err != nil {
		return w, err
	}
	w.Login, err = d.v1Login(ctx, c, in.KeyConfig, in.AdminPass)
	return w, err
}

// notOffered refuses what would otherwise be left out silently.
func (in *v1Create) notOffered() error {
	switch {
	case scalar.Value(in.TemplateID) != "":
		return fault.Missing("VM template", *in.TemplateID).On("templateId")
	case in.GPU != nil && in.GPU.Num > 0:
		return fault.BadField("gpu", "no node offers GPUs")
	case scalar.Value(in.CudaVersion)+scalar.Value(in.DriverVersion)+scalar.Value(in.CudnnVersion) != "":
		return fault.BadField("driverVersion", "no node offers GPUs, so that no driver can be chosen")
	case bool(scalar.Value(in.DisableIntranet)):
		return notBuilt("disableIntranet", "an instance without an internal network is not available")
	case bool(scalar.Value(in.DisableCloudInit)):
		return notBuilt("disableCloudInit", "an instance without network initialisation is not available")
	case scalar.Value(in.ImageID) == "":
		return fault.BadField("imageId", "must name an image")
	}
	return v1DNS(in.DNSConfig)
}

// v1DNS takes what every instance gets: the resolvers of its subnet.
func v1DNS(in *wire.DNSConfig) error {
	if in == nil {
		return nil
	}
	switch t := scalar.Value(in.DNSType); t {
	case "", wire.DNSTypeDEFAULT, wire.DNSTypeLOCAL:
		return nil
	default:
		return notBuilt("dnsConfig.dnsType", "%s is not available for an instance; the subnet's resolvers are used with DEFAULT", t)
	}
}

func notBuilt(field, format string, args ...any) error {
	return fault.New(fault.NotImplemented, "%s: %s", field, fmt.Sprintf(format, args...)).On(field)
}

func (in *v1Create) billing(w *compute.NewInstances) {
	w.Payment = compute.Postpaid
	if scalar.Value(in.PaymentMethod) != "prepay" {
		return
	}
	w.Payment, w.AutoRenew = compute.Prepaid, in.AutoRenew != nil
	if r := in.Reservation; r != nil {
		w.Months = int64(scalar.Value(r.Length))
		if scalar.Value(r.TimeUnit) == "year" {
			w.Months *= 12
		}
	}
}

func (in *v1Create) disks(w *compute.NewInstances) error {
	if in.SystemVolume == nil {
		return fault.BadField("systemVolume", "must be given")
	}
	system, err := v1Disk("systemVolume", *in.SystemVolume, "vm-rootfs")
	if err != nil {
		return err
	}
	w.System = system
	for k, v := range in.DataVolumeList {
		disk, err := v1Disk(fmt.Sprintf("dataVolumeList[%d]", k), v, fmt.Sprintf("data%d", k+1))
		if err != nil {
			return err
		}
		w.Data = append(w.Data, disk)
	}
	return checkDataDisks(w.Data)
}

func v1Disk(field string, in wire.VolumeConfig, name string) (volume.New, error) {
	storage := textOr(in.VolumeType, wire.DiskTypeNVME)
	disk := volume.New{Name: textOr(in.Name, name), Role: volume.Local, Storage: storage, GiB: int64(scalar.Value(in.SizeInGB))}
	if strings.HasSuffix(storage, "_PASSTHROUGH") {
		return disk, fault.BadField(field+".volumeType", "no node offers dedicated disks")
	}
	if strings.HasPrefix(storage, "CDS_") && field != "systemVolume" {
		disk.Role = volume.Cloud
	}
	return disk, nil
}

// v1Carriers are the lines of a three-carrier node by both of their short forms.
var v1Carriers = map[string]place.Carrier{"ct": place.Telecom, "un": place.Unicom, "cm": place.Mobile,
	"TRIPLE_CT": place.Telecom, "TRIPLE_UN": place.Unicom, "TRIPLE_CM": place.Mobile}

func (d *Door) v1Spread(ctx context.Context, in []wire.DeploymentInstanceInput) ([]compute.Spread, error) {
	spread := make([]compute.Spread, len(in))
	for k, one := range in {
		at := fmt.Sprintf("deployInstances[%d].", k)
		site, err := d.v1Site(ctx, at, one)
		if err != nil {
			return nil, err
		}
		s := compute.Spread{Site: site, Count: int(one.Replicas), NICs: nicOn(one.VPCID, one.SubnetID)}
		if scalar.Value(one.NetworkType) == "classic" {
			return nil, notBuilt(at+"networkType", "classic networks are not available; use vpc")
		}
		if scalar.Value(one.HAsGPU) {
			return nil, fault.BadField(at+"hasGpu", "no node offers GPUs")
		}
		if len(one.SubServiceProviders) > 0 && site.Carrier != place.TripleLine {
			return nil, fault.BadField(at+"subServiceProviders", "%s is not a three-carrier node", site.Name)
		}
		for _, code := range one.SubServiceProviders {
			s.Carriers = append(s.Carriers, v1Carriers[code])
		}
		spread[k] = s
	}
	return spread, nil
}

// v1Site finds a node by regionId, or else by region, city and carrier. What is given besides regionId must not name another node.
func (d *Door) v1Site(ctx context.Context, at string, in wire.DeploymentInstanceInput) (*place.Site, error) {
	city, carrier := scalar.Value(in.City), scalar.Value(in.ServiceProvider)
	if id := scalar.Value(in.RegionID); id != "" {
		site, err := d.Place.SiteByName(ctx, id)
		if err != nil {
			return nil, fault.From(err).On(at + "regionId")
		}
		if city != "" && city != site.City {
			return nil, fault.BadField(at+"city", "%s is not at %s", id, city)
		}
		if carrier != "" && carrier != string(site.Carrier) {
			return nil, fault.BadField(at+"serviceProvider", "%s is not a node of %s", id, carrier)
		}
		return site, nil
	}
	if city == "" || carrier == "" {
		return nil, fault.BadField(at+"regionId", "must be given, or else region, city and serviceProvider")
	}
	site, err := d.Place.SiteOf(ctx, scalar.Value(in.Region), city, place.Carrier(carrier))
	if err != nil {
		return nil, fault.From(err).On(at + "city")
	}
	return site, nil
}

// nics takes a list of NICs that describes what the instances get, one internal NIC and then a public address on each chosen line, and reads the lines from it.
// Names of their own are not kept, so that they are refused.
func (in *v1Create) nics(public bool, spread []compute.Spread) error {
	for k, n := range in.NetworkConfigList {
		var carriers []place.Carrier
		for j, nic := range n.NetworksList {
			at := fmt.Sprintf("networkConfigList[%d].networksList[%d].", k, j)
			t := scalar.Value(nic.NetType)
			if (t == "INTERNAL_IP") != (j == 0) {
				return notBuilt(at+"netType", "an instance has one internal NIC, which is the first one")
			}
			if name := scalar.Value(nic.NetName); name != "" && name != nicName(j) {
				return notBuilt(at+"netName", "names of NICs cannot be chosen; this one is %s", nicName(j))
			}
			if c, triple := v1Carriers[t]; triple {
				carriers = append(carriers, c)
			}
			if t == "PUBLIC_IP" && j > 1 {
				return notBuilt(at+"netType", "an instance has one public address on each line")
			}
		}
		for i := range spread {
			if len(carriers) == 0 || spread[i].Site.Carrier != place.TripleLine {
				continue
			}
			if len(spread[i].Carriers) > 0 {
				return fault.BadField(fmt.Sprintf("deployInstances[%d].subServiceProviders", i), "must not be given together with networkConfigList")
			}
			if !public {
				return fault.BadField("needPublicIp", "must be true for public NICs on carriers")
			}
			spread[i].Carriers = carriers
		}
	}
	return nil
}

func nicName(index int) string { return fmt.Sprintf("eth%d", index) }

// v1Login reads how people are to get in: exactly one way. API 1.0 has the password beside keyConfig too.
func (d *Door) v1Login(ctx context.Context, c *dialect.Call, key *wire.KeyConfig, adminPass *string) (login compute.Login, err error) {
	field, password := "adminPass", scalar.Value(adminPass)
	if key != nil {
		if t := scalar.Value(key.Type); t == "bccKeyPair" || t == "" && len(key.BccKeyPairIDList) > 0 {
			if password != "" || scalar.Value(key.AdminPass) != "" {
				return login, fault.BadField("keyConfig", "must name one way to log in: a password or key pairs")
			}
			if len(key.BccKeyPairIDList) == 0 {
				return login, fault.BadField("keyConfig.bccKeyPairIdList", "must name at least one key pair")
			}
			return compute.Login{Keys: bareAll("k-", key.BccKeyPairIDList)}, nil
		}
		if len(key.BccKeyPairIDList) > 0 {
			return login, fault.BadField("keyConfig", "must name one way to log in: a password or key pairs")
		}
		field, password = "keyConfig.adminPass", textOr(key.AdminPass, password)
	}
	if password == "" {
		return login, fault.BadField("keyConfig", "must have a password or key pairs")
	}
	login.PasswordHash, err = d.guestPassword(ctx, c, field, password)
	return login, err
}

func v1Bandwidth(mbps float64) int64 {
	if mbps == -1 {
		return maxBandwidth
	}
	return int64(mbps)
}

func bareAll(prefix string, ids []string) []string {
	out := make([]string, len(ids))
	for k, id := range ids {
		out[k] = bare(prefix, id)
	}
	return out
}

// v1Words are the names that the cloud's faults give to fields, in API 1.0.
var v1Words = map[string]string{"name": "vmName", "keypairId": "keyConfig.bccKeyPairIdList"}

func inV1Words(err error) error { return renamed(err, v1Words) }

// renamed gives the field of a fault another name.
func renamed(err error, names map[string]string) error {
	f := fault.From(err)
	if f == nil || names[f.Field] == "" {
		return err
	}
	out := f.On(names[f.Field])
	if rest, ok := strings.CutPrefix(f.Sentence, f.Field+": "); ok {
		out.Sentence = out.Field + ": " + rest
	}
	return out
}
