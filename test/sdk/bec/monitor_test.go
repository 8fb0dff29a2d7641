package bec_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/baidubce/bce-sdk-go/services/bec/api"
	"github.com/stretchr/testify/require"

	"edgecloud/controlplane/controlplanetest"
	"edgecloud/dialect/bec/wire/v1eip"
	"edgecloud/dialect/bec/wire/v1monitor"
)

// sample lets all hosts sample what is used, a few moments long, and waits until the centre has it.
func (v *v2) sample(t *testing.T) {
	t.Helper()
	for range 3 {
		for _, a := range v.Agents {
			require.NoError(t, a.SampleOnce(t.Context()))
		}
		time.Sleep(50 * time.Millisecond)
	}
	controlplanetest.Eventually(t, "the samples are sent", func() bool {
		for _, a := range v.Agents {
			if !a.Idle() {
				return false
			}
		}
		return true
	})
}

// now is a span of a few minutes around this moment, at whole minutes.
func now() (start, end int) {
	at := int(time.Now().Truncate(time.Minute).Unix())
	return at - 60, at + 180
}

func span(target string) string {
	start, end := now()
	return fmt.Sprintf("%s?start=%d&end=%d&stepInMin=1", target, start, end)
}

func (v *v2) measure(t *testing.T, target string) (out v1monitor.MetricsResult) {
	t.Helper()
	v.must(t, "GET", target, nil, &out)
	var most, sum float64
	for _, m := range out.Metrics {
		most, sum = max(most, *m.Value), sum+*m.Value
	}
	require.Equal(t, most, *out.MaxValue)
	require.InDelta(t, sum/max(1, float64(len(out.Metrics))), *out.AvgValue, 1e-9*most)
	return out
}

// TestMetricsOfMachines asks by the official SDK for an instance with addresses of three carriers, its service, its node and all.
func TestMetricsOfMachines(t *testing.T) {
	v := newV2(t)
	made, err := v.client.CreateVmService(v1Args(1, v2Sites))
	require.NoError(t, err)
	service := made.Details.ServiceId
	var vm string
	controlplanetest.Eventually(t, "it runs", func() bool {
		list, err := v.client.GetVmInstanceList(&api.ListRequest{})
		require.NoError(t, err)
		if len(list.Result) != 1 {
			return false
		}
		vm = list.Result[0].VmId
		return list.Result[0].Status == "RUNNING"
	})
	v.sample(t)

	start, end := now()
	for _, metric := range []api.MetricsType{api.MetricsTypeCpu, api.MetricsTypeMemory, api.MetricsTypeBandwidthReceive, api.MetricsTypeBandwidthTransmit} {
		one, err := v.client.GetVmInstanceMetrics(vm, "", start, end, 1, metric)
		require.NoError(t, err)
		require.NotEmpty(t, one.Metrics, metric)
		require.Positive(t, one.MaxValue, metric)
		for _, m := range one.Metrics {
			require.Zero(t, (m.TimeInSecond-start)%60, "points stand at even steps from the start")
			if metric == api.MetricsTypeCpu || metric == api.MetricsTypeMemory {
				require.Less(t, m.Value, 1.0)
			}
		}
		whole, err := v.client.GetVmServiceMetrics(service, "", start, end, 1, metric)
		require.NoError(t, err)
		require.Equal(t, one, whole, "the service has one instance")
		require.Equal(t, *v.measure(t, span("/v1/monitor/overview/vm/"+string(metric))).MaxValue, one.MaxValue)
	}
	v.checkCarriers(t, vm)

	twin := v2Tenant(t, v.Cloud, "another")
	require.Empty(t, twin.measure(t, span("/v1/monitor/overview/vm/CPU")).Metrics, "what others use is not the caller's")
	twin.v1Missing(t, vm, service)

	v.must(t, "PUT", "/v2/vm/instance/"+vm+"?stop", nil, nil)
	v.await(t, "STOPPED", vm)
	v.sample(t)
	off := v.measure(t, span("/v1/monitor/vm/"+vm)+"&metricsType=MEMORY").Metrics
	require.NotEmpty(t, off, "it is known that it used nothing")
}

// checkCarriers holds the parts of the bandwidth to the whole.
func (v *v2) checkCarriers(t *testing.T, vm string) {
	t.Helper()
	ask := func(provider string) float64 {
		return *v.measure(t, span("/v1/monitor/vm/"+vm)+"&metricsType=BANDWIDTH_TRANSMIT&serviceProvider="+provider).AvgValue
	}
	sum := 0.0
	for _, provider := range []string{"CHINA_MOBILE", "CHINA_UNICOM", "CHINA_TELECOM"} {
		require.Positive(t, ask(provider), provider)
		sum += ask(provider)
	}
	require.InEpsilon(t, ask(""), sum, 0.01)
	require.Positive(t, ask("INTRA"))
	require.Zero(t, ask("BGP"))

	node := span("/v1/monitor/overview/vm/node/BANDWIDTH_TRANSMIT") + "&region=NORTH_EAST&city=CHANGCHUN&serviceProvider=TRIPLE_LINE"
	require.InEpsilon(t, ask(""), *v.measure(t, node).AvgValue, 0.01)
	require.InEpsilon(t, ask("CHINA_UNICOM"), *v.measure(t, node+"&network=un").AvgValue, 0.01)
	require.InEpsilon(t, ask("INTRA"), *v.measure(t, node+"&network=intra").AvgValue, 0.01)
	elsewhere := span("/v1/monitor/overview/vm/node/BANDWIDTH_TRANSMIT") + "&region=EAST_CHINA&city=HANGZHOU&serviceProvider=CHINA_MOBILE"
	require.Empty(t, v.measure(t, elsewhere).Metrics)
}

func (v *v2) v1Missing(t *testing.T, vm, service string) {
	t.Helper()
	v.refused(t, 404, "Resource Not Found", "does not exist", "GET", span("/v1/monitor/vm/"+vm)+"&metricsType=CPU", nil)
	v.refused(t, 404, "Resource Not Found", "does not exist", "GET", span("/v1/monitor/service/vm/"+service)+"&metricsType=CPU&serviceId="+service, nil)
}

// TestMetricsOfAddressesAndGateways: an address that stands alone and is bound, and a gateway whose sources have none of their own.
func TestMetricsOfAddressesAndGateways(t *testing.T) {
	b := newNATBed(t)
	b.makeNAT(t, "v1")
	b.route(t, nil)
	b.snat(t, b.address+"/32")
	b.seenAs(t, b.eip(t))
	b.sample(t)
	start, end := now()
	for metric, positive := range map[string]bool{"BANDWIDTH_RECEIVE": true, "BANDWIDTH_TRANSMIT": true, "TRAFFIC_RECEIVE": true, "TRAFFIC_TRANSMIT": true, "CONNECT_NUM": true, "PACKETS_TRANSMIT": false} {
		out := b.measure(t, fmt.Sprintf("/v1/monitor/nat/%s?start=%d&end=%d&metricsType=%s", b.nat, start, end+300, metric))
		require.NotEmpty(t, out.Metrics, metric)
		require.Equal(t, positive, positive && *out.MaxValue > 0, metric)
	}

	id := *b.makeEIPs(t, "test", 1)[0].EIPID
	require.Empty(t, b.measure(t, fmt.Sprintf("/v1/monitor/eip/%s?start=%d&end=%d&metricsType=TRAFFIC_RECEIVE", id, start, end)).Metrics, "it was never bound")
	require.Empty(t, b.bindEIP(t, "bind", values{"eipId": id, "instanceType": "vm", "instanceId": b.id, "mode": "nat"}))
	b.awaitEIP(t, id, "binded")
	b.sample(t)
	ask := func(metric string) v1eip.EIPMonitorResponse {
		var out v1eip.EIPMonitorResponse
		b.must(t, "GET", fmt.Sprintf("/v1/monitor/eip/%s?start=%d&end=%d&metricsType=%s", id, start, end, metric), nil, &out)
		require.NotEmpty(t, out.Metrics, metric)
		return out
	}
	bytes, bits := ask("TRAFFIC_RECEIVE"), ask("BANDWIDTH_RECEIVE")
	require.Positive(t, *bytes.MaxValue)
	require.InEpsilon(t, *bits.MaxValue, *bytes.MaxValue*8/60, 1e-6, "bytes of a minute, and bits a second")

	twin := v2Tenant(t, b.Cloud, "another")
	twin.refused(t, 404, "Resource Not Found", "does not exist", "GET", fmt.Sprintf("/v1/monitor/eip/%s?start=%d&end=%d&metricsType=TRAFFIC_RECEIVE", id, start, end), nil)
	twin.refused(t, 404, "Resource Not Found", "does not exist", "GET", fmt.Sprintf("/v1/monitor/nat/%s?start=%d&end=%d&metricsType=CONNECT_NUM", b.nat, start, end), nil)
}

// TestMetricsRefuseWrongInput: each refusal names the parameter.
func TestMetricsRefuseWrongInput(t *testing.T) {
	v := newV2(t)
	id := v.bareInstance(t)
	const day = 86400
	at := int(time.Now().Unix())
	for name, c := range map[string]struct {
		query, says string
	}{
		"no start":             {fmt.Sprintf("end=%d&metricsType=CPU", at), "start"},
		"no end":               {fmt.Sprintf("start=%d&metricsType=CPU", at), "end"},
		"no metric":            {fmt.Sprintf("start=%d&end=%d", at, at), "metricsType"},
		"another's metric":     {fmt.Sprintf("start=%d&end=%d&metricsType=CONNECT_NUM", at, at), "metricsType"},
		"unknown carrier":      {fmt.Sprintf("start=%d&end=%d&metricsType=CPU&serviceProvider=X", at, at), "serviceProvider"},
		"words":                {fmt.Sprintf("start=today&end=%d&metricsType=CPU", at), "start"},
		"end before start":     {fmt.Sprintf("start=%d&end=%d&metricsType=CPU", at, at-1), "end: must not be before start"},
		"more than 31 days":    {fmt.Sprintf("start=%d&end=%d&metricsType=CPU", at-31*day-1, at), "31 days"},
		"milliseconds":         {fmt.Sprintf("start=%d&end=%d&metricsType=CPU", at*1000, at*1000), "start: must be a Unix time in seconds"},
		"before all time":      {fmt.Sprintf("start=-5&end=%d&metricsType=CPU", at), "start"},
		"beyond all numbers":   {fmt.Sprintf("start=%d&end=%d&metricsType=CPU", at, math.MaxInt64), "end"},
		"a step of nothing":    {fmt.Sprintf("start=%d&end=%d&metricsType=CPU&stepInMin=0", at, at), "stepInMin"},
		"a step backwards":     {fmt.Sprintf("start=%d&end=%d&metricsType=CPU&stepInMin=-5", at, at), "stepInMin"},
		"a step of a lifetime": {fmt.Sprintf("start=%d&end=%d&metricsType=CPU&stepInMin=2147483647", at, at), "stepInMin"},
	} {
		t.Run(name, func(t *testing.T) {
			v.refused(t, 400, "Illegal parameters", c.says, "GET", "/v1/monitor/vm/"+id+"?"+c.query, nil)
		})
	}
	v.refused(t, 400, "Illegal parameters", "city", "GET", span("/v1/monitor/overview/vm/node/BANDWIDTH_RECEIVE")+"&region=EAST_CHINA&city=ATLANTIS&serviceProvider=CHINA_MOBILE", nil)
	require.Empty(t, v.measure(t, span("/v1/monitor/vm/"+id)+"&metricsType=CPU").Metrics, "nothing has been sampled yet")
	whole := v.measure(t, fmt.Sprintf("/v1/monitor/vm/%s?start=%d&end=%d&metricsType=CPU", id, at-31*day, at))
	require.Empty(t, whole.Metrics)
}
