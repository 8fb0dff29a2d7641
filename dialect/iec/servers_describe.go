package iec

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"

	"edgecloud/cloud/compute"
	"edgecloud/cloud/volume"
	"edgecloud/contract/scalar"
	wire "edgecloud/dialect/iec/wire/server"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// serverStatus is an instance's status on the wire.
type serverStatus struct {
	status string
	task   string // what it is about to do, in Nova's words
	vm     string // its state without the task, in Nova's words
}

// serverStatuses maps every state of an instance. An instance that runs and that is being stopped, or that is off and being started, keeps its status and shows the
// task beside it, as Nova does. While it is deleted it keeps its status too: the official client waits through ACTIVE and SHUTOFF, and takes DELETED for gone,
// though its addresses and disks would still be there; it answers 404 when all is gone.
var serverStatuses = map[compute.State]serverStatus{
	compute.Creating:          {"BUILD", "spawning", "building"},
	compute.Starting:          {"SHUTOFF", "powering-on", "stopped"},
	compute.Running:           {"ACTIVE", "", "active"},
	compute.Stopping:          {"ACTIVE", "powering-off", "active"},
	compute.Stopped:           {"SHUTOFF", "", "stopped"},
	compute.Restarting:        {"REBOOT", "rebooting", "active"},
	compute.ReinstallStopping: {"REBUILD", "rebuilding", "active"},
	compute.ReinstallDisks:    {"REBUILD", "rebuild_block_device_mapping", "active"},
	compute.ReinstallStarting: {"REBUILD", "rebuild_spawning", "active"},
	compute.ResizeStopping:    {"RESIZE", "resize_prep", "active"},
	compute.ResizeStarting:    {"RESIZE", "resize_finish", "active"},
	compute.Amending:          {"SHUTOFF", "", "stopped"},
	compute.Rewiring:          {"ACTIVE", "", "active"},
	compute.Password:          {"ACTIVE", "updating_password", "active"},
	compute.Imaging:           {"SHUTOFF", "image_pending_upload", "stopped"},
	compute.Snapshotting:      {"ACTIVE", "image_snapshot", "active"},
	compute.RollingBack:       {"SHUTOFF", "rebuild_block_device_mapping", "stopped"},
	compute.Failed:            {"ERROR", "", "error"},
}

func statusOf(v *compute.View) serverStatus {
	s := serverStatuses[v.State]
	switch {
	case v.State == compute.Restarting && v.HardReset:
		s.status, s.task = "HARD_REBOOT", "rebooting_hard"
	case v.State == compute.Snapshotting && v.Power == spec.Off:
		s.status, s.vm = "SHUTOFF", "stopped"
	case v.State == compute.Deleting && v.SeenPower == spec.On:
		s = serverStatus{"ACTIVE", "deleting", "active"}
	case v.State == compute.Deleting:
		s = serverStatus{"SHUTOFF", "deleting", "stopped"}
	}
	return s
}

// covered are the statuses that a filter's value covers besides itself (4.2.1).
var covered = map[string][]string{
	"ACTIVE": {"REBOOT", "HARD_REBOOT", "REBUILD", "MIGRATING"}, "SHUTOFF": {"RESIZE", "REBUILD"}, "ERROR": {"REBUILD"}, "VERIFY_RESIZE": {"REVERT_RESIZE"},
}

// stagesOf gives what a filter by status covers; nothing for a status that no instance here has.
func stagesOf(word string) (stages []compute.Stage) {
	yes, no := true, false
	for _, w := range append([]string{word}, covered[word]...) {
		switch w {
		case "REBOOT":
			stages = append(stages, compute.Stage{State: compute.Restarting, Hard: &no})
			continue
		case "HARD_REBOOT":
			stages = append(stages, compute.Stage{State: compute.Restarting, Hard: &yes})
			continue
		case "ACTIVE":
			stages = append(stages, compute.Stage{State: compute.Deleting, On: &yes})
		case "SHUTOFF":
			stages = append(stages, compute.Stage{State: compute.Deleting, On: &no})
		}
		for state, s := range serverStatuses {
			if s.status == w {
				stages = append(stages, compute.Stage{State: state})
			}
		}
	}
	return stages
}

func (d *Door) describeServer(v *compute.View) wire.Instance {
	p, s := placeOf(v.Where), statusOf(v)
	host, yes, nth, power := hostID(v), false, int32(v.Nth), powerOf(v)
	out := wire.Instance{ID: v.UID, Name: v.Name, Status: s.status, Updated: stamp(v.Changed), Created: stamp(v.Created), HostID: host, Description: v.Description, Locked: &yes,
		Addresses: addressesOf(v), Tags: serverTags(v, p), SysTags: []wire.SysTags{{Key: "_sys_enterprise_project_id", Value: "0"}}, Flavor: flavorOf(v), Metadata: metadataOf(v),
		SecurityGroups: []wire.InstanceSecurityGroup{}, OSEXTSTSPowerState: &power, OSEXTSTSVMState: s.vm, OSEXTSTSTaskState: s.task, OSDCFDiskConfig: new("MANUAL"),
		OSEXTAZAvailabilityZone: v.Where.Name, OSEXTSRVATTRRootDeviceName: deviceName(0), OSEXTSRVATTRLaunchIndex: &nth, OSEXTSRVATTRReservationID: "r-" + v.Batch,
		OSEXTSRVATTRHostname: v.Hostname, OSEXTSRVATTRUserData: v.UserData, OSEXTSRVATTRHost: host, OSEXTSRVATTRHypervisorHostname: host,
		OSEXTSRVATTRInstanceName: "instance-" + v.UID[len(v.UID)-8:], OSExtendedVolumesVolumesAttached: attachedVolumes(v.Volumes),
		Geolocation: &wire.GeoLocation{ID: v.Where.UID, Area: p.area, Province: p.province, City: p.city, Country: p.country, I18nArea: p.i18nArea,
			I18nProvince: p.i18nProvince, I18nCity: p.i18nCity, I18nCountry: p.i18nAll},
		EdgecloudID: v.Group, EdgecloudName: v.GroupName, DomainID: v.Account, Operator: new(wire.Operator(operatorOf(v.Where.Carrier))), OriginServerID: v.UID}
	out.Image = &struct {
		ID string `json:"id"`
	}{v.Image}
	if v.SeenPower == spec.On {
		out.OSSRVUSGLaunchedAt = launchStamp(v.SeenSince)
	}
	if len(v.Pairs) > 0 {
		out.KeyName = v.Pairs[0].Name
	}
	for _, g := range v.Security {
		out.SecurityGroups = append(out.SecurityGroups, wire.InstanceSecurityGroup{ID: g.UID, Name: g.Name})
	}
	return out
}

// launchStamp writes a time as Nova does for launches, without a zone (conventions, section 6).
func launchStamp(t store.Time) string { return t.Time().UTC().Format("2006-01-02T15:04:05.000000") }

// hostID hides a host from its tenants and tells them apart: 56 hex digits, made as Nova makes them.
func hostID(v *compute.View) string {
	sum := sha256.Sum224([]byte(v.Account + v.Host))
	return hex.EncodeToString(sum[:])
}

// Nova's power states: nothing known, running, off.
const (
	powerUnknown = 0
	powerOn      = 1
	powerOff     = 4
)

func powerOf(v *compute.View) int32 {
	switch {
	case v.Seen == 0:
		return powerUnknown
	case v.SeenPower == spec.On:
		return powerOn
	}
	return powerOff
}

func deviceName(place int) string { return "/dev/vd" + string(rune('a'+place)) }

func attachedVolumes(all []*volume.Volume) []wire.VolumesAttached {
	out := make([]wire.VolumesAttached, len(all))
	for k, one := range all {
		out[k] = wire.VolumesAttached{ID: one.UID, BootIndex: strconv.Itoa(k), DeleteOnTermination: "true", Device: deviceName(k)}
	}
	return out
}

// addressesOf lists each NIC's address and then its public ones, under its network.
func addressesOf(v *compute.View) scalar.Map[[]wire.InstanceAddress] {
	all := scalar.Map[[]wire.InstanceAddress]{}
	add := func(p *compute.PortView, address, kind string) {
		all[p.Network] = append(all[p.Network], wire.InstanceAddress{Addr: address, OSEXTIPsMACMACAddr: p.MAC, OSEXTIPsPortID: p.UID, OSEXTIPsType: kind, Version: new("4")})
	}
	for _, p := range v.Ports {
		add(p, p.Address, "fixed")
		for _, ip := range v.IPs {
			if ip.Port == p.UID {
				add(p, ip.Address, "floating")
			}
		}
	}
	return all
}

// serverTags are the tags that IEC hangs on an instance, and then its owner's.
func serverTags(v *compute.View, p localPlace) []string {
	tags := []string{"__type_iec=__type_iec", "area=" + p.area, "province=" + p.province, "city=" + p.city, "operator=" + operatorOf(v.Where.Carrier).Name,
		"edgecloud=" + v.Group, "resourceID=" + v.UID}
	for _, t := range v.Tags.V {
		tags = append(tags, t.Key+"="+t.Value)
	}
	return tags
}

// flavorOf describes the shape. One that was chosen freely, as BEC allows, has no flavor's name.
func flavorOf(v *compute.View) *wire.FlavorInstance {
	name := v.Flavor
	if name == "" {
		name = fmt.Sprintf("c%dm%d", v.VCPUs, v.MemoryMiB>>10)
	}
	return &wire.FlavorInstance{ID: name, Name: name, Disk: "0", RAM: strconv.FormatInt(v.MemoryMiB, 10), Vcpus: strconv.FormatInt(v.VCPUs, 10)}
}

// metadataOf has all keys that the document shows; what this cloud has no notion of is empty.
func metadataOf(v *compute.View) scalar.Map[string] {
	m := scalar.Map[string]{"charging_mode": "0", "vpc_id": "", "EcmResStatus": "", "image_name": v.ImageName, "os_bit": "64", "lock_check_endpoint": "", "lock_source": "",
		"lock_source_id": "", "lock_scene": "", "eip_type": "", "resource_id": v.UID, "metering.order_id": "", "metering.product_id": "", "metering.image_id": v.Image,
		"metering.imagetype": "gold", "metering.resourcespeccode": v.Flavor}
	if v.ImageAccount != "" {
		m["metering.imagetype"] = "private"
	}
	if v.Payment == compute.Prepaid {
		m["charging_mode"] = "1"
	}
	if len(v.Ports) > 0 {
		m["vpc_id"] = v.Ports[0].Network
	}
	return m
}
