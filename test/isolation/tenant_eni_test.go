package isolation

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/stretchr/testify/require"

	"edgecloud/controlplane/controlplanetest"
)

// makeENI makes an elastic network interface on the instance's subnet, loose or on the instance, or gives the instance itself a secondary address.
func (n *tenant) makeENI(kind string) {
	instance := n.of("instance")
	if kind == "addressed" {
		_, err := n.Control.Compute.AddAddresses(n.t.Context(), n.caller, strings.TrimPrefix(instance, "vm-"), []netip.Addr{netip.MustParseAddr("172.16.0.220")})
		require.NoError(n.t, err)
		n.ids[kind] = instance
		return
	}
	subnet := n.must("GET", "/v2/vm/instance/"+instance, nil)["instance"].(object)["subnetId"]
	set := []object{{"primary": true, "privateIpAddress": ""}}
	if kind == "eni" {
		set = append(set, object{"primary": false, "privateIpAddress": "172.16.0.201"})
	}
	made := n.must("POST", "/v2/vpc/eni", object{"name": "own", "subnetId": subnet, "securityGroupIds": []any{n.of("group")}, "privateIpSet": set})
	n.ids[kind] = made["details"].(object)["eniId"].(string)
	if kind == "eni" {
		return
	}
	n.must("PUT", "/v2/vpc/eni/"+n.ids[kind]+"?attach", object{"instanceId": instance})
	controlplanetest.Eventually(n.t, n.ids[kind]+" is in use", func() bool {
		return fmt.Sprint(n.must("GET", "/v2/vpc/eni/"+n.ids[kind], nil)["status"]) == "inuse"
	})
}
