package isolation

import (
	"strings"

	"edgecloud/cloud/balancer"
	"edgecloud/controlplane/controlplanetest"
)

// makeBLB makes a load balancer in the instance's network with a listener, and binds the instance to one that is to be bound.
func (n *tenant) makeBLB(kind string) {
	vpc := n.must("GET", "/v2/vm/instance/"+n.of("instance"), nil)["instance"].(object)["vpcId"]
	made := n.must("POST", "/v1/blb", object{"paymentMethod": "postpay", "lbType": "vm", "blbName": "own", "regionId": site, "networkType": "vpc", "vpcId": vpc, "bandwidthInMbpsLimit": 10})
	id := made["details"].(map[string]any)["blbId"].(string)
	for _, port := range []int{8080, 1} { // those that the examples name
		n.must("POST", "/v1/blb/"+id+"/monitor", object{"frontendPort": object{"protocol": "TCP", "port": port}, "backendPort": 80})
	}
	if strings.HasPrefix(kind, "bound") {
		n.must("POST", "/v1/blb/"+id+"/binding", object{"bindingForms": []object{{"podWeight": []object{{"name": n.of("instance"), "weight": 1}}}}})
	}
	slug := id[strings.LastIndexByte(id, '-')+1:]
	controlplanetest.Eventually(n.t, id+" rests", func() bool {
		b, err := n.Control.Balancers.Get(n.t.Context(), n.caller, slug)
		return err == nil && b.State == balancer.Active
	})
	n.ids[kind] = id
}
