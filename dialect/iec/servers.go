package iec

import (
	"context"
	"net/http"
	"strings"

	"edgecloud/cloud/compute"
	"edgecloud/cloud/operation"
	"edgecloud/dialect"
	wire "edgecloud/dialect/iec/wire/server"
	"edgecloud/fault"
	"edgecloud/store"
)

func (d *Door) servers() dialect.Handlers {
	return dialect.Handlers{
		wire.OpListInstances: d.listServers, wire.OpCreateInstance: d.createServers, wire.OpShowInstance: d.showServer, wire.OpUpdateInstance: d.updateServer,
		wire.OpBatchDeleteInstances: d.deleteServers, wire.OpBatchStartInstances: d.startServers, wire.OpBatchStopInstances: d.stopServers,
		wire.OpBatchRebootInstances: d.rebootServers, wire.OpChangeOS: d.changeOS, wire.OpAddNICs: d.addNICs, wire.OpDeleteNICs: d.deleteNICs,
	}
}

var serverCodes = []refinement{
	{in: "iec/server.", kind: fault.NotFound, about: "instance", code: "IEC.010200"},
	{in: "iec/server.batchDeleteInstances", kind: fault.Conflict, about: "instance", code: "IEC.010203"},
	{in: "iec/server.batch", kind: fault.Invalid, field: "servers", code: "IEC.010210"},
	{in: "iec/server.batch", kind: fault.Conflict, about: "instance", code: "IEC.010406"},
	{in: "iec/server.changeOs", kind: fault.Conflict, about: "instance", code: "IEC.010222"},
	{in: "iec/server.changeOs", kind: fault.Invalid, field: "image_id", code: "IEC.010223"},
	{in: "iec/server.changeOs", kind: fault.Invalid, code: "IEC.010224"},
	{in: "iec/server.", kind: fault.Conflict, about: "instance", code: "IEC.010406"},
	{in: "iec/server.deleteNics", kind: fault.Invalid, field: "nics", code: "IEC.020611"},
	{in: "iec/server.deleteNics", kind: fault.NotFound, about: "port", code: "IEC.020607"},
	{in: "iec/server.createInstance", kind: fault.Invalid, field: "server.name", code: "IEC.010401"},
	{in: "iec/server.updateInstance", kind: fault.Invalid, field: "server.name", code: "IEC.010401"},
	{in: "iec/server.updateInstance", kind: fault.Invalid, field: "server.description", code: "IEC.010410"},
	{in: "iec/server.createInstance", kind: fault.NotFound, about: "flavor", code: "IEC.010603"},
	{in: "iec/server.createInstance", kind: fault.Invalid, field: "server.image_ref", code: "IEC.010641"},
	{in: "iec/server.createInstance", kind: fault.Invalid, field: "server.count", code: "IEC.010700"},
	{in: "iec/server.createInstance", kind: fault.Invalid, field: "server.coverage", code: "IEC.010800"},
	{in: "iec/server.createInstance", kind: fault.Invalid, field: "server.coverage.coverage_sites.site", code: "IEC.020403"},
	{in: "iec/server.createInstance", kind: fault.NotFound, about: "location", code: "IEC.011010"},
	{in: "iec/server.createInstance", kind: fault.Capacity, about: "site", code: "IEC.011018"},
	{in: "iec/server.", kind: fault.Capacity, about: "subnet", code: "IEC.020617"},
	{in: "iec/server.createInstance", kind: fault.Capacity, code: "IEC.010900"},
	{in: "iec/server.createInstance", kind: fault.Quota, about: "bandwidths", code: "IEC.020817"},
	{in: "iec/server.createInstance", kind: fault.Quota, about: "bandwidth_mbps", code: "IEC.020817"},
	{in: "iec/server.createInstance", kind: fault.NotFound, about: "bandwidth", code: "IEC.020811"},
	{in: "iec/server.", kind: fault.Quota, code: "IEC.010910"},
	{in: "iec/server.", kind: fault.NotFound, about: "subnet", code: "IEC.020003"},
	{in: "iec/server.", kind: fault.NotFound, about: "network", code: "IEC.020104"},
	{in: "iec/server.", kind: fault.NotFound, about: "security group", code: "IEC.020204"},
	{in: "iec/server.", kind: fault.NotFound, about: "key pair", code: "IEC.010220"},
	{in: "iec/server.", kind: fault.NotFound, about: "image", code: "IEC.030201"},
}

const (
	serverPage    = 25
	maxServerPage = 1000
)

// listServers lists instances, newest first. Unlike other lists its offset counts pages, of which 0 and 1 are the first.
func (d *Door) listServers(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	w, err := window(c)
	if err != nil {
		return nil, err
	}
	if w.Limit == 0 || w.Limit > maxServerPage {
		w.Limit = min(max(w.Limit, serverPage), maxServerPage)
	}
	out := wire.ListInstancesResponse{Servers: []wire.Instance{}, ErrSites: []string{}}
	f := compute.Filter{Name: c.Param("name"), Group: c.Param("edgecloud_id")}
	if id := c.Param("id"); id != "" {
		f.IDs = []string{id}
	}
	if status := c.Param("status"); status != "" {
		if f.Stages = stagesOf(status); len(f.Stages) == 0 {
			return dialect.OK(out), nil // no error, but nothing
		}
	}
	if f.Sites, err = d.sitesAt(ctx, c); err != nil {
		return nil, err
	}
	if f.Sites != nil && len(f.Sites) == 0 {
		return dialect.OK(out), nil
	}
	views, total, err := d.Compute.List(ctx, c.Caller, f, compute.Order{}, store.Page{Number: max(w.Offset, 1), Size: w.Limit})
	if err != nil {
		return nil, err
	}
	out.Count = int32(total)
	for _, v := range views {
		out.Servers = append(out.Servers, d.describeServer(v))
	}
	return dialect.OK(out), nil
}

// sitesAt gives the sites that the filters by place and site_id leave; nil if there is no such filter.
func (d *Door) sitesAt(ctx context.Context, c *dialect.Call) ([]string, error) {
	w, id := placeFilter(c), c.Param("site_id")
	if w.anywhere() && id == "" {
		return nil, nil
	}
	all, err := d.Place.AllSites(ctx)
	if err != nil {
		return nil, err
	}
	found := []string{}
	for _, s := range all {
		if w.holds(s, nil) && (id == "" || id == s.UID) {
			found = append(found, s.UID)
		}
	}
	return found, nil
}

func (d *Door) showServer(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	one, err := d.server(ctx, c, c.Path("server_id"))
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.ShowInstanceResponse{Server: one}), nil
}

func (d *Door) server(ctx context.Context, c *dialect.Call, id string) (*wire.Instance, error) {
	detail, err := d.Compute.Get(ctx, c.Caller, id)
	if err != nil {
		return nil, err
	}
	detail.Security = detail.Groups
	return new(d.describeServer(detail.View)), nil
}

const maxDescription = 85

// updateServer takes the new name as it is given, without a prefix, and leaves the guest's host name.
func (d *Door) updateServer(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateInstanceRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if in.Server.Name != nil && !serverName(*in.Server.Name, 64, "_-.") {
		return nil, fault.BadField("server.name", "must have 1 to 64 letters, digits, Chinese characters, \"_\", \"-\" and \".\"")
	}
	if t := in.Server.Description; t != nil && (len([]rune(*t)) > maxDescription || strings.ContainsAny(*t, "<>")) {
		return nil, fault.BadField("server.description", "must have at most %d characters without \"<\" and \">\"", maxDescription)
	}
	v, err := d.Compute.Rename(ctx, c.Caller, c.Path("server_id"), compute.Rename{Name: in.Server.Name, Description: in.Server.Description})
	if err != nil {
		return nil, err
	}
	one, err := d.server(ctx, c, v.UID)
	if err != nil {
		return nil, err
	}
	return dialect.OK(one), nil
}

// deleteServers deletes instances with their disks and public addresses. One that is being made is refused.
func (d *Door) deleteServers(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.BatchDeleteInstancesRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	err := d.Compute.All(ctx, c.Caller, idsOf(in.Servers), func(ctx context.Context, id string) error {
		_, err := d.Compute.Delete(ctx, c.Caller, id, compute.Creating)
		return err
	})
	if err != nil {
		return nil, err
	}
	job, err := d.job(ctx, c, in.Servers[0].ID)
	if err != nil {
		return nil, err
	}
	return &dialect.Answer{Status: http.StatusAccepted, Body: job}, nil
}

func idsOf(all []wire.BaseID) []string {
	ids := make([]string, len(all))
	for k, one := range all {
		ids[k] = one.ID
	}
	return ids
}

// job names the newest operation on a resource. There is no call that asks for a job: clients poll the resource.
func (d *Door) job(ctx context.Context, c *dialect.Call, target string) (wire.JobResponse, error) {
	o, err := operation.Last(ctx, d.DB, c.Caller, target)
	if err != nil {
		return wire.JobResponse{}, err
	}
	return wire.JobResponse{JobID: jobID(o.UID)}, nil
}

// jobID writes an operation's UID as IEC does: 32 hex digits without dashes (conventions, section 6).
func jobID(uid string) string { return strings.ReplaceAll(uid, "-", "") }
