package contract_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/contract"
)

// Every operation of every dialect finds itself from its own examples.
func TestEveryOperationRoutesToItself(t *testing.T) {
	for _, name := range contract.Dialects() {
		d, err := contract.Load(name)
		require.NoError(t, err)
		for _, o := range d.Operations() {
			want := o.Key
			if o.MergedWith != "" {
				want = strings.TrimSuffix(o.Key, o.ID) + o.MergedWith
			}
			for _, e := range o.Examples().Requests {
				m, miss := d.Match(e.HTTP(), e.Body)
				if !assertMatch(t, want, e, m, miss) {
					continue
				}
				for _, p := range o.ParamNames() {
					require.NotEmpty(t, m.PathParams[p], "%s: path parameter %s of %s", o.Key, p, e.Target)
				}
			}
		}
	}
}

func assertMatch(t *testing.T, want string, e contract.RequestExample, m *contract.Match, miss *contract.Mismatch) bool {
	t.Helper()
	if miss != nil {
		t.Errorf("%s: %s %s: %v", want, e.Method, e.Target, miss)
		return false
	}
	if m.Operation.Key != want {
		t.Errorf("%s: %s %s went to %s", want, e.Method, e.Target, m.Operation.Key)
		return false
	}
	return true
}

func TestRoutes(t *testing.T) {
	cases := []struct {
		dialect, method, target, body, want string
		params                              map[string]string
	}{
		{"bec", "PUT", "/v2/vm/instance/vm-1?start", "", "v2/startVmInstance", map[string]string{"instanceId": "vm-1"}},
		{"bec", "PUT", "/v2/vm/instance/vm-1?start=", "", "v2/startVmInstance", nil},
		{"bec", "PUT", "/v2/vm/instance/vm-1?start&clientToken=a", "", "v2/startVmInstance", nil},
		{"bec", "PUT", "/v2/vm/instance/vm-1/?clientToken=a&stop", "", "v2/stopVmInstance", nil},
		{"bec", "PUT", "/v2/vm/instance/vm-1?modifyAttribute?clientToken=a", "", "v2/modifyVmInstanceAttribute", nil},
		{"bec", "PUT", "/v2/vm/instance/vm%2F1?resize", "", "v2/resizeVmInstance", map[string]string{"instanceId": "vm/1"}},
		{"bec", "PUT", "/v2/vm/instance/vm-1", "", "none of ?start", nil},
		{"bec", "PUT", "/v2/vm/instance/vm-1?start&stop", "", "ambiguous", nil},
		{"bec", "POST", "/v2/vm/instance/deployset/updateRelation&clientToken=a", `{}`, "v2/updateInstanceDeploySets", nil},
		{"bec", "GET", "/v2/vm/instance/deployset/list", "", "v2/listDeploySets", nil},
		{"bec", "PUT", "/v2/vpc/eni/eni-1", `{"name":"a"}`, "v2/updateEni", nil},
		{"bec", "PUT", "/v2/volume/cds-1?attach&clientToken=x", `{}`, "v2/attachVolume", nil},
		{"bec", "PUT", "/v2/volume/cds-1", `{}`, "none of ?attach", nil},
		{"bec", "POST", "/v1/vm/service", `{"serviceName":"a"}`, "v1/createEmptyVmService", nil},
		{"bec", "POST", "/v1/vm/service", `{"serviceName":"a","deployInstances":[{"replicas":1}]}`, "v1/createVmService", nil},
		{"bec", "PUT", "/v1/eipgroup/eg-1", `{"action":"move_out","moveOutEips":["a"]}`, "v1/moveOutEipGroupEips", nil},
		{"bec", "PUT", "/v1/eipgroup/eg-1", `{"name":"a"}`, "v1/updateEipGroup", nil},
		{"bec", "PUT", "/v1/eipgroup/eg-1", `{"action":"resize","bandwidthInMbps":0,"eipAddCount":2}`, "v1/addEipGroupEips", nil},
		{"bec", "PUT", "/v1/eipgroup/eg-1", `{}`, "none of name", nil},
		{"bec", "GET", "/v1/vpc/list", "", "v1/listVpcs", nil},
		{"bec", "GET", "/v1/vpc/subnet/list?pageNo=1", "", "v1/listSubnets", nil},
		{"bec", "GET", "/v1/vpc/vpc-1", "", "v1/getVpc", map[string]string{"vpcId": "vpc-1"}},
		{"bec", "PATCH", "/v1/vpc", "", "wrong method", nil},
		{"bec", "GET", "/v1/nothing/here", "", "unknown path", nil},
		{"bec", "GET", "/v1/overview/summary", "", "v1/getOverviewSummary", nil},
		{"bec", "PUT", "/v1/service/s-1/stop", "", "v1/stopService", map[string]string{"serviceId": "s-1", "action": "stop"}},
		{"iec", "POST", "/v1/cloudservers/action", `{"os-stop":{"servers":[]}}`, "batchStopInstances", nil},
		{"iec", "POST", "/v1/cloudservers/action", `{"os-stop":{"servers":[1]},"reboot":{"type":"HARD"}}`, "ambiguous", nil},
		{"iec", "POST", "/v1/cloudservers/action", `{"x":1}`, "none of os-start", nil},
		{"cecstack", "GET", "/api/ecs/v1/policy/p-1", "", "getSnapshotPolicy", nil},
		{"cecstack", "POST", "/api/ecs/v1/policy/p-1", "", "getSnapshotPolicy", nil},
		{"cecstack", "POST", "/api/ecs/v1/policy/p-1", `{"name":"a"}`, "updateSnapshotPolicy", nil},
		{"cecstack", "DELETE", "/api/ecs/v1/host-group/hg-1", "", "deleteHostGroup", nil},
		{"tcebms", "GET", "/?Action=DescribeDisks&Offset=0", "", "describeDisks", nil},
		{"tcebms", "POST", "/", "", "none of X-TC-Action", nil},
		{"tcebms", "GET", "/?Action=Nope", "", "unknown path", nil},
	}
	for _, c := range cases {
		t.Run(c.method+" "+c.target+" "+c.body, func(t *testing.T) {
			d := contract.MustLoad(c.dialect)
			r := httptest.NewRequest(c.method, c.target, nil)
			m, miss := d.Match(r, []byte(c.body))
			require.Contains(t, outcome(m, miss), c.want)
			for k, v := range c.params {
				require.Equal(t, v, m.PathParams[k])
			}
		})
	}
}

func outcome(m *contract.Match, miss *contract.Mismatch) string {
	if miss == nil {
		return m.Operation.LocalID()
	}
	switch miss.Reason {
	case contract.UnknownPath:
		return "unknown path"
	case contract.WrongMethod:
		return "wrong method"
	case contract.Ambiguous:
		return "ambiguous"
	case contract.NoneSelected:
		return "none of " + strings.Join(miss.Allowed, ",")
	}
	return miss.Error()
}

func FuzzMatch(f *testing.F) {
	f.Add("PUT", "/v2/vm/instance/vm-1?start", "")
	f.Add("PUT", "/v1/eipgroup/eg-1", `{"action":"resize"}`)
	f.Add("GET", "/v1/vpc/%2f%zz&clientToken=1?a?b", "")
	f.Add("POST", "/?Action=RunInstances&Filters.0.Name=a&Filters.x=1", "Action=1")
	f.Fuzz(func(t *testing.T, method, target, body string) {
		r, err := http.NewRequest(method, target, nil)
		if err != nil {
			t.Skip()
		}
		for _, name := range contract.Dialects() {
			d := contract.MustLoad(name)
			m, miss := d.Match(r, []byte(body))
			if (m == nil) == (miss == nil) {
				t.Fatalf("%s: neither or both of match and mismatch", name)
			}
			if m != nil {
				m.Validate(r.Header, []byte(body))
			}
		}
	})
}
