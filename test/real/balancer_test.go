package real_test

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/stretchr/testify/require"
)

// loadBalancer spreads ssh over two guests: from outside, by HAProxy on the host that holds the site role.
func (u *tenant) loadBalancer(h home, a, b vm) {
	u.t.Helper()
	asked := time.Now()
	var made struct {
		Details struct {
			ID string `json:"blbId"`
		} `json:"details"`
	}
	u.call(http.MethodPost, "/v1/blb", map[string]any{"paymentMethod": "postpay", "lbType": "vm", "blbName": "web", "regionId": siteName, "needPublicIp": true, "networkType": "vpc", "vpcId": h.vpc,
		"subnetId": "sbn-" + h.subnet.Slug, "bandwidthInMbpsLimit": 20}, &made)
	at := "/v1/blb/" + made.Details.ID
	check := map[string]any{"healthCheckType": "tcp", "intervalInSeconds": 1, "timeoutInSeconds": 1, "unhealthyThreshold": 1, "healthyThreshold": 1}
	u.call(http.MethodPost, at+"/monitor", map[string]any{"frontendPort": map[string]any{"protocol": "TCP", "port": 22}, "backendPort": 22, "lbMode": "wrr", "healthCheck": check}, nil)
	weighted := []any{map[string]any{"name": a.ID, "weight": 50}, map[string]any{"name": b.ID, "weight": 50}}
	u.call(http.MethodPost, at+"/binding", map[string]any{"bindingForms": []any{map[string]any{"deploymentId": "d", "podWeight": weighted}}}, nil)

	var shown struct {
		Status string `json:"status"`
		Public string `json:"publicIp"`
	}
	u.eventually("the load balancer runs", func() error {
		u.call(http.MethodGet, at, nil, &shown)
		if shown.Status != "RUNNING" || shown.Public == "" {
			return fmt.Errorf("it is %s", shown.Status)
		}
		return nil
	})
	answering := func() map[string]bool {
		seen := map[string]bool{}
		for range 4 {
			out, err := u.shell(u.t.Context(), shown.Public, password, "ip -o link show eth0")
			if err == nil {
				seen[out] = true
			}
		}
		return seen
	}
	u.eventually("both guests answer behind one address", func() error {
		if n := len(answering()); n != 2 {
			return fmt.Errorf("%d answer", n)
		}
		return nil
	})
	u.t.Logf("two guests behind a load balancer after %s", since(asked))

	u.call(http.MethodDelete, at+"/binded", map[string]any{"podWeightList": weighted[:1]}, nil)
	u.eventually("one guest answers after the other was unbound", func() error {
		if n := len(answering()); n != 1 {
			return fmt.Errorf("%d answer", n)
		}
		return nil
	})
	u.call(http.MethodDelete, at, nil, nil)
	u.eventually("the load balancer is gone", func() error {
		if u.try(http.MethodGet, at, nil, nil) == nil {
			return errors.New("it is still shown")
		}
		return nil
	})
	for _, n := range u.nodes {
		out, err := n.Run(u.t.Context(), "ip", "netns", "list")
		require.NoError(u.t, err)
		require.Empty(u.t, out, "namespaces are left on %s", n.Name)
	}
}
