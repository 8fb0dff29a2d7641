package contract_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/contract"
)

func check(t testing.TB, dialect, method, target, body string) contract.Check {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	m, miss := contract.MustLoad(dialect).Match(r, []byte(body))
	require.Nil(t, miss)
	return m.Validate(http.Header{"Content-Type": {"application/json"}}, []byte(body))
}

const createVM = `{"name":"test","keypairId":"k-xxxxxxxx","cpuCount":%s,"memoryCapacityInGB":4,"imageId":"m-kHYPoKjl","imageType":%s,
	"billing":{"paymentTiming":"Postpaid"},"deployInstances":[{"regionId":%s,"purchaseCount":1}]%s}`

func vm(cpu, imageType, region, more string) string {
	return fmt.Sprintf(createVM, cpu, imageType, region, more)
}

func TestValidateNamesTheField(t *testing.T) {
	const post, path = "POST", "/v2/vm/instance"
	cases := []struct {
		name, method, target, body string
		fields                     []string // of the violations, in order; none means valid
	}{
		{"plain", post, path, vm("1", `"bec"`, `"cn-hangzhou-cm"`, ""), nil},
		{"number as text", post, path, vm(`"1"`, `"bec"`, `"cn-hangzhou-cm"`, ""), nil},
		{"enum in another case", post, path, vm("1", `"BEC"`, `"cn-hangzhou-cm"`, ""), nil},
		{"unknown member", post, path, vm("1", `"bec"`, `"cn-hangzhou-cm"`, `,"directPay":false`), nil},
		{"null is absent", post, path, vm("1", `"bec"`, `"cn-hangzhou-cm"`, `,"vpcId":null`), nil},
		{"nested required", post, path, `{"cpuCount":1,"memoryCapacityInGB":4,"imageId":"m","imageType":"bec","billing":{"paymentTiming":"Postpaid"},"deployInstances":[{"purchaseCount":1}]}`, []string{"deployInstances[0].regionId"}},
		{"null for required", post, path, vm("1", `"bec"`, `null`, ""), []string{"deployInstances[0].regionId"}},
		{"not a number", post, path, vm(`"many"`, `"bec"`, `"r"`, ""), []string{"cpuCount"}},
		{"fraction", post, path, vm(`1.5`, `"bec"`, `"r"`, ""), []string{"cpuCount"}},
		{"too big for int32", post, path, vm(`3000000000`, `"bec"`, `"r"`, ""), []string{"cpuCount"}},
		{"wrong enum", post, path, vm("1", `"vhd"`, `"r"`, ""), []string{"imageType"}},
		{"object for list", post, path, `{"cpuCount":1,"memoryCapacityInGB":4,"imageId":"m","imageType":"bec","billing":{"paymentTiming":"Postpaid"},"deployInstances":{}}`, []string{"deployInstances"}},
		{"list for object", post, path, `[]`, []string{""}},
		{"broken JSON", post, path, `{"cpuCount":`, []string{""}},
		{"two values", post, path, `{} {}`, []string{""}},
		{"page size as the Java SDK sends it", "GET", "/v1/vpc?pageSize=0&pageNo=0", "", nil},
		{"page size too big", "GET", "/v1/vpc?pageSize=1001", "", []string{"pageSize"}},
		{"page size is no number", "GET", "/v1/vpc?pageSize=x", "", []string{"pageSize"}},
		{"empty query value is absent", "GET", "/v1/vpc?pageSize=&keyword=", "", nil},
		{"misspelt marker of the Go SDK", "GET", "/v2/appblb?maker=applb-1&maxKeys=0", "", nil},
		{"encrypted password", "PUT", "/v1/vm/instance/vm-1/system/reinstall", `{"imageId":"m-1","imageType":"bec","resetDataDisk":false,"keyConfig":{"type":"password","adminPass":"` + long(64) + `"}}`, nil},
		{"long client token", "DELETE", "/v1/vpc/vpc-1?clientToken=" + long(65), "", []string{"clientToken"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := check(t, "bec", c.method, c.target, c.body)
			var fields []string
			for _, v := range got.Violations {
				fields = append(fields, v.Field)
				require.NotEmpty(t, v.Expected)
			}
			require.Equal(t, c.fields, fields, "%v", got.Violations)
		})
	}
}

func long(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'a'
	}
	return string(b)
}

func TestAbsentBodyNamesWhatIsMissing(t *testing.T) {
	got := check(t, "bec", "POST", "/v2/vm/instance", "")
	require.Contains(t, got.Violations, contract.Violation{In: "body", Field: "imageId", Rule: "required", Expected: "required"})
}

func TestUnknownMembersAreListedAndRefusedWhenStrict(t *testing.T) {
	got := check(t, "bec", "POST", "/v2/vm/instance?locale=zh&foo=1", vm("1", `"bec"`, `"r"`, `,"directPay":false`))
	require.True(t, got.OK())
	require.ElementsMatch(t, []string{"foo", "directPay"}, got.Unknown)
	require.Len(t, got.Strict(), 2)
}

func TestAlternatives(t *testing.T) {
	o := contract.MustLoad("bec").Operation("bec/v1/acl.batchCreateAclRules")
	require.NotNil(t, o)
	rule := func(position string) string {
		return `{"subnetId":"sbn-1","aclRules":[{"protocol":"all","direction":"ingress","etherType":"IPv4","action":"allow","position":` + position + `}]}`
	}
	at := func(body string) []string {
		var fields []string
		for _, v := range o.Validate(contract.Input{Body: []byte(body)}).Violations {
			fields = append(fields, v.Field)
		}
		return fields
	}
	require.NotContains(t, fmt.Sprint(at(rule("5"))), "position")
	require.NotContains(t, fmt.Sprint(at(rule(`"5"`))), "position")
	require.Contains(t, fmt.Sprint(at(rule("[]"))), "position")
	require.Contains(t, fmt.Sprint(at(rule("40000"))), "position")
}

func TestResponsesAreStrict(t *testing.T) {
	o := contract.MustLoad("bec").Operation("v2/getVmInstance")
	header := http.Header{"Content-Type": {"application/json"}}
	good := string(o.Examples().Responses[0].Body)
	require.Empty(t, o.ValidateResponse(200, header, []byte(good)))
	for name, c := range map[string]struct {
		status int
		body   string
		field  string
	}{
		"unknown member":     {200, `{"instance":{},"more":1}`, "more"},
		"wrong list":         {200, `{"instance":{"tags":{}}}`, "instance.tags"},
		"number as text":     {200, `{"instance":{"cpuCount":"1"}}`, "instance.cpuCount"},
		"fraction":           {200, `{"instance":{"cpuCount":1.0}}`, "instance.cpuCount"},
		"null":               {200, `{"instance":null}`, "instance"},
		"undocumented":       {201, good, ""},
		"empty":              {200, ``, ""},
		"error without body": {400, ``, ""},
	} {
		t.Run(name, func(t *testing.T) {
			vs := o.ValidateResponse(c.status, header, []byte(c.body))
			var fields []string
			for _, v := range vs {
				fields = append(fields, v.Field)
			}
			require.Contains(t, fields, c.field, "%v", vs)
		})
	}
	require.NotEmpty(t, o.ValidateResponse(200, http.Header{}, []byte(good)), "the content type must be there")
}

func TestTencentFormsMeanTheSameAsJSON(t *testing.T) {
	d := contract.MustLoad("tcebms")
	for _, target := range []string{
		"/?Action=DescribeDisks&Version=2018-08-13&Offset=0&Limit=20&Filters.0.Name=zone&Filters.0.Values.0=a&Filters.0.Values.10=c&Filters.0.Values.2=b",
		"/?Action=DescribeDisks&Offset=0&Limit=20&Filters.1.Name=zone&Filters.1.Values.1=a&Filters.1.Values.11=c&Filters.1.Values.3=b",
	} {
		r := httptest.NewRequest("GET", target, nil)
		m, miss := d.Match(r, nil)
		require.Nil(t, miss)
		require.JSONEq(t, `{"Offset":"0","Limit":"20","Filters":[{"Name":"zone","Values":["a","b","c"]}]}`, string(m.JSONBody(r.Header, nil)))
		require.Empty(t, m.Validate(r.Header, nil).Violations)
	}
	r := httptest.NewRequest("GET", "/?Action=DescribeDisks&Limit=abc", nil)
	m, _ := d.Match(r, nil)
	require.Equal(t, "Limit", m.Validate(r.Header, nil).Violations[0].Field)
}

func BenchmarkMatchAndValidateCreate(b *testing.B) {
	d := contract.MustLoad("bec")
	body := []byte(vm("1", `"bec"`, `"cn-hangzhou-cm"`, `,"dataVolumes":[{"name":"a","volumeType":"SATA","sizeInGB":20}]`))
	r := httptest.NewRequest("POST", "/v2/vm/instance?clientToken=a", nil)
	for b.Loop() {
		m, _ := d.Match(r, body)
		m.Validate(r.Header, body)
	}
}
