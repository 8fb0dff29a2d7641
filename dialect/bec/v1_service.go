package bec

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"edgecloud/cloud/compute"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v1vmservice"
	"edgecloud/fault"
	"edgecloud/store"
)

func (d *Door) v1Services() dialect.Handlers {
	return dialect.Handlers{
		wire.OpCreateVMService:           d.v1CreateService,
		wire.OpCreateEmptyVMService:      d.v1CreateEmptyService,
		wire.OpListVMServices:            d.v1ListServices,
		wire.OpGetVMService:              d.v1GetService,
		wire.OpUpdateVMService:           d.v1UpdateService,
		wire.OpDeleteVMService:           d.v1DeleteService,
		wire.OpOperateVMService:          d.v1OperateService,
		wire.OpBatchOperateVMServices:    d.v1OperateServices,
		wire.OpBatchOperateVMServiceList: d.v1OperateServiceList,
		wire.OpBatchDeleteVMServices:     d.v1DeleteServices,
	}
}

// v1PageSize is the default of both lists (vm-service.yaml; vm-instance.yaml says 100).
const v1PageSize = 1000

var serviceName = regexp.MustCompile(`^[\p{Han}A-Za-z0-9_/.+-]{1,64}$`)

func checkServiceName(name string) error {
	if !serviceName.MatchString(name) {
		return fault.BadField("serviceName", "must have 1 to 64 letters, digits, Chinese characters and -_/.+")
	}
	return nil
}

func (d *Door) v1CreateEmptyService(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateEmptyVMServiceRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	name := scalar.Value(in.ServiceName)
	if name != "" {
		if err := checkServiceName(name); err != nil {
			return nil, err
		}
	}
	if p := scalar.Value(in.PaymentMethod); p != "" && p != "postpay" {
		return nil, fault.BadField("paymentMethod", "only postpay is supported for an empty service")
	}
	g, err := d.Compute.CreateGroup(ctx, c.Caller, name, compute.Postpaid)
	if err != nil {
		return nil, renamed(err, map[string]string{"name": "serviceName"})
	}
	out := &wire.VMServiceBriefVo{ServiceID: new(groupID(g)), ServiceName: &g.Name, Status: new("NORMAL")}
	return dialect.OK(wire.ActionInfoVo{Result: new(true), Action: new("create"), Details: out}), nil
}

func (d *Door) v1ListServices(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	f, err := d.v1ServiceFilter(ctx, c)
	if err != nil {
		return nil, err
	}
	o := compute.GroupOrder{Oldest: strings.EqualFold(c.Param("order"), "ASC")}
	switch by := c.Param("orderBy"); by {
	case "", "createTime":
	case "serviceName":
		o.ByName = true
	default:
		return nil, fault.BadField("orderBy", "must be createTime or serviceName")
	}
	p := page(c.Int("pageNo", 1), c.Int("pageSize", 0), v1PageSize)
	groups, total, err := d.Compute.ListGroups(ctx, c.Caller, f, o, p)
	if err != nil {
		return nil, err
	}
	out := wire.VMServiceListResult{Result: make([]wire.VMServiceBriefVo, len(groups)), OrderBy: new(v1Or(c.Param("orderBy"), "createTime")), Order: new(v1Order(c)),
		PageNo: new(int32(p.Number)), PageSize: new(int32(p.Size)), TotalCount: new(int32(total))}
	for k, g := range groups {
		out.Result[k] = v1Service(g, false)
	}
	return dialect.OK(out), nil
}

func v1Or(text, otherwise string) string { return textOr(&text, otherwise) }

// v1Order is the order as answers spell it.
func v1Order(c *dialect.Call) string { return strings.ToLower(v1Or(c.Param("order"), "desc")) }

func (d *Door) v1ServiceFilter(ctx context.Context, c *dialect.Call) (f compute.GroupFilter, err error) {
	f = compute.GroupFilter{Slug: bare("s-", c.Param("serviceId")), OSName: c.Param("osName")}
	switch word := c.Param("keyword"); v1Or(c.Param("keywordType"), "serviceId") {
	case "serviceId":
		f.ID = bare("s-", word)
	case "serviceName":
		f.Name = word
	case "instanceId":
		f.Instance = bare("vm-", word)
	}
	switch status := c.Param("status"); status {
	case "":
	case "NORMAL", "FAILED":
		f.Failed = new(status == "FAILED")
	default:
		return f, fault.BadField("status", "must be NORMAL or FAILED")
	}
	if area := c.Param("region"); area != "" {
		f.Sites, err = d.v1Sites(ctx, area, "", "")
	}
	return f, err
}

// v1Sites gives the UIDs of the nodes of a region, city and carrier, disabled ones too; an empty one matches any. Never nil.
func (d *Door) v1Sites(ctx context.Context, area, city, carrier string) ([]string, error) {
	all, err := d.Place.AllSites(ctx)
	found := []string{}
	for _, s := range all {
		if (area == "" || s.Area == area) && (city == "" || s.City == city) && (carrier == "" || string(s.Carrier) == carrier) {
			found = append(found, s.UID)
		}
	}
	return found, err
}

func (d *Door) v1GetService(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	g, err := d.Compute.GetGroup(ctx, c.Caller, pathService(c))
	if err != nil {
		return nil, err
	}
	return dialect.OK(v1Service(g, true)), nil
}

// v1Service shows a service; lists leave the image out.
func v1Service(g *compute.GroupView, detail bool) wire.VMServiceBriefVo {
	var cpu, mib, root, data, running, mbps int64
	out := wire.VMServiceBriefVo{ServiceID: new(groupID(g.Group)), ServiceName: &g.Name, Status: new(serviceStatus(g)), DeployInstances: []wire.DeploymentInstance{},
		CreateTime: new(stamp(g.Created)), TotalGPU: new(int32(0)), Tags: []wire.TagModel{}}
	at := map[string]int{}
	for _, i := range g.Instances {
		cpu, mib, mbps = cpu+i.VCPUs, mib+i.MemoryMiB, mbps+i.Mbps
		if i.State == compute.Running {
			running++
		}
		r, d := v1DiskSizes(i)
		root, data = root+r, data+d
		k, seen := at[i.Site]
		if !seen {
			k = len(out.DeployInstances)
			at[i.Site] = k
			out.DeployInstances = append(out.DeployInstances, wire.DeploymentInstance{RegionID: &i.Where.Name, Region: &i.Where.Area, City: &i.Where.City,
				ServiceProvider: new(string(i.Where.Carrier))})
		}
		out.DeployInstances[k].Replicas++
	}
	out.TotalCPU, out.TotalMem, out.TotalRootDisk, out.TotalDisk = new(float64(cpu)), new(float64(mib>>10)), new(int32(root)), new(int32(data))
	out.Regions, out.TotalInstances, out.RunningInstances = new(int32(len(at))), new(int32(len(g.Instances))), new(int32(running))
	out.Bandwidth, out.TotalBandwidth = new(v1Mbps(g.Mbps)), new(v1Mbps(mbps))
	for _, t := range g.Tags.V {
		out.Tags = append(out.Tags, wire.TagModel{TagKey: new(t.Key), TagValue: new(t.Value)})
	}
	if detail && len(g.Instances) > 0 {
		out.OSImage = new(wire.ImageDetail(v1Image(g.Instances[0])))
	}
	return out
}

func v1Mbps(n int64) string { return fmt.Sprintf("%dMbps", n) }

func v1DiskSizes(v *compute.View) (system, data int64) {
	for _, d := range v.Volumes {
		if d.Position == 0 {
			system += d.GiB
		} else {
			data += d.GiB
		}
	}
	return system, data
}

func (d *Door) v1UpdateService(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateVMServiceRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	var login compute.Login
	if in.Type == "password" { // hashed before the transaction, which it would hold up
		var err error
		if login, err = d.v1Login(ctx, c, in.KeyConfig, in.AdminPass); err != nil {
			return nil, err
		}
	}
	err := d.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		return d.v1ChangeService(store.Join(ctx, tx), c, &in, login)
	})
	if err != nil {
		return nil, inV1Words(err)
	}
	g, err := d.Compute.GetGroup(ctx, c.Caller, pathService(c))
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.UpdateVMServiceResponse{Result: new(true), Action: new("update"), Details: new(v1Service(g, true))}), nil
}

func (d *Door) v1ChangeService(ctx context.Context, c *dialect.Call, in *wire.UpdateVMServiceRequest, login compute.Login) error {
	id := pathService(c)
	switch in.Type {
	case "serviceName":
		if err := checkServiceName(scalar.Value(in.ServiceName)); err != nil {
			return err
		}
		_, err := d.Compute.RenameGroup(ctx, c.Caller, id, *in.ServiceName)
		return err
	case "password":
		return d.Compute.EachOf(ctx, c.Caller, id, func(ctx context.Context, v *compute.View) error {
			_, err := d.Compute.SetLogin(ctx, c.Caller, v.UID, login)
			return err
		})
	case "securityGroup":
		return d.Compute.EachOf(ctx, c.Caller, id, func(ctx context.Context, v *compute.View) error {
			return d.Compute.SetSecurityGroups(ctx, c.Caller, v.UID, bareAll("sg-", in.SecurityGroupIDs))
		})
	case "replicas":
		return d.v1ScaleOut(ctx, c, in)
	case "resource":
		return d.v1ResizeService(ctx, c, in)
	}
	return fault.BadField("type", "must be password, replicas, resource, serviceName or securityGroup")
}

// v1ScaleOut takes replicas as the wanted total of a node, as the console shows it (vm-service.yaml, x-doc-notes of updateVmService).
func (d *Door) v1ScaleOut(ctx context.Context, c *dialect.Call, in *wire.UpdateVMServiceRequest) error {
	if len(in.DeployInstances) == 0 {
		return fault.BadField("deployInstances", "must name at least one node")
	}
	like := ""
	if t := in.ReplicaTemplate; t != nil {
		if scalar.Value(t.Type) == "template" {
			return fault.Missing("VM template", scalar.Value(t.TemplateID)).On("replicaTemplate.templateId")
		}
		like = bare("vm-", scalar.Value(t.TemplateID))
	}
	spread, err := d.v1Spread(ctx, in.DeployInstances)
	if err != nil {
		return err
	}
	return d.Compute.ScaleOut(ctx, c.Caller, pathService(c), like, spread)
}

func (d *Door) v1ResizeService(ctx context.Context, c *dialect.Call, in *wire.UpdateVMServiceRequest) error {
	if in.DataStorage != nil {
		return notBuilt("dataStorage", "disks cannot be added to a service")
	}
	size := v2Size(in.Spec, in.CPU, in.Memory)
	if in.Bandwidth == nil && size == (compute.Size{}) {
		return fault.BadField("cpu", "must be given with memory, or else spec or bandwidth")
	}
	if size != (compute.Size{}) {
		err := d.Compute.EachOf(ctx, c.Caller, pathService(c), func(ctx context.Context, v *compute.View) error {
			return d.v1Resize(ctx, c, v, size, nil)
		})
		if err != nil {
			return err
		}
	}
	if in.Bandwidth == nil {
		return nil
	}
	mbps := v1Bandwidth(float64(*in.Bandwidth))
	if mbps < 1 {
		return fault.BadField("bandwidth", "must be at least 1 Mbps, or -1 for the maximum")
	}
	return d.Compute.SetGroupBandwidth(ctx, c.Caller, pathService(c), mbps)
}

// v1Resize changes an instance's size unless it is of that size: a change of the bandwidth alone sends it too, and must not restart (vm-instance.yaml,
// updateVmInstance).
func (d *Door) v1Resize(ctx context.Context, c *dialect.Call, v *compute.View, size compute.Size, reboot *scalar.Bool) error {
	same := size.Flavor == v.Flavor && (size.Flavor != "" || size.VCPUs == v.VCPUs && size.MemoryMiB == v.MemoryMiB)
	if same {
		return nil
	}
	if v.State == compute.Running && reboot != nil && !bool(*reboot) {
		return notBuilt("reboot", "a running instance is restarted when its size changes")
	}
	_, err := d.Compute.Resize(ctx, c.Caller, v.UID, size)
	return err
}

func (d *Door) v1DeleteService(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	g, err := d.Compute.DeleteGroup(ctx, c.Caller, pathService(c))
	if err != nil {
		return nil, err
	}
	return dialect.OK(v1Acted("delete", "serviceId", groupID(g.Group))), nil
}

// v1Acted is the answer of verbs: details is a map of texts, as the SDKs decode it.
func v1Acted(action, name, id string) map[string]any {
	return map[string]any{"result": true, "action": action, "details": map[string]string{name: id}}
}

func (d *Door) v1OperateService(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	if err := d.v1Power(ctx, c, pathService(c), c.Path("action")); err != nil {
		return nil, err
	}
	return dialect.OK(v1Acted(c.Path("action"), "serviceId", "s-"+pathService(c))), nil
}

func (d *Door) v1Power(ctx context.Context, c *dialect.Call, id, action string) (err error) {
	switch action {
	case "start":
		_, err = d.Compute.StartGroup(ctx, c.Caller, id)
	case "stop":
		_, err = d.Compute.StopGroup(ctx, c.Caller, id)
	default:
		err = fault.BadField("action", "must be start or stop")
	}
	return err
}

// v1OperateServices takes the IDs joined by commas, as other lists in paths are (the document does not say); all are operated on or none.
func (d *Door) v1OperateServices(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	err := d.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		for id := range strings.SplitSeq(c.Path("serviceList"), ",") {
			if err := d.v1Power(store.Join(ctx, tx), c, bare("s-", strings.TrimSpace(id)), c.Path("action")); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return dialect.OK(v1Acted(c.Path("action"), "serviceId", c.Path("serviceList"))), nil
}

func (d *Door) v1OperateServiceList(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	if err := c.Caller.MayWrite(); err != nil { // of the call, not of each resource
		return nil, err
	}
	var in wire.BatchOperateVMServiceListRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	return dialect.OK(v1Batch(in.Action, in.IDList, func(id string) error { return d.v1Power(ctx, c, bare("s-", id), in.Action) })), nil
}

func (d *Door) v1DeleteServices(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	if err := c.Caller.MayWrite(); err != nil { // of the call, not of each resource
		return nil, err
	}
	var in wire.BatchDeleteVMServicesRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	return dialect.OK(v1Batch("delete", in, func(id string) error {
		_, err := d.Compute.DeleteGroup(ctx, c.Caller, bare("s-", id))
		return err
	})), nil
}

// v1Outcome is one entry of a batch answer.
type v1Outcome struct {
	ResourceID string `json:"resourceId"`
	Success    bool   `json:"success"`
	Error      string `json:"error"`
}

// v1Batch runs a verb on each resource by itself; result only says that the call was carried out.
func v1Batch(action string, ids []string, verb func(id string) error) map[string]any {
	details := make([]v1Outcome, len(ids))
	for k, id := range ids {
		details[k] = v1Outcome{ResourceID: id, Success: true}
		if err := verb(id); err != nil {
			details[k] = v1Outcome{ResourceID: id, Error: fault.From(err).Sentence}
		}
	}
	return map[string]any{"result": true, "action": action, "details": details}
}
