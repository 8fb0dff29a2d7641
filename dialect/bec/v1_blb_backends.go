package bec

import (
	"context"
	"fmt"
	"strings"

	"edgecloud/cloud/balancer"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v1blb"
	"edgecloud/fault"
	"edgecloud/link/spec"
)

func (d *Door) v1BLBBackends() dialect.Handlers {
	return dialect.Handlers{
		wire.OpCreateBLBMonitor:      d.createBLBListener,
		wire.OpBatchCreateBLBMonitor: d.createBLBListeners,
		wire.OpUpdateBLBMonitor:      d.updateBLBListener,
		wire.OpDeleteBLBMonitor:      d.deleteBLBListeners,
		wire.OpListBLBMonitors:       d.listBLBListeners,
		wire.OpGetBLBMonitorPort:     d.getBLBListener,
		wire.OpCreateBLBBinding:      d.bindBLB,
		wire.OpUpdateBLBBindWeight:   d.weighBLB,
		wire.OpDeleteBLBBackends:     d.unbindBLB,
		wire.OpListBLBBackends:       d.listBLBBackends,

		wire.OpListBLBBindableDeployments: d.listBindableDeployments,
		wire.OpListBLBBindablePods:        d.listBindablePods,
	}
}

var blbModes = map[string]spec.Scheduler{"wrr": spec.RoundRobin, "minconn": spec.LeastConnections, "srch": spec.SourceHash}

func blbMode(s spec.Scheduler) string {
	for word, scheduler := range blbModes {
		if scheduler == s {
			return word
		}
	}
	return ""
}

// blbListenerFields are the names that the cloud's faults give to fields of listeners.
var blbListenerFields = map[string]string{"protocol": "frontendPort.protocol", "port": "frontendPort.port", "timeout": "keepaliveTimeout", "check.protocol": "healthCheck.healthCheckType",
	"check.interval": "healthCheck.intervalInSeconds", "check.timeout": "healthCheck.timeoutInSeconds", "check.unhealthy": "healthCheck.unhealthyThreshold",
	"check.healthy": "healthCheck.healthyThreshold", "check.send": "healthCheck.healthCheckString"}

// blbListenerIn reads what listeners have in common; a client's address cannot be passed on.
func blbListenerIn(protocol, mode string, pass *scalar.Bool, timeout *scalar.Int, check *wire.HealthCheckInput) (w balancer.NewListener, err error) {
	if pass != nil && bool(*pass) {
		return w, notBuilt("enableCipTTM", "the client's address cannot be passed on")
	}
	w = balancer.NewListener{Protocol: strings.ToLower(protocol), Scheduler: blbModes[mode]}
	if timeout != nil {
		if *timeout == 0 {
			return w, fault.BadField("keepaliveTimeout", "must be from 10 to 4000 seconds")
		}
		w.TimeoutSeconds = int(*timeout)
	}
	if check == nil {
		return w, nil
	}
	if check.Healthcheck != nil && !bool(*check.Healthcheck) {
		return w, notBuilt("healthCheck.healthcheck", "members are always checked")
	}
	w.Check = balancer.Check{Protocol: strings.ToLower(scalar.Value(check.HealthCheckType)), IntervalSeconds: int(scalar.Value(check.IntervalInSeconds)),
		TimeoutSeconds: int(scalar.Value(check.TimeoutInSeconds)), Unhealthy: int(scalar.Value(check.UnhealthyThreshold)), Healthy: int(scalar.Value(check.HealthyThreshold)),
		Send: scalar.Value(check.HealthCheckString)}
	return w, nil
}

func blbListenerOf(c *dialect.Call) (w balancer.NewListener, err error) {
	var in wire.BLBListenerRequest
	if err := c.Decode(&in); err != nil {
		return w, err
	}
	if in.FrontendPort == nil {
		return w, fault.BadField("frontendPort", "must be given")
	}
	w, err = blbListenerIn(scalar.Value(in.FrontendPort.Protocol), scalar.Value(in.LbMode), in.EnableCipTTM, in.KeepaliveTimeout, in.HealthCheck)
	w.Port, w.BackendPort = int(scalar.Value(in.FrontendPort.Port)), int(scalar.Value(in.BackendPort))
	return w, err
}

func (d *Door) createBLBListener(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	w, err := blbListenerOf(c)
	if err != nil {
		return nil, err
	}
	if err := d.Balancers.CreateListeners(ctx, c.Caller, pathBLB(c), []balancer.NewListener{w}); err != nil {
		return nil, renamed(err, blbListenerFields)
	}
	return blbDone(c, "CreateBlbMonitor"), nil
}

func (d *Door) createBLBListeners(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.BatchBLBListenerRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if len(in.PortGroups) == 0 {
		return nil, fault.BadField("portGroups", "must have at least one entry")
	}
	var wanted []balancer.NewListener
	for _, p := range in.PortGroups {
		w, err := blbListenerIn(scalar.Value(in.Protocol), scalar.Value(in.LbMode), in.EnableCipTTM, in.KeepaliveTimeout, in.HealthCheck)
		if err != nil {
			return nil, err
		}
		w.Port, w.BackendPort = int(scalar.Value(p.Port)), int(scalar.Value(p.BackendPort))
		wanted = append(wanted, w)
	}
	if err := d.Balancers.CreateListeners(ctx, c.Caller, pathBLB(c), wanted); err != nil {
		return nil, renamed(renamed(err, map[string]string{"protocol": "protocol", "port": "portGroups.port", "backendPort": "portGroups.backendPort"}), blbListenerFields)
	}
	return blbDone(c, "BatchCreateBlb"), nil
}

func (d *Door) updateBLBListener(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	w, err := blbListenerOf(c)
	if err != nil {
		return nil, err
	}
	if err := d.Balancers.UpdateListener(ctx, c.Caller, pathBLB(c), w); err != nil {
		return nil, renamed(err, blbListenerFields)
	}
	return blbDone(c, "UpdateBlbMonitor"), nil
}

func (d *Door) deleteBLBListeners(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.DeleteBLBMonitorRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	var gone []balancer.Address
	for _, p := range in {
		gone = append(gone, balancer.Address{Protocol: strings.ToLower(scalar.Value(p.Protocol)), Port: int(scalar.Value(p.Port))})
	}
	if err := d.Balancers.DeleteListeners(ctx, c.Caller, pathBLB(c), gone); err != nil {
		return nil, err
	}
	return dialect.Empty(), nil
}

func (d *Door) listBLBListeners(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	p := page(c.Int("pageNo", 1), c.Int("pageSize", 0), 1000)
	found, total, err := d.Balancers.ListListeners(ctx, c.Caller, pathBLB(c), p)
	if err != nil {
		return nil, err
	}
	out := wire.BLBListenerListResult{Result: []wire.Listeners{}, PageNo: new(int32(p.Number)), PageSize: new(int32(p.Size)), TotalCount: new(int32(total))}
	for _, l := range found {
		out.Result = append(out.Result, blbListener(l))
	}
	return dialect.OK(out), nil
}

func blbListener(l *balancer.Listener) wire.Listeners {
	check := l.Check.V
	out := wire.Listeners{Protocol: new(strings.ToUpper(l.Protocol)), Port: new(int32(l.Port)), BackendPort: new(int32(l.BackendPort)), KeepaliveTimeout: new(int32(l.TimeoutSeconds)),
		EnableCipTTM: new(false), Scheduler: new(blbMode(l.Scheduler)), HealthCheckInterval: new(int32(check.IntervalSeconds)), HealthCheckRetry: new(int32(check.Unhealthy)),
		HealthCheckTimeout: new(int32(check.TimeoutSeconds)), HealthCheckType: &check.Protocol}
	if check.Send != "" {
		out.UDPHealthCheckString = &check.Send
	}
	return out
}

func (d *Door) getBLBListener(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	l, err := d.Balancers.GetListener(ctx, c.Caller, pathBLB(c), balancer.Address{Protocol: strings.ToLower(c.Param("protocol")), Port: c.Int("port", 0)})
	if err != nil {
		return nil, err
	}
	check := l.Check.V
	return dialect.OK(wire.BLBListenerDetail{FrontendPort: &wire.Port{Protocol: new(strings.ToUpper(l.Protocol)), Port: new(int32(l.Port))}, BackendPort: new(int32(l.BackendPort)),
		KeepaliveTimeout: new(int32(l.TimeoutSeconds)), EnableCipTTM: new(false), LbMode: new(blbMode(l.Scheduler)),
		HealthCheck: &wire.HealthCheck{TimeoutInSeconds: new(int32(check.TimeoutSeconds)), IntervalInSeconds: new(int32(check.IntervalSeconds)), UnhealthyThreshold: new(int32(check.Unhealthy)),
			HealthyThreshold: new(int32(check.Healthy)), HealthCheckString: &check.Send, HealthCheckType: &check.Protocol}}), nil
}

func (d *Door) bindBLB(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.BLBBindingFormList
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	var wanted []balancer.Weighted
	var at []string
	for j, form := range in.BindingForms {
		for k, one := range form.PodWeight {
			w := weightedOf(one)
			if one.Weight == nil {
				w.Weight = int64(scalar.Value(form.DefaultWeight))
			}
			wanted, at = append(wanted, w), append(at, fmt.Sprintf("bindingForms[%d].podWeight[%d]", j, k))
		}
	}
	if err := d.Balancers.Bind(ctx, c.Caller, pathBLB(c), wanted); err != nil {
		return nil, inMemberWords(err, "bindingForms", at)
	}
	return dialect.Empty(), nil
}

func weightedOf(in wire.BackendsInput) balancer.Weighted {
	return balancer.Weighted{Instance: bare("vm-", scalar.Value(in.Name)), Address: scalar.Value(in.IP), Weight: int64(scalar.Value(in.Weight))}
}

// inMemberWords names the members that a fault is about as the request does.
func inMemberWords(err error, list string, at []string) error {
	names := map[string]string{"members": list}
	for k, name := range at {
		one := fmt.Sprintf("members[%d]", k)
		names[one], names[one+".weight"] = name, name+".weight"
	}
	return renamed(err, names)
}

type memberCall func(ctx context.Context, c *dialect.Call, wanted []balancer.Weighted) error

func eachWeight(ctx context.Context, c *dialect.Call, do memberCall) error {
	var in wire.BLBBindWeightForm
	if err := c.Decode(&in); err != nil {
		return err
	}
	var wanted []balancer.Weighted
	var at []string
	for k, one := range in.PodWeightList {
		wanted, at = append(wanted, weightedOf(one)), append(at, fmt.Sprintf("podWeightList[%d]", k))
	}
	return inMemberWords(do(ctx, c, wanted), "podWeightList", at)
}

func (d *Door) weighBLB(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	err := eachWeight(ctx, c, func(ctx context.Context, c *dialect.Call, wanted []balancer.Weighted) error {
		return d.Balancers.Weigh(ctx, c.Caller, pathBLB(c), wanted)
	})
	if err != nil {
		return nil, err
	}
	return blbDone(c, "UpdateBlbBinding"), nil
}

func (d *Door) unbindBLB(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	err := eachWeight(ctx, c, func(ctx context.Context, c *dialect.Call, wanted []balancer.Weighted) error {
		return d.Balancers.Unbind(ctx, c.Caller, pathBLB(c), wanted)
	})
	if err != nil {
		return nil, err
	}
	return dialect.Empty(), nil
}

func (d *Door) listBLBBackends(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	p := page(c.Int("pageNo", 1), c.Int("pageSize", 0), 1000)
	b, found, listeners, total, err := d.Balancers.Members(ctx, c.Caller, pathBLB(c), p)
	if err != nil {
		return nil, err
	}
	out := wire.BLBBackendPodListResult{Result: []wire.BLBBackendPodBriefVo{}, PageNo: new(int32(p.Number)), PageSize: new(int32(p.Size)), TotalCount: new(int32(total))}
	for _, m := range found {
		v := wire.BLBBackendPodBriefVo{PodName: new("vm-" + m.Handle), PodStatus: new(strings.ToUpper(m.State)), PodIP: &m.Address, BackendPort: []wire.Stats{}, Weight: new(int32(m.Weight))}
		for _, l := range listeners {
			v.BackendPort = append(v.BackendPort, wire.Stats{Health: new(b.Healthy(l.UID, m.UID)), Port: new(int32(l.BackendPort)), Protocol: new(strings.ToUpper(l.Protocol))})
		}
		out.Result = append(out.Result, v)
	}
	return dialect.OK(out), nil
}
