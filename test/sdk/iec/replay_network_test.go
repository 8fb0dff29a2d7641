package iec_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/network"
	"edgecloud/contract"
	"edgecloud/link/spec"
)

// documented are the IDs that the document's examples of networks name, by what they stand for here. Those that are not here are of answers.
var documented = map[string]string{
	"1016972d-357e-4a2a-912b-cf2ab9673790": "vpc", "6813be76-7322-11ea-9ce0-286ed488d287": "site", "56071e5f-3e97-44d1-822d-bcb76906e9a7": "subnet",
	"3e361542-55aa-470c-a8a7-a438fa154f7d": "subnet", "44eee672-43c5-4820-8ab6-afc585972acf": "group",
}

var documentedID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// pathKinds says what a path parameter names.
var pathKinds = map[string]string{"{vpc_id}": "vpc", "{subnet_id}": "subnet", "{port_id}": "port", "{security_group_id}": "group", "{security_group_rule_id}": "rule"}

// TestDocumentedExamplesOfNetworks replays every request that the contract shows of VPCs, subnets, ports and security groups, with IDs that exist in the place of the
// document's, and demands that each member of the documented answer is there, of the same type.
func TestDocumentedExamplesOfNetworks(t *testing.T) {
	n := newTenant(t)
	loaded, err := contract.Load("iec")
	require.NoError(t, err)
	replayed := 0
	for _, file := range []string{"vpc", "subnet", "port", "security-group"} {
		for _, op := range loaded.Operations() {
			if op.File != file || op.ID == "listRelatedRoutetables" {
				continue
			}
			for _, e := range op.Examples().Requests {
				t.Run(op.ID, func(t *testing.T) { n.replay(t, op, e) })
				replayed++
			}
		}
	}
	require.GreaterOrEqual(t, replayed, 22)
}

func (n *tenant) replay(t *testing.T, op *contract.Operation, e contract.RequestExample) {
	ids := n.furnish(t, op.ID)
	parts := strings.Split(op.Path, "/")
	for k, part := range parts {
		if kind, ok := pathKinds[part]; ok {
			parts[k] = ids[kind]
		}
	}
	body := documentedID.ReplaceAllStringFunc(string(e.Body), func(id string) string {
		require.Contains(t, documented, id, "the test does not know what it stands for")
		return ids[documented[id]]
	})
	status, answer := n.raw(t, e.Method, strings.Join(parts, "/"), body)
	shown := op.Examples().Responses
	if len(shown) == 0 {
		require.Equal(t, http.StatusNoContent, status, "%s", answer)
		return
	}
	require.Equal(t, shown[0].Status, status, "%s", answer)
	var want, got any
	require.NoError(t, json.Unmarshal(shown[0].Body, &want))
	require.NoError(t, json.Unmarshal(answer, &got))
	covers(t, "", want, got)
}

// furnish makes what an example needs: the document's range of a subnet (10.1.0.0/8) is a whole VPC of its own.
func (n *tenant) furnish(t *testing.T, op string) map[string]string {
	t.Helper()
	ctx, ids := t.Context(), map[string]string{"site": n.site.UID}
	cidr := "172.16.0.0/16"
	if op == "createSubnet" {
		cidr = "10.0.0.0/8"
	}
	net, err := n.Control.Networks.CreateNetwork(ctx, n.caller, network.NewNetwork{Name: "for." + op, CIDR: cidr})
	require.NoError(t, err)
	ids["vpc"] = net.UID
	if op != "createSubnet" && op != "deleteVpc" {
		s, err := n.Control.Networks.CreateSubnet(ctx, n.caller, network.NewSubnet{Network: net.UID, Site: n.site.UID, Name: "s", CIDR: "172.16.0.0/24"})
		require.NoError(t, err)
		ids["subnet"] = s.UID
	}
	if strings.HasSuffix(op, "Port") && op != "createPort" {
		p, err := n.Control.Networks.CreateVirtualIP(ctx, n.caller, network.NewVirtualIP{Subnet: ids["subnet"]})
		require.NoError(t, err)
		ids["port"] = p.UID
	}
	g, err := n.Control.Networks.CreateGroup(ctx, n.caller, network.NewGroup{Name: "for." + op, Rules: []network.NewRule{{Direction: spec.Egress}}})
	require.NoError(t, err)
	ids["group"], ids["rule"] = g.UID, g.Rules[0].UID
	return ids
}

// raw calls as no SDK does: with exactly this body.
func (n *tenant) raw(t *testing.T, method, path, body string) (int, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, n.URL["iec"]+path, bytes.NewReader([]byte(body)))
	require.NoError(t, err)
	r.Header.Set("X-Auth-Token", n.golang.ProviderClient.TokenID)
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, answer
}

// covers demands that an answer has every member of the documented one, of the same type. null stands for any.
func covers(t *testing.T, at string, want, got any) {
	t.Helper()
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		require.True(t, ok, "%s is no object", at)
		for name, value := range w {
			require.Contains(t, g, name, at)
			covers(t, at+"."+name, value, g[name])
		}
	case []any:
		g, ok := got.([]any)
		require.True(t, ok, "%s is no list", at)
		if len(w) > 0 && len(g) > 0 {
			covers(t, at+"[]", w[0], g[0])
		}
	case nil:
	default:
		if got != nil {
			require.IsType(t, want, got, at)
		}
	}
}
