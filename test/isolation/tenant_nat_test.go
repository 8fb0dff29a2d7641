package isolation

import (
	"fmt"
	"strings"

	"edgecloud/controlplane/controlplanetest"
)

// makeNAT makes a NAT gateway of the instance's network, or finds what hangs on the tenant's: its address, or a rule of its own.
func (n *tenant) makeNAT(kind string) {
	if strings.HasSuffix(kind, "SNAT") || kind == "snat" {
		n.rules++
		made := n.must("POST", "/v2/nat/"+n.of("nat")+"/snatRule", object{"ruleName": "own", "sourceCIDR": fmt.Sprintf("172.16.2.%d/32", n.rules)})
		n.ids[kind] = made["ruleId"].(string)
		return
	}
	if strings.HasSuffix(kind, "DNAT") || kind == "dnat" {
		n.rules++
		made := n.must("POST", "/v2/nat/"+n.of("nat")+"/dnatRule", object{"ruleName": "own", "publicIpAddress": n.of("natAddress"), "privateIpAddress": "172.16.0.9", "protocol": "UDP",
			"publicPort": fmt.Sprint(2000 + n.rules), "privatePort": "80"})
		n.ids[kind] = made["ruleId"].(string)
		return
	}
	if kind == "natAddress" {
		eips := n.must("GET", "/v2/nat/"+n.of("nat"), nil)["eips"].([]any)
		n.ids[kind] = eips[0].(object)["ip"].(string)
		return
	}
	vpc := n.must("GET", "/v2/vm/instance/"+n.of("instance"), nil)["instance"].(object)["vpcId"]
	n.ids[kind] = n.must("POST", "/v2/nat", object{"name": "own", "regionId": site, "spec": "small", "vpcId": vpc})["natId"].(string)
	controlplanetest.Eventually(n.t, n.ids[kind]+" is active", func() bool { return fmt.Sprint(n.must("GET", "/v2/nat/"+n.ids[kind], nil)["status"]) == "active" })
}
