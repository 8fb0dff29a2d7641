package bec

import (
	"context"
	"fmt"
	"strconv"

	"edgecloud/cloud/compute"
	"edgecloud/cloud/network"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v1vminstance"
	service "edgecloud/dialect/bec/wire/v1vmservice"
	"edgecloud/fault"
	"edgecloud/store"
)

func v1PortRange(r *network.Rule) string {
	if r.PortMin == r.PortMax && r.PortMin > 0 {
		return strconv.Itoa(r.PortMin)
	}
	if r.PortMin == 0 && r.PortMax == 0 {
		return "1-65535"
	}
	return fmt.Sprintf("%d-%d", r.PortMin, r.PortMax)
}

func (d *Door) v1GetConfig(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	detail, err := d.Compute.Get(ctx, c.Caller, pathVM(c))
	if err != nil {
		return nil, err
	}
	v := v1Instance(detail.View, nil)
	return dialect.OK(wire.GetVMInstanceConfigResponse{CPU: *v.CPU, Mem: *v.Mem, Region: *v.Region, ServiceProvider: *v.ServiceProvider, City: *v.City, RegionID: *v.RegionID,
		NeedPublicIP: *v.NeedPublicIP, Bandwidth: strconv.FormatInt(detail.Mbps, 10), OSImage: v.OSImage, DataVolumeList: v.DataVolumeList, SystemVolume: v.SystemVolume}), nil
}

func (d *Door) v1UpdateInstance(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateVMInstanceRequest
	var more struct {
		AdminPass *string `json:"adminPass"` // the SDKs' place for it
	}
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if err := c.Decode(&more); err != nil {
		return nil, err
	}
	var login compute.Login
	if in.Type == "password" { // hashed before the transaction, which it would hold up
		var err error
		if login, err = d.v1Login(ctx, c, (*service.KeyConfig)(in.KeyConfig), more.AdminPass); err != nil {
			return nil, err
		}
	}
	err := d.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		return d.v1ChangeInstance(store.Join(ctx, tx), c, &in, login)
	})
	if err != nil {
		return nil, inV1Words(err)
	}
	return d.v1Changed(ctx, c, "update")
}

// v1Changed answers with the instance as it is now.
func (d *Door) v1Changed(ctx context.Context, c *dialect.Call, action string) (*dialect.Answer, error) {
	detail, err := d.Compute.Get(ctx, c.Caller, pathVM(c))
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.UpdateVMInstanceResponse{Result: new(true), Action: &action, Details: new(v1Instance(detail.View, detail.Groups))}), nil
}

func (d *Door) v1ChangeInstance(ctx context.Context, c *dialect.Call, in *wire.UpdateVMInstanceRequest, login compute.Login) error {
	id := pathVM(c)
	switch in.Type {
	case "vmName":
		if scalar.Value(in.VMName) == "" {
			return fault.BadField("vmName", "must be given")
		}
		_, err := d.Compute.Rename(ctx, c.Caller, id, compute.Rename{Name: in.VMName})
		return err
	case "hostname":
		if scalar.Value(in.Hostname) == "" {
			return fault.BadField("hostname", "must be given")
		}
		_, err := d.Compute.Rename(ctx, c.Caller, id, compute.Rename{Hostname: in.Hostname})
		return err
	case "password":
		_, err := d.Compute.SetLogin(ctx, c.Caller, id, login)
		return err
	case "securityGroup":
		return d.Compute.SetSecurityGroups(ctx, c.Caller, id, bareAll("sg-", in.SecurityGroupIDs))
	case "resource":
		return d.v1ResizeInstance(ctx, c, in)
	}
	return fault.BadField("type", "must be password, vmName, resource, securityGroup or hostname")
}

func (d *Door) v1ResizeInstance(ctx context.Context, c *dialect.Call, in *wire.UpdateVMInstanceRequest) error {
	detail, err := d.Compute.Get(ctx, c.Caller, pathVM(c))
	if err != nil {
		return err
	}
	if err := v1Unchangeable(detail.View, in); err != nil {
		return err
	}
	size := v2Size(in.Spec, in.CPU, in.Memory)
	ipv6 := bool(scalar.Value(in.NeedIPv6PublicIP))
	if in.Bandwidth == nil && size == (compute.Size{}) && !ipv6 {
		return fault.BadField("cpu", "must be given with memory, or else spec, bandwidth or needIpv6PublicIp")
	}
	// The SDKs send false with every change: it takes no address away.
	if ipv6 {
		if _, err := d.Compute.AddIPv6(ctx, c.Caller, detail.UID); err != nil {
			return err
		}
	}
	if size != (compute.Size{}) {
		if err := d.v1Resize(ctx, c, detail.View, size, in.Reboot); err != nil {
			return err
		}
	}
	if in.Bandwidth == nil {
		return nil
	}
	_, err = d.Compute.SetBandwidth(ctx, c.Caller, detail.UID, v1Bandwidth(float64(*in.Bandwidth)))
	return err
}

// v1Unchangeable lets what a request repeats pass, and refuses changes that are not built.
func v1Unchangeable(v *compute.View, in *wire.UpdateVMInstanceRequest) error {
	if in.NetworkConfig != nil {
		return notBuilt("networkConfig", "the NICs of an instance cannot be changed")
	}
	if in.DataStorage != nil {
		return notBuilt("dataStorage", "disks of an instance cannot be added this way")
	}
	sizes := map[string]int64{}
	for _, d := range v.Volumes {
		sizes[pvcName(&v.Instance, d)] = d.GiB
	}
	for k, d := range in.DataVolumeList {
		if was, known := sizes[scalar.Value(d.PvcName)]; !known || d.SizeInGB != nil && int64(*d.SizeInGB) != was {
			return notBuilt(fmt.Sprintf("dataVolumeList[%d]", k), "disks of an instance cannot be added or changed this way")
		}
	}
	if s := in.SystemVolume; s != nil && s.SizeInGB != nil && int64(*s.SizeInGB) != v.Volumes[0].GiB {
		return notBuilt("systemVolume.sizeInGB", "the size of the system disk cannot be changed")
	}
	return v1DNS((*service.DNSConfig)(in.DNSConfig))
}

func (d *Door) v1OperateInstance(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var v *compute.View
	var err error
	switch c.Path("action") {
	case "start":
		v, err = d.Compute.Start(ctx, c.Caller, pathVM(c))
	case "stop":
		v, err = d.Compute.Stop(ctx, c.Caller, pathVM(c), false)
	case "restart":
		v, err = d.Compute.Reboot(ctx, c.Caller, pathVM(c), false)
	default:
		err = fault.BadField("action", "must be start, stop or restart")
	}
	if err != nil {
		return nil, err
	}
	return dialect.OK(v1Acted(c.Path("action"), "vmId", instanceID(&v.Instance))), nil
}

func (d *Door) v1DeleteInstance(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	v, err := d.Compute.Delete(ctx, c.Caller, pathVM(c))
	if err != nil {
		return nil, err
	}
	return dialect.OK(v1Acted("delete", "vmId", instanceID(&v.Instance))), nil
}

func (d *Door) v1Reinstall(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.ReinstallVMInstanceRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if scalar.Value(in.CudaVersion)+scalar.Value(in.DriverVersion)+scalar.Value(in.CudnnVersion) != "" {
		return nil, fault.BadField("driverVersion", "no node offers GPUs, so that no driver can be chosen")
	}
	login, err := d.v1Login(ctx, c, (*service.KeyConfig)(in.KeyConfig), in.AdminPass)
	if err != nil {
		return nil, err
	}
	data, err := guestUserData("userData", scalar.Value(in.UserData))
	if err != nil {
		return nil, err
	}
	_, err = d.Compute.Reinstall(ctx, c.Caller, pathVM(c),
		compute.Rebuild{Image: bareImage(in.ImageID), Login: login, UserData: data, ResetData: bool(scalar.Value(in.ResetDataDisk))})
	if err != nil {
		return nil, inV1Words(err)
	}
	return d.v1Changed(ctx, c, "reinstall")
}

func (d *Door) v1BindGroups(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	return d.v1Bind(ctx, c, "bind", true)
}

func (d *Door) v1UnbindGroups(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	return d.v1Bind(ctx, c, "unbind", false)
}

// v1Bind changes all instances or none, so that there is no outcome of each to tell.
func (d *Door) v1Bind(ctx context.Context, c *dialect.Call, action string, in bool) (*dialect.Answer, error) {
	var body wire.SecurityGroupBindingRequest
	if err := c.Decode(&body); err != nil {
		return nil, err
	}
	err := d.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		ctx = store.Join(ctx, tx)
		for k, one := range body.Instances {
			if err := d.Compute.BindGroups(ctx, c.Caller, []string{bare("vm-", one.InstanceID)}, bareAll("sg-", one.SecurityGroupIDs), in); err != nil {
				return fault.From(err).On(fmt.Sprintf("instances[%d]", k))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.SecurityGroupBindingResponse{Result: new(true), Action: &action}), nil
}
