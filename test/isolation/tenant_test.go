package isolation

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/image"
	"edgecloud/cloud/network"
	"edgecloud/controlplane/controlplanetest"
	"edgecloud/link/spec"
	"edgecloud/store"
)

type object = map[string]any

const (
	site     = "cn-hangzhou-cm"
	password = "Passw0rd!"
)

// tenant is an account with a user, whose resources are made when they are first asked for.
type tenant struct {
	*controlplanetest.Cloud
	t      testing.TB
	caller *identity.Caller
	user   string
	signer
	ids   map[string]string // by kind
	rules int               // of NAT gateways, so far
}

func operator(c *controlplanetest.Cloud) *identity.Caller {
	return &identity.Caller{Account: c.Admin.Account.UID, User: c.Admin.User.UID, Role: identity.Admin, Operator: true, Dialect: "test", Operation: "furnish"}
}

func newTenant(t testing.TB, c *controlplanetest.Cloud, name string) *tenant {
	account, err := c.Control.Identity.CreateAccount(t.Context(), operator(c), name)
	require.NoError(t, err)
	n := &tenant{Cloud: c, t: t, caller: &identity.Caller{Account: account.UID, Role: identity.Member, Dialect: "test", Operation: "furnish"}, ids: map[string]string{"account": account.UID}}
	n.user, n.signer = n.addUser(name, identity.Member)
	n.caller.User, n.ids["user"], n.ids["key"] = n.user, n.user, n.id
	return n
}

// addUser adds a user with a key.
func (n *tenant) addUser(name string, role identity.Role) (string, signer) {
	user, err := n.Control.Identity.CreateUser(n.t.Context(), operator(n.Cloud), identity.NewUser{Account: n.caller.Account, Name: name, Role: role})
	require.NoError(n.t, err)
	key, secret, err := n.Control.Identity.CreateKey(n.t.Context(), operator(n.Cloud), user.UID)
	require.NoError(n.t, err)
	return user.UID, signer{id: key.ID, secret: secret}
}

// must makes a call that has to go well.
func (n *tenant) must(method, target string, body any) object {
	var raw []byte
	if body != nil {
		raw, _ = json.Marshal(body)
	}
	a, err := n.send("bec", n.URL["bec"], method, target, raw)
	require.NoError(n.t, err)
	require.Less(n.t, a.status, 300, "%s %s: %s", method, target, a.body)
	out := object{}
	_ = json.Unmarshal([]byte(a.body), &out)
	return out
}

// of gives the tenant's resource of a kind.
func (n *tenant) of(kind string) string {
	if n.ids[kind] == "" {
		n.make(kind)
	}
	require.NotEmpty(n.t, n.ids[kind], "the test cannot make a %s", kind)
	return n.ids[kind]
}

func (n *tenant) make(kind string) {
	ctx := n.t.Context()
	switch kind {
	case "vpc", "subnet": // together: an instance in a network needs a subnet there
		n.ids["vpc"] = n.must("POST", "/v2/vpc", object{"name": "own", "cidr": "10.0.0.0/8", "regionId": site})["vpcId"].(string)
		n.ids["subnet"] = n.must("POST", "/v2/vpc/subnet", object{"name": "own", "cidr": "10.9.0.0/24", "vpcId": n.ids["vpc"]})["subnetId"].(string)
	case "group", "rule":
		rule := object{"direction": "ingress", "ethertype": "IPv4", "protocol": "tcp", "portRange": "22", "sourceIp": "192.0.2.0/24"}
		n.ids["group"] = n.must("POST", "/v2/securityGroup", object{"name": "own", "desc": "d", "rules": []object{rule}})["securityGroupId"].(string)
		g, err := n.Control.Networks.GetGroup(ctx, n.caller, strings.TrimPrefix(n.ids["group"], "sg-"))
		require.NoError(n.t, err)
		n.ids["rule"] = "sgr-" + g.Slug + "-" + g.Rules[0].Slug
	case "set":
		s, err := n.Control.Place.CreateSet(ctx, n.caller, "own", "")
		require.NoError(n.t, err)
		n.ids[kind] = "dset-" + s.Slug
	case "pair":
		p, _, err := n.Control.Compute.CreateKeyPair(ctx, n.caller, "own-"+n.caller.User)
		require.NoError(n.t, err)
		n.ids[kind] = "k-" + p.Slug
	case "pairName":
		n.of("pair")
		n.ids[kind] = "own-" + n.caller.User
	case "image":
		n.ids[kind] = "m-" + n.publicImage().Slug
	case "instance", "service":
		n.makeInstance()
	case "network", "subnetUID", "ruleUID", "vip", "publicIP", "bandwidth", "managed", "groupUID", "server", "serverOff", "port", "volume", "plan", "edgeCloud", "expansion", "imageUID", "firewall", "policy", "spareFirewall", "routeTable", "spareTable", "joinedTable",
		"joinedSubnet", "routedTable", "ownImage", "imageJob":
		n.makeIEC(kind)
	case "table", "tableVpc", "route", "spareRoute":
		n.makeRoutes()
	case "acl", "aclRule", "spareACLRule", "otherACLRule":
		n.makeACL()
	case "eip", "spareEIP", "eipAddress", "eipGroup", "spareEIPGroup", "sharedAddress":
		n.makeEIP(kind)
	case "blb", "spareBLB", "doomedBLB", "listenedBLB", "boundBLB":
		n.makeBLB(kind)
	case "app", "spareApp", "ipGroup", "spareIPGroup", "ipPolicy", "spareIPPolicy", "ipMember", "spareIPMember", "svg", "spareSVG", "svgPort", "spareSVGPort", "emptySVG", "fullSVG", "appPolicy":
		n.makeApp()
	case "nat", "spareNAT", "otherNAT", "natAddress", "snat", "spareSNAT", "otherSNAT", "dnat", "spareDNAT", "otherDNAT":
		n.makeNAT(kind)
	case "prepaid":
		n.ids[kind], _ = n.newInstance(object{"paymentTiming": "Prepaid", "reservation": object{"reservationLength": 1}})
	case "cloudVolume", "spareVolume", "volumeOn":
		n.makeVolume(kind)
	case "cloudInstance", "insnap", "spareInsnap", "insnapOff", "diskSnapshot", "diskSnapshotOff":
		n.makeSnapshot(kind)
	case "haVip", "spareHAVIP":
		i := n.must("GET", "/v2/vm/instance/"+n.of("instance"), nil)["instance"].(object)
		v, err := n.Control.Networks.CreateVirtualIP(ctx, n.caller, network.NewVirtualIP{Subnet: strings.TrimPrefix(fmt.Sprint(i["subnetId"]), "sbn-"), Name: "own"})
		require.NoError(n.t, err)
		n.ids[kind] = "havip-" + v.Slug
	case "eni", "eniOn", "addressed":
		n.makeENI(kind)
	case "eniAddress":
		n.ids[kind] = "172.16.0.201"
	case "bind":
		n.ids[kind] = "bind"
	case "siteUID":
		s, err := n.Control.Place.SiteByName(ctx, site)
		require.NoError(n.t, err)
		n.ids[kind] = s.UID
	case "site":
		n.ids[kind] = site
	case "place":
		n.ids[kind] = "hangzhou"
	case "flavor":
		n.ids[kind] = "bec.g4.c1m4"
	case "publicImage":
		n.ids[kind] = n.publicImage().Slug
	case "fault": // of what nobody has, so that nothing goes wrong by it
		a, err := signer{id: n.Admin.Key.ID, secret: n.Admin.Key.Secret}.send("admin", n.URL["admin"], "POST", "/admin/v1/sim/faults", []byte(`{"uid":"nobody","effect":"fail"}`))
		require.NoError(n.t, err)
		var made struct{ ID string }
		require.NoError(n.t, json.Unmarshal([]byte(a.body), &made), a.body)
		n.ids[kind] = made.ID
	case "host":
		n.ids[kind] = n.host()
	}
}

// makeRoutes finds the route table of the instance's network and gives it routes to the instance.
func (n *tenant) makeRoutes() {
	ctx := n.t.Context()
	d, err := n.Control.Compute.Get(ctx, n.caller, strings.TrimPrefix(n.of("instance"), "vm-"))
	require.NoError(n.t, err)
	net, _, err := n.Control.Networks.GetNetwork(ctx, n.caller, d.Ports[0].Network)
	require.NoError(n.t, err)
	tables, _, err := n.Control.Networks.ListRouteTables(ctx, n.caller, network.RouteTableFilter{Network: net.UID}, store.Window{})
	require.NoError(n.t, err)
	routes, err := n.Control.Networks.AddRoutes(ctx, n.caller, tables[0].UID, []network.NewRoute{{Destination: "10.63.0.0/16", HopKind: network.HopInstance, Hop: d.UID},
		{Destination: "10.64.0.0/16", HopKind: network.HopInstance, Hop: d.UID}})
	require.NoError(n.t, err)
	n.ids["table"], n.ids["tableVpc"], n.ids["route"], n.ids["spareRoute"] = "rtb-"+tables[0].Slug, "vpc-"+net.Slug, "rtr-"+routes[0].Slug, "rtr-"+routes[1].Slug
}

// makeEIP makes an address that stands alone, or a bandwidth that two of its own share.
func (n *tenant) makeEIP(kind string) {
	if kind == "sharedAddress" {
		id := n.of("eipGroup")
		b, err := n.Control.Networks.GetBandwidth(n.t.Context(), n.caller, strings.TrimPrefix(id, "eg-"))
		require.NoError(n.t, err)
		n.ids[kind] = b.Addresses[0].Address
		return
	}
	if kind == "eipGroup" || kind == "spareEIPGroup" {
		body := object{"regionId": site, "routeType": "ChinaMobile", "ipVersion": "ipv4", "bandwidthInMbps": 20, "eipCount": 2, "billing": object{"paymentTiming": "Postpaid"}}
		n.ids[kind] = n.must("POST", "/v1/eipgroup", body)["id"].(string)
		return
	}
	made := n.must("POST", "/v1/eip/batch/create", object{"bandwidthInMbps": 10, "tags": []any{}, "deployInstances": []object{{"regionId": site, "ipv4Num": 1}}})
	one := made["details"].([]any)[0].(object)
	n.ids[kind] = one["eipId"].(string)
	if kind == "eipAddress" {
		n.ids[kind] = one["eip"].(string)
	}
}

// makeVolume makes a volume that stands alone, or is on the instance.
func (n *tenant) makeVolume(kind string) {
	body := object{"cdsSizeInGB": 50, "deployInstances": []object{{"purchaseCount": 1, "regionId": site}}, "name": "own", "storageType": "ssd"}
	id := n.must("POST", "/v2/volume", body)["volumeIds"].([]any)[0].(string)
	n.ids[kind] = id
	if kind != "volumeOn" {
		return
	}
	n.must("PUT", "/v2/volume/"+id+"?attach", object{"instanceId": n.of("instance")})
	controlplanetest.Eventually(n.t, id+" is in use", func() bool { return fmt.Sprint(n.must("GET", "/v2/volume/"+id, nil)["status"]) == "InUse" })
	controlplanetest.Eventually(n.t, "the instance runs", func() bool {
		return fmt.Sprint(n.must("GET", "/v2/vm/instance/"+n.of("instance"), nil)["instance"].(object)["status"]) == "RUNNING"
	})
}

// makeSnapshot makes an instance whose disk is of the cloud, and a snapshot of it; one that is to be rolled back to is of an instance that is off.
func (n *tenant) makeSnapshot(kind string) {
	vm, _ := n.newInstanceOn("CDS_SSD", object{"paymentTiming": "Postpaid"})
	n.ids[kind] = vm
	if kind == "cloudInstance" {
		return
	}
	status := func() string {
		return fmt.Sprint(n.must("GET", "/v2/vm/instance/"+vm, nil)["instance"].(object)["status"])
	}
	if strings.HasSuffix(kind, "Off") {
		n.must("PUT", "/v2/vm/instance/"+vm+"?stop", nil)
		controlplanetest.Eventually(n.t, vm+" is off", func() bool { return status() == "STOPPED" })
	}
	id := n.must("POST", "/v1/snapshot/insnapshot/create", object{"instanceId": vm, "name": "own"})["insnapId"].(string)
	n.ids[kind] = id
	controlplanetest.Eventually(n.t, id+" is created", func() bool { return n.must("GET", "/v1/snapshot/insnapshot/"+id, nil)["status"] == "created" })
	controlplanetest.Eventually(n.t, vm+" rests", func() bool { return !strings.Contains(status(), "SNAPSHOT") })
	if strings.HasPrefix(kind, "disk") {
		n.ids[kind] = n.must("GET", "/v1/snapshot/insnapshot/"+id, nil)["snapshotIdList"].([]any)[0].(string)
	}
}

// makeACL gives the subnet rules of its own.
func (n *tenant) makeACL() {
	n.ids["acl"] = "acl-" + strings.TrimPrefix(n.of("vpc"), "vpc-")
	var rules []network.SubnetRule
	for position := range 3 {
		rules = append(rules, network.SubnetRule{Subnet: strings.TrimPrefix(n.of("subnet"), "sbn-"), Direction: spec.Ingress, Position: 100 + position, NewACLRule: network.NewACLRule{Action: spec.Deny}})
	}
	made, err := n.Control.Networks.AddSubnetRules(n.t.Context(), n.caller, rules)
	require.NoError(n.t, err)
	for k, kind := range []string{"aclRule", "spareACLRule", "otherACLRule"} {
		n.ids[kind] = "ar-" + made[k].Slug
	}
}

func (n *tenant) publicImage() *image.Image {
	public := true
	images, err := n.Control.Images.List(n.t.Context(), operator(n.Cloud), image.Filter{Public: &public, Keyword: "Ubuntu"})
	require.NoError(n.t, err)
	require.NotEmpty(n.t, images)
	return images[0]
}

func (n *tenant) host() string {
	hosts, err := n.Control.Place.Hosts(n.t.Context(), operator(n.Cloud), "")
	require.NoError(n.t, err)
	require.NotEmpty(n.t, hosts)
	return hosts[0].UID
}

func (n *tenant) makeInstance() {
	n.ids["instance"], n.ids["service"] = n.newInstance(object{"paymentTiming": "Postpaid"})
}

// newInstance makes an instance that runs, in a service of its own.
func (n *tenant) newInstance(billing object) (id, service string) {
	return n.newInstanceOn("NVME", billing)
}

// newInstanceOn makes one whose system disk is on a kind of storage.
func (n *tenant) newInstanceOn(storage string, billing object) (id, service string) {
	out := n.must("POST", "/v2/vm/instance", object{"rootDiskStorageType": storage, "adminPass": n.encrypted(password), "spec": "bec.g4.c1m4", "imageId": n.of("image"), "imageType": "bec",
		"deployInstances": []object{{"regionId": site, "purchaseCount": 1}}, "billing": billing})
	id = out["instances"].([]any)[0].(object)["instanceId"].(string)
	controlplanetest.Eventually(n.t, id+" runs", func() bool {
		return strings.EqualFold(fmt.Sprint(n.must("GET", "/v2/vm/instance/"+id, nil)["instance"].(object)["status"]), "RUNNING")
	})
	return id, out["serviceId"].(string)
}
