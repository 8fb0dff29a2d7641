package iec

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"

	"edgecloud/cloud/compute"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/iec/wire/server"
	"edgecloud/fault"
)

// act runs a verb on all instances of a batch, or on none, and answers with the job.
func (d *Door) act(ctx context.Context, c *dialect.Call, servers []wire.BaseID, verb func(ctx context.Context, id string) (*compute.View, error)) (*dialect.Answer, error) {
	err := d.Compute.All(ctx, c.Caller, idsOf(servers), func(ctx context.Context, id string) error {
		_, err := verb(ctx, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	job, err := d.job(ctx, c, servers[0].ID)
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.BatchActionResponse{Jobs: []wire.JobResult{{JobID: job.JobID}}}), nil
}

func (d *Door) startServers(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.BatchStartRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	return d.act(ctx, c, in.OSStart.Servers, func(ctx context.Context, id string) (*compute.View, error) { return d.Compute.Start(ctx, c.Caller, id) })
}

func (d *Door) stopServers(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.BatchStopRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	hard := isHard(in.OSStop.Type)
	return d.act(ctx, c, in.OSStop.Servers, func(ctx context.Context, id string) (*compute.View, error) {
		return d.Compute.Stop(ctx, c.Caller, id, hard)
	})
}

// rebootServers needs a type, which the table calls optional and its note demands.
func (d *Door) rebootServers(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.BatchRebootRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if scalar.Value(in.Reboot.Type) == "" {
		return nil, fault.BadField("reboot.type", "must be SOFT or HARD")
	}
	hard := isHard(in.Reboot.Type)
	return d.act(ctx, c, in.Reboot.Servers, func(ctx context.Context, id string) (*compute.View, error) {
		return d.Compute.Reboot(ctx, c.Caller, id, hard)
	})
}

func isHard(kind *string) bool { return strings.EqualFold(scalar.Value(kind), "HARD") }

// changeOS starts the system disk again from another image. The instance must be off; addresses and data disks stay, and so does the login unless a key pair is named.
func (d *Door) changeOS(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.ChangeOSRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if !isUUID(in.ImageID) {
		return nil, fault.BadField("image_id", "must be a UUID")
	}
	r := compute.Rebuild{Image: in.ImageID, KeepLogin: true, Off: true}
	if key := scalar.Value(in.KeyName); key != "" {
		r.KeepLogin, r.Login = false, compute.Login{Keys: []string{key}}
	}
	if in.Metadata != nil {
		data, err := userData("metadata.user_data", in.Metadata.UserData)
		if err != nil {
			return nil, err
		}
		r.UserData = data
	}
	v, err := d.Compute.Reinstall(ctx, c.Caller, c.Path("instance_id"), r)
	if err != nil {
		return nil, err
	}
	job, err := d.job(ctx, c, v.UID)
	return dialect.OK(job), err
}

// userData reads user data: base64, of which the document allows less than 65535 characters (5.1).
func userData(field string, text *string) ([]byte, error) {
	t := scalar.Value(text)
	if len(t) >= 65535 {
		return nil, fault.BadField(field, "must have less than 65535 characters")
	}
	data, err := base64.StdEncoding.DecodeString(t)
	if err != nil {
		return nil, fault.BadField(field, "must be base64").Because(err)
	}
	return data, nil
}

func encodeUserData(data []byte) string { return base64.StdEncoding.EncodeToString(data) }

// addNICs makes nic_num NICs in a subnet, or where the cloud chooses one.
func (d *Door) addNICs(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.AddNICsRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if in.NICNum < 1 || in.NICNum > maxServerNICs {
		return nil, fault.BadField("nic_num", "must be 1 to %d", maxServerNICs)
	}
	nics := make([]compute.NIC, in.NICNum)
	for k := range nics {
		nics[k] = compute.NIC{Network: in.VPCID, Subnet: scalar.Value(in.SubnetID), Groups: idsOf(in.SecurityGroups)}
	}
	v, err := d.Compute.AddNICs(ctx, c.Caller, c.Path("instance_id"), nics)
	if err != nil {
		return nil, err
	}
	job, err := d.job(ctx, c, v.UID)
	return dialect.OK(job), err
}

// maxServerNICs is how many NICs an instance has at most (4.1.1, stated for deployments).
const maxServerNICs = 8

func (d *Door) deleteNICs(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.DeleteNICsRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	var ports []string
	for k, n := range in.NICs {
		if !isUUID(n.ID) {
			return nil, fault.BadField("nics", "the ID of NIC %d is no UUID", k).On("nics")
		}
		ports = append(ports, n.ID)
	}
	if len(ports) == 0 {
		return nil, fault.BadField("nics", "must name at least one")
	}
	v, err := d.Compute.RemoveNICs(ctx, c.Caller, c.Path("instance_id"), ports)
	if err != nil {
		return nil, err
	}
	job, err := d.job(ctx, c, v.UID)
	return dialect.OK(job), err
}

// serverName tells whether a name has letters, digits, Chinese characters and the named marks only, and fits.
func serverName(name string, most int, marks string) bool {
	n := 0
	for _, r := range name {
		n++
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', 0x4e00 <= r && r <= 0x9fff, strings.ContainsRune(marks, r):
		default:
			return false
		}
	}
	return n >= 1 && n <= most
}

// hostName makes a guest's host name of an instance's name (RFC 952 and 1123): lower case, "_" becomes "-", and what is left over goes.
func hostName(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == '-':
			b.WriteRune(r)
		case r == '_' || r == '.':
			b.WriteByte('-')
		}
	}
	host := strings.Trim(b.String(), "-")
	if len(host) < 2 || host[0] < 'a' {
		host = fmt.Sprintf("iec-%s", host)
	}
	return strings.Trim(host[:min(len(host), maxHostName)], "-")
}

const maxHostName = 63
