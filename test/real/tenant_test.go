package real_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"github.com/baidubce/bce-sdk-go/bce"
	becsdk "github.com/baidubce/bce-sdk-go/services/bec"
	"github.com/baidubce/bce-sdk-go/util/crypto"
	"github.com/stretchr/testify/require"

	"edgecloud/cloud/compute"
	"edgecloud/cloud/network"
)

// password fits BEC's rule.
const password = "tiny+Pass1"

// tenant is a user of the official SDK: its client for API 1.0, and its request builder for the paths of 2.0 that it has no method for.
type tenant struct {
	*site
	client *becsdk.Client
}

func (s *site) tenant() *tenant { return &tenant{s, s.sdk()} }

// try sends a request of API 2.0.
func (u *tenant) try(method, path string, body, into any) error {
	path, flag, found := strings.Cut(path, "?")
	b := bce.NewRequestBuilder(u.client).WithURL(path).WithMethod(method)
	if found {
		b = b.WithQueryParam(flag, "")
	}
	if body != nil {
		b = b.WithBody(body)
	}
	if into != nil {
		b = b.WithResult(into)
	}
	return b.Do()
}

// call is try that must go well.
func (u *tenant) call(method, path string, body, into any) {
	u.t.Helper()
	require.NoError(u.t, u.try(method, path, body, into), "%s %s", method, path)
}

// seal encrypts a password as BEC wants it: the SDK's AES with the first half of the secret key.
func (u *tenant) seal(plain string) string {
	sealed, err := crypto.EBCEncrypto([]byte(u.box.Admin.Key.Secret[:16]), []byte(plain))
	require.NoError(u.t, err)
	return fmt.Sprintf("%x", sealed)
}

// vm is an instance as API 2.0 shows it.
type vm struct {
	ID      string `json:"id"`
	Private string `json:"internalIp"`
	Public  string `json:"publicIp"`
	Status  string `json:"status"`
}

// order is what a tenant asks for.
type order struct {
	name   string
	count  int
	group  string // security group
	subnet string
	set    string
	public bool
	data   string // user data
	mib    int64
}

// home is the tenant's network.
type home struct {
	vpc    string
	subnet *network.Subnet
	group  *network.SecurityGroup
}

// settle makes a VPC, a subnet and a security group that lets ssh and ping in.
func (u *tenant) settle(name, cidr, subnet string) home {
	var made struct {
		ID string `json:"vpcId"`
	}
	u.call(http.MethodPost, "/v2/vpc", map[string]any{"regionId": siteName, "name": name, "cidr": cidr}, &made)
	h := home{vpc: made.ID}
	var err error
	n := u.box.Control.Networks
	h.subnet, err = n.CreateSubnet(u.t.Context(), u.operator(), network.NewSubnet{Network: made.ID[len("vpc-"):], Name: name, CIDR: subnet})
	require.NoError(u.t, err)
	h.group, err = n.CreateGroup(u.t.Context(), u.operator(), network.NewGroup{Name: name, Rules: []network.NewRule{
		{Direction: "egress"}, {Direction: "ingress", Protocol: "tcp", PortMin: 22, PortMax: 22}, {Direction: "ingress", Protocol: "icmp"},
	}})
	require.NoError(u.t, err)
	return h
}

// leave takes the network away; the tenant has no instances any more.
func (u *tenant) leave(h home) {
	n := u.box.Control.Networks
	require.NoError(u.t, n.DeleteSubnet(u.t.Context(), u.operator(), h.subnet.UID))
	u.call(http.MethodDelete, "/v2/vpc/"+h.vpc, nil, nil)
	require.NoError(u.t, n.DeleteGroup(u.t.Context(), u.operator(), h.group.UID))
}

// small makes instances with less memory than BEC sells, by the verb that its door calls.
func (u *tenant) small(o order) []*compute.Instance {
	u.t.Helper()
	made, err := u.trySmall(o)
	require.NoError(u.t, err)
	return made
}

// nics are on the subnet that is asked for, or on the default one.
func (o order) nics() []compute.NIC {
	if o.subnet == "" {
		return nil
	}
	return []compute.NIC{{Subnet: o.subnet}}
}

func (u *tenant) trySmall(o order) ([]*compute.Instance, error) {
	hash, err := compute.HashPassword(password)
	if err != nil {
		return nil, err
	}
	made, err := u.box.Control.Compute.Create(u.t.Context(), u.operator(), compute.NewInstances{
		Name: o.name, Spread: []compute.Spread{{Site: u.place, Count: o.count, NICs: o.nics()}}, Size: compute.Size{VCPUs: 1, MemoryMiB: o.mib}, Image: imageName,
		System: systemDisk, Login: compute.Login{PasswordHash: hash}, UserData: []byte(o.data), Groups: []string{o.group}, Public: o.public, Mbps: 100, Set: o.set,
		Payment: compute.Postpaid})
	if err != nil {
		return nil, err
	}
	return made.Instances, nil
}

// is waits until an instance is in a state; a failure ends the wait.
func (u *tenant) is(state compute.State, uids ...string) {
	u.t.Helper()
	for _, uid := range uids {
		u.eventually(fmt.Sprintf("instance %s is %s", uid, state), func() error {
			d, err := u.box.Control.Compute.Get(u.t.Context(), u.operator(), uid)
			if err != nil {
				return err
			}
			if d.State == compute.Failed {
				require.FailNow(u.t, "the instance failed", "%s: %s", uid, d.Error)
			}
			if d.State != state {
				return fmt.Errorf("it is %s (%s)", d.State, d.Trouble)
			}
			return nil
		})
	}
}

func script(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
