package bec

import (
	"context"
	"strconv"
	"time"

	"edgecloud/cloud/monitor"
	"edgecloud/cloud/place"
	"edgecloud/dialect"
	"edgecloud/dialect/bec/wire/v1eip"
	wire "edgecloud/dialect/bec/wire/v1monitor"
	"edgecloud/dialect/bec/wire/v1nat"
	"edgecloud/dialect/bec/wire/v1overview"
	"edgecloud/dialect/bec/wire/v1vmservice"
	"edgecloud/fault"
)

func (d *Door) v1Monitors() dialect.Handlers {
	return dialect.Handlers{
		wire.OpGetVMInstanceMetrics:           d.vmMetrics,
		v1vmservice.OpGetVMServiceMetrics:     d.serviceMetrics,
		v1overview.OpGetVMOverviewMetrics:     d.overviewMetrics,
		v1overview.OpGetVMNodeOverviewMetrics: d.nodeMetrics,
		v1eip.OpGetEIPMonitor:                 d.eipMetrics,
		v1nat.OpGetNATMonitor:                 d.natMetrics,
	}
}

// Steps where the caller names none: the examples of machines and gateways have a point every 5 minutes, that of public addresses one a minute.
const (
	machineStep = 5 * time.Minute
	addressStep = time.Minute
)

// metrics are BEC's names. RECEIVE is towards the instance.
var metrics = map[string]monitor.Metric{"CPU": monitor.CPU, "MEMORY": monitor.Memory, "BANDWIDTH_RECEIVE": monitor.BandwidthIn, "BANDWIDTH_TRANSMIT": monitor.BandwidthOut,
	"TRAFFIC_RECEIVE": monitor.TrafficIn, "TRAFFIC_TRANSMIT": monitor.TrafficOut, "PACKETS_RECEIVE": monitor.PacketsIn, "PACKETS_TRANSMIT": monitor.PacketsOut,
	"CONNECT_NUM": monitor.Connections}

// monitoredNetworks are the node overview's names of what else is named by carrier.
var monitoredNetworks = map[string]string{"cm": string(place.Mobile), "un": string(place.Unicom), "ct": string(place.Telecom), "bgp": string(place.BGP), "intra": intranet}

// intranet stands among the carriers for what does not go out.
const intranet = "INTRA"

// monitorQuery reads what all operations have in common. The contract has checked the words.
func monitorQuery(c *dialect.Call, metric string, step time.Duration) (q monitor.Query, err error) {
	q = monitor.Query{Metric: metrics[metric], Step: step}
	if q.Start, err = unixParam(c, "start"); err != nil {
		return q, err
	}
	if q.End, err = unixParam(c, "end"); err != nil {
		return q, err
	}
	if text := c.Param("stepInMin"); text != "" {
		minutes, err := strconv.ParseInt(text, 10, 32)
		if most := int64(monitor.MaxSpan / time.Minute); err != nil || minutes < 1 || minutes > most {
			return q, fault.BadField("stepInMin", "must be a number of minutes from 1 to %d, not %s", most, text)
		}
		q.Step = time.Duration(minutes) * time.Minute
	}
	return q, nil
}

func unixParam(c *dialect.Call, name string) (time.Time, error) {
	seconds, err := strconv.ParseInt(c.Param(name), 10, 64)
	if err != nil {
		return time.Time{}, fault.BadField(name, "must be a Unix time in seconds, not %q", c.Param(name))
	}
	return time.Unix(seconds, 0), nil
}

// machineQuery reads a question about machines: of one carrier, of the intranet, or of all carriers together.
func machineQuery(c *dialect.Call, metric, carrier string) (monitor.Query, error) {
	q, err := monitorQuery(c, metric, machineStep)
	q.Private = carrier == intranet
	if !q.Private {
		q.Carrier = place.Carrier(carrier)
	}
	return q, err
}

// measured encodes an answer. All six answers have the same members.
func measured(r *monitor.Result, err error) (*dialect.Answer, error) {
	if err != nil {
		return nil, renamed(err, map[string]string{"step": "stepInMin", "metric": "metricsType"})
	}
	out := wire.MetricsResult{Metrics: make([]wire.Metric, len(r.Points)), MaxValue: &r.Max, AvgValue: &r.Mean}
	for k := range r.Points {
		out.Metrics[k] = wire.Metric{TimeInSecond: new(int32(r.Points[k].At.Unix())), Value: &r.Points[k].Value}
	}
	return dialect.OK(out), nil
}

func (d *Door) vmMetrics(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	q, err := machineQuery(c, c.Param("metricsType"), c.Param("serviceProvider"))
	if err != nil {
		return nil, err
	}
	return measured(d.Monitor.Instance(ctx, c.Caller, bare("vm-", c.Path("vmId")), q))
}

func (d *Door) serviceMetrics(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	q, err := machineQuery(c, c.Param("metricsType"), c.Param("serviceProvider"))
	if err != nil {
		return nil, err
	}
	return measured(d.Monitor.Group(ctx, c.Caller, pathService(c), q))
}

func (d *Door) overviewMetrics(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	q, err := machineQuery(c, c.Path("metricsType"), c.Param("serviceProvider"))
	if err != nil {
		return nil, err
	}
	return measured(d.Monitor.Account(ctx, c.Caller, nil, q))
}

// nodeMetrics is of one node: its own serviceProvider is part of its name, and network says which of its networks.
func (d *Door) nodeMetrics(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	q, err := machineQuery(c, c.Path("metricsType"), monitoredNetworks[c.Param("network")])
	if err != nil {
		return nil, err
	}
	sites, err := d.v1Sites(ctx, c.Param("region"), c.Param("city"), c.Param("serviceProvider"))
	if err != nil {
		return nil, err
	}
	if len(sites) == 0 {
		return nil, fault.BadField("city", "there is no node in %s %s of %s", c.Param("region"), c.Param("city"), c.Param("serviceProvider"))
	}
	return measured(d.Monitor.Account(ctx, c.Caller, sites, q))
}

func (d *Door) eipMetrics(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	q, err := monitorQuery(c, c.Param("metricsType"), addressStep)
	if err != nil {
		return nil, err
	}
	return measured(d.Monitor.PublicIP(ctx, c.Caller, bare("ip-", c.Path("eipId")), q))
}

func (d *Door) natMetrics(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	q, err := monitorQuery(c, c.Param("metricsType"), machineStep)
	if err != nil {
		return nil, err
	}
	return measured(d.Monitor.NATGateway(ctx, c.Caller, pathNAT(c), q))
}
