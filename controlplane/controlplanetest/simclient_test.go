package controlplanetest

import (
	"bytes"
	"crypto/aes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"

	"github.com/baidubce/bce-sdk-go/auth"
	bcehttp "github.com/baidubce/bce-sdk-go/http"

	"edgecloud/cloud/compute"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/fault"
	"edgecloud/link/spec"
	"edgecloud/store"
)

type object = map[string]any

var idPattern = regexp.MustCompile(`[a-z0-9-]{8,}`)

// simClient calls BEC's door as a program would: signed, with a client token on each change, and again with the same token if the answer was lost.
type simClient struct {
	c         *simCloud
	name      int
	calls     int
	instances map[string]bool // true: a deletion was accepted
	networks  map[string]bool
	groups    map[string]bool
	managed   map[string]bool // those of the networks that span sites
	vips      map[string]bool
}

func newSimClient(c *simCloud, name int) *simClient {
	return &simClient{c: c, name: name, instances: map[string]bool{}, networks: map[string]bool{}, groups: map[string]bool{}, managed: map[string]bool{}, vips: map[string]bool{}}
}

// change makes a call that changes something. The answer is lost now and then, also by the death of the centre, and the call is made again.
func (s *simClient) change(method, path string, query map[string]string, body any) (int, object) {
	s.calls++
	all := map[string]string{"clientToken": fmt.Sprintf("token-%d-%d", s.name, s.calls)}
	maps.Copy(all, query)
	status, out := s.call(method, path, all, body)
	if s.c.rng.IntN(10) > 0 || s.c.calm() {
		return status, out
	}
	if s.c.rng.IntN(2) == 0 {
		s.c.stats["centre dies after an answer"]++
		s.c.stopCentre()
		s.c.startCentre()
	}
	again, same := s.call(method, path, all, body)
	if status < 300 && (again != status || fmt.Sprint(same) != fmt.Sprint(out)) {
		s.c.t.Errorf("%s %s repeated with its token: %d %v, at first %d %v", method, path, again, same, status, out)
	}
	return again, same
}

func (s *simClient) call(method, path string, query map[string]string, body any) (int, object) {
	var payload []byte
	if body != nil {
		payload, _ = json.Marshal(body)
	}
	r := httptest.NewRequest(method, "http://bec.test"+path, bytes.NewReader(payload))
	q := r.URL.Query()
	for k, v := range query {
		q.Set(k, v)
	}
	r.URL.RawQuery = q.Encode()
	r.Header.Set("Content-Type", "application/json")
	s.sign(r, query)
	w := httptest.NewRecorder()
	s.c.cp.Door("bec").ServeHTTP(w, r)
	s.c.stats[fmt.Sprintf("%s %d", method, w.Code)]++
	full := strings.Contains(w.Body.String(), "no host left") // while hosts are silent; BEC has no other code for it
	if w.Code >= 500 && w.Code != http.StatusNotImplemented && !full {
		s.c.t.Errorf("%s %s %v %s answered %d: %s", method, path, query, payload, w.Code, w.Body)
	}
	if w.Code == http.StatusBadRequest || w.Code == http.StatusForbidden {
		_, text, _ := strings.Cut(w.Body.String(), `"message":`)
		text, _, _ = strings.Cut(text, `","requestId`)
		s.c.stats[fmt.Sprintf("%s %d %s", method, w.Code, idPattern.ReplaceAllString(text, "ID"))]++
	}
	var out object
	_ = json.Unmarshal(w.Body.Bytes(), &out)
	return w.Code, out
}

func (s *simClient) sign(r *http.Request, query map[string]string) {
	q := &bcehttp.Request{}
	q.SetMethod(r.Method)
	q.SetHost(r.Host)
	q.SetUri(r.URL.Path)
	q.SetParams(query)
	q.SetHeaders(map[string]string{"Host": r.Host, "Content-Type": "application/json"})
	key := s.c.admin.Key
	(&auth.BceV1Signer{}).Sign(q, &auth.BceCredentials{AccessKeyId: key.ID, SecretAccessKey: key.Secret}, &auth.SignOptions{HeadersToSign: map[string]struct{}{"host": {}}, ExpireSeconds: 1800})
	r.Header.Set("Authorization", q.Header("Authorization"))
}

// password encrypts one as BEC wants it: AES-128-ECB with the secret key's first half, in hex.
func (s *simClient) password() string {
	plain := []byte("Good#Pass1" + "\x06\x06\x06\x06\x06\x06")
	block, _ := aes.NewCipher([]byte(s.c.admin.Key.Secret)[:16])
	block.Encrypt(plain, plain)
	return hex.EncodeToString(plain)
}

// one picks a key at random, in an order that does not depend on the map's.
func (s *simClient) one(of map[string]bool) string {
	keys := slices.Sorted(maps.Keys(of))
	if len(keys) == 0 {
		return "none-known"
	}
	return keys[s.c.rng.IntN(len(keys))]
}

func (s *simClient) live() map[string]bool {
	live := map[string]bool{}
	for id, gone := range s.instances {
		if !gone {
			live[id] = true
		}
	}
	return live
}

// mostInstances of one client keep a story short.
const mostInstances = 5

// act makes one call at random.
func (s *simClient) act() {
	r := s.c.rng
	id := s.one(s.live())
	on := "/v2/vm/instance/" + id
	verb := func(name string, body any) { s.change(http.MethodPut, on, map[string]string{name: ""}, body) }
	switch n := r.IntN(100); {
	case id == "none-known" || n < 20 && len(s.instances) < mostInstances:
		s.create()
	case n < 32:
		verb("stop", object{"forceStop": r.IntN(2) == 0})
	case n < 40:
		verb("start", nil)
	case n < 48:
		verb("reboot", object{"forceStop": r.IntN(2) == 0})
	case n < 54:
		verb("rebuild", object{"imageId": "Debian", "imageType": "bec", "adminPass": s.password()})
	case n < 60:
		verb("resize", object{"cpuCount": 1 + r.IntN(4), "memoryCapacityInGB": 1 + r.IntN(4)})
	case n < 64:
		verb("changePass", object{"adminPass": s.password()})
	case n < 66:
		s.change(http.MethodPut, "/v1/vm/instance/"+id, nil, object{"type": "resource", "needIpv6PublicIp": true})
	case n < 67:
		verb("changeNetworkCapacity", object{"networkCapacityInMbps": 1 + r.IntN(50)})
	case n < 70:
		s.nics(strings.TrimPrefix(id, "vm-"))
	case n < 71:
		s.snapshot(strings.TrimPrefix(id, "vm-"))
		s.call(http.MethodGet, on, nil, nil)
		s.call(http.MethodGet, "/v2/vm/instance", nil, nil)
	case n < 73:
		s.elasticNIC(strings.TrimPrefix(id, "vm-"))
	case n < 75:
		s.border(strings.TrimPrefix(id, "vm-"))
	case n < 77:
		s.natGateways()
	case n < 79:
		s.balancers()
	case n < 82:
		if r.IntN(3) == 0 {
			s.move(strings.TrimPrefix(id, "vm-"))
		} else {
			s.cloudDisk(strings.TrimPrefix(id, "vm-"))
		}
		for range 1 + r.IntN(4) {
			s.snapshot(strings.TrimPrefix(id, "vm-"))
		}
	case n < 87:
		s.remove(id)
	case n < 90:
		s.network()
	case n < 93:
		s.virtualIP()
	case n < 95:
		s.elasticNIC(strings.TrimPrefix(id, "vm-"))
	default:
		s.group(id)
	}
}

// nics adds NICs to an instance or takes one away, by the verbs themselves: BEC has no call for it.
func (s *simClient) nics(id string) {
	r, control := s.c.rng, s.c.cp.Compute
	caller := s.caller()
	d, err := control.Get(s.c.ctx, caller, id)
	if err != nil {
		s.c.stats["nics of none"]++
		return
	}
	if r.IntN(2) == 0 {
		_, err = control.AddNICs(s.c.ctx, caller, id, make([]compute.NIC, 1+r.IntN(2)))
	} else {
		_, err = control.RemoveNICs(s.c.ctx, caller, id, []string{d.Ports[r.IntN(len(d.Ports))].UID})
	}
	s.c.stats[fmt.Sprint("nics ", fault.From(err) == nil)]++
	if err != nil && fault.From(err).Kind == fault.Internal {
		s.c.t.Errorf("changing NICs: %v", err)
	}
}

// border guards an instance's subnet or leads packets to the instance, or takes such a thing away, by the verbs themselves: IEC's door has the calls.
func (s *simClient) border(id string) {
	r, nets := s.c.rng, s.c.cp.Networks
	caller := s.caller()
	d, err := s.c.cp.Compute.Get(s.c.ctx, caller, id)
	if err != nil {
		s.c.stats["border of none"]++
		return
	}
	subnet := d.Ports[0].Subnet
	switch r.IntN(6) {
	case 4:
		rule := network.SubnetRule{Subnet: subnet, Direction: spec.Ingress, Position: 1 + r.IntN(3), NewACLRule: network.NewACLRule{Action: spec.Allow}}
		_, err = nets.AddSubnetRules(s.c.ctx, caller, []network.SubnetRule{rule})
	case 5:
		var rules []*network.ACLRule
		if _, rules, err = nets.SubnetRules(s.c.ctx, caller, subnet); err == nil && len(rules) > 0 {
			_, err = nets.RemoveSubnetRules(s.c.ctx, caller, []string{rules[r.IntN(len(rules))].UID})
		}
	case 0:
		var a *network.NetworkACL
		if a, err = nets.CreateACL(s.c.ctx, caller, network.NewACL{Name: "acl"}); err == nil {
			_, err = nets.UpdateACL(s.c.ctx, caller, a.UID, network.ACLUpdate{Subnets: &[]network.SubnetRef{{ID: subnet}}})
		}
	case 1:
		err = s.dropACLs(caller, 1)
	case 2:
		var t *network.RouteTable
		if t, err = nets.TableOfSubnet(s.c.ctx, caller, subnet); err == nil {
			to := fmt.Sprintf("10.%d.0.0/16", 50+r.IntN(4))
			_, err = nets.AddRoutes(s.c.ctx, caller, t.UID, []network.NewRoute{{Destination: to, HopKind: network.HopInstance, Hop: d.UID}})
		}
	default:
		var found []*network.NetworkACL
		if found, _, err = nets.ListACLs(s.c.ctx, caller, network.ACLFilter{}, store.Window{Limit: 1}); err == nil && len(found) > 0 {
			step := network.RuleStep{Rule: network.NewACLRule{Enabled: true, Action: spec.Allow}}
			_, _, err = nets.ChangeACLRules(s.c.ctx, caller, found[0].UID, network.ACLChange{Direction: spec.Egress, Steps: []network.RuleStep{step}})
		}
	}
	s.c.stats[fmt.Sprint("border ", fault.From(err) == nil)]++
	if err != nil && fault.From(err).Kind == fault.Internal {
		s.c.t.Errorf("changing a border: %v", err)
	}
}

// dropACLs unbinds and deletes some network ACLs; 0 is all.
func (s *simClient) dropACLs(caller *identity.Caller, limit int) error {
	found, _, err := s.c.cp.Networks.ListACLs(s.c.ctx, caller, network.ACLFilter{}, store.Window{Limit: limit})
	for _, a := range found {
		if err == nil {
			_, err = s.c.cp.Networks.UpdateACL(s.c.ctx, caller, a.UID, network.ACLUpdate{Subnets: &[]network.SubnetRef{}})
		}
		if err == nil {
			err = s.c.cp.Networks.DeleteACL(s.c.ctx, caller, a.UID)
		}
	}
	return err
}

// dropSubnetRules removes the rules of all subnets.
func (s *simClient) dropSubnetRules(caller *identity.Caller) error {
	nets, _, err := s.c.cp.Networks.ListNetworks(s.c.ctx, caller, network.NetworkFilter{}, store.Page{})
	for _, n := range nets {
		var a *network.StandardACL
		if err == nil {
			a, err = s.c.cp.Networks.GetStandardACL(s.c.ctx, caller, n.UID)
		}
		if err != nil {
			return err
		}
		for _, subnet := range a.Subnets {
			for _, r := range a.Rules[subnet.UID] {
				if _, err := s.c.cp.Networks.RemoveSubnetRules(s.c.ctx, caller, []string{r.UID}); err != nil {
					return err
				}
			}
		}
	}
	return err
}

func (s *simClient) create() {
	s.createAt(s.c.sites[s.c.rng.IntN(len(s.c.sites))], s.c.rng.IntN(2) == 0)
}

func (s *simClient) createAt(site *place.Site, public bool) {
	r := s.c.rng
	body := object{"imageId": "Debian", "adminPass": s.password(), "cpuCount": 1 + r.IntN(2), "memoryCapacityInGB": 1 + r.IntN(2), "rootDiskSizeInGb": 40,
		"billing": object{"paymentTiming": "Postpaid"}, "deployInstances": []object{{"regionId": site.Name, "purchaseCount": 1 + r.IntN(2)}}}
	if len(s.managed) > 0 && r.IntN(2) == 0 {
		where := body["deployInstances"].([]object)[0]
		where["networkType"], where["vpcId"] = "vpc", s.one(s.managed)
	}
	if r.IntN(4) > 0 {
		body["rootDiskStorageType"] = "CDS_SSD"
	}
	if public {
		body["networkCapacityInMbps"] = 5
	}
	if r.IntN(3) == 0 {
		body["createCdsList"] = []object{{"cdsSizeInGB": 20}}
	}
	if len(s.groups) > 0 && r.IntN(2) == 0 {
		body["securityGroupId"] = s.one(s.groups)
	}
	status, out := s.change(http.MethodPost, "/v2/vm/instance", nil, body)
	if status >= 300 {
		return
	}
	made, _ := out["instances"].([]any)
	if len(made) == 0 {
		s.c.t.Errorf("createVmInstance answered no instances: %v", out)
	}
	for _, m := range made {
		s.instances[m.(object)["instanceId"].(string)] = false
	}
}

func (s *simClient) remove(id string) {
	if status, _ := s.change(http.MethodDelete, "/v2/vm/instance/"+id, nil, nil); status < 300 {
		s.instances[id] = true
	}
}

func (s *simClient) network() {
	r := s.c.rng
	if len(s.networks) > 0 && r.IntN(2) == 0 {
		id := s.one(s.networks)
		if status, _ := s.change(http.MethodDelete, "/v2/vpc/"+id, nil, nil); status < 300 {
			delete(s.networks, id)
			delete(s.managed, id)
		}
		return
	}
	if r.IntN(2) == 0 {
		s.managedNetwork()
		return
	}
	site := s.c.sites[r.IntN(len(s.c.sites))]
	status, out := s.change(http.MethodPost, "/v2/vpc", nil, object{"name": "n", "cidr": "10.0.0.0/16", "regionId": site.Name})
	if status < 300 {
		s.networks[out["vpcId"].(string)] = true
	}
}

func (s *simClient) group(instance string) {
	r := s.c.rng
	rule := object{"direction": "ingress", "ethertype": "IPv4", "protocol": "tcp", "portRange": fmt.Sprint(1 + r.IntN(60000)), "sourceIp": "0.0.0.0/0"}
	id := s.one(s.groups)
	switch r.IntN(5) {
	case 0, 1:
		status, out := s.change(http.MethodPost, "/v2/securityGroup", nil, object{"name": "g", "desc": "d", "rules": []object{rule}})
		if status < 300 {
			s.groups[out["securityGroupId"].(string)] = true
		}
	case 2:
		s.change(http.MethodPut, "/v2/securityGroup/"+id, map[string]string{"authorizeRule": ""}, object{"rule": rule})
	case 3:
		verb := []string{"bind", "unbind"}[r.IntN(2)]
		s.change(http.MethodPut, "/v2/vm/instance/"+instance, map[string]string{verb: ""}, object{"securityGroupId": id})
	default:
		if status, _ := s.change(http.MethodDelete, "/v2/securityGroup/"+id, nil, nil); status < 300 {
			delete(s.groups, id)
		}
	}
}
