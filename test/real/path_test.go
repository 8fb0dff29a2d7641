package real_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/network"
	"edgecloud/cloud/volume"
	"edgecloud/engine/sim/rfb/rfbtest"
)

// systemDisk is the smallest that BEC sells; it is thin.
var systemDisk = volume.New{Name: "sys", Storage: "NVME", GiB: volume.MinSystemGiB}

// greeting is user data that shows over HTTP that it ran.
const greeting = "#!/bin/sh\necho \"user data of $(hostname)\" >/run/www/hello\n"

// The way of a newcomer with the official SDK: a network, a service of two guests on two hosts, one public address each; rules that open and close; every
// power verb; a screen; and nothing left in the end.
func TestServiceOfTwoFromCreateToDelete(t *testing.T) {
	s := newSite(t, 2, nil)
	before := s.rows()
	u := s.tenant()
	h := u.settle("proof", "192.168.0.0/16", "192.168.7.0/24")
	var set struct {
		IDs []string `json:"deploySetIds"`
	}
	u.call(http.MethodPost, "/v2/vm/instance/deployset/create", map[string]any{"name": "apart", "concurrency": 1, "strategy": "HOST_HA"}, &set)
	require.Len(t, set.IDs, 1)

	asked := time.Now()
	ids := u.create(h, 2, map[string]any{"deployIdList": set.IDs, "networkCapacityInMbps": 50, "userData": script(greeting), "hostname": "proof", "name": "proof"})
	a, b := u.await("RUNNING", ids[0]), u.await("RUNNING", ids[1])
	t.Logf("two instances created and running after %s", since(asked))
	s.onBothHosts()
	u.reach(a, b)
	t.Logf("both reached by public address after %s", since(asked))

	u.crosses(a, b)
	u.opensAndCloses(a, b, h)
	u.cloudDisk(a)
	u.natGateway(a, h)
	u.loadBalancer(h, a, b)
	u.screen(a)
	u.powerVerbs(a)

	for _, id := range ids {
		u.call(http.MethodDelete, "/v2/vm/instance/"+id, nil, nil)
	}
	s.nothingLeft()
	u.call(http.MethodDelete, "/v2/vm/instance/deployset/"+set.IDs[0], nil, nil)
	u.leave(h)
	s.rowsBecome(before)
}

func since(t time.Time) time.Duration { return time.Since(t).Round(10 * time.Millisecond) }

// create makes instances by the door; more is what the request has beside the usual.
func (u *tenant) create(h home, count int, more map[string]any) (ids []string) {
	u.t.Helper()
	body := map[string]any{"deployInstances": []any{map[string]any{"regionId": siteName, "purchaseCount": count, "vpcId": h.vpc, "subnetId": "sbn-" + h.subnet.Slug, "networkType": "vpc"}},
		"billing": map[string]any{"paymentTiming": "Postpaid"}, "imageId": u.imageID(), "imageType": "bec", "spec": "bec.c2.c1m2", "rootDiskSizeInGb": 40,
		"adminPass": u.seal(password), "securityGroupId": "sg-" + h.group.Slug}
	for k, v := range more {
		body[k] = v
	}
	var made struct {
		Instances []struct {
			ID string `json:"instanceId"`
		} `json:"instances"`
	}
	u.call(http.MethodPost, "/v2/vm/instance", body, &made)
	require.Len(u.t, made.Instances, count)
	for _, i := range made.Instances {
		ids = append(ids, i.ID)
	}
	return ids
}

func (u *tenant) imageID() string {
	i, _, err := u.box.Control.Images.Find(u.t.Context(), u.operator(), imageName)
	require.NoError(u.t, err)
	return "m-" + i.Slug
}

// await waits for an instance to be shown in a state.
func (u *tenant) await(state, id string) vm {
	u.t.Helper()
	var got struct {
		Instance vm `json:"instance"`
	}
	u.eventually(id+" is "+state, func() error {
		if err := u.try(http.MethodGet, "/v2/vm/instance/"+id, nil, &got); err != nil {
			return err
		}
		if got.Instance.Status == "FAILED" {
			d, err := u.box.Control.Compute.Get(u.t.Context(), u.operator(), strings.TrimPrefix(id, "vm-"))
			require.NoError(u.t, err)
			require.FailNow(u.t, "the instance failed", "%s: %s", id, d.Error)
		}
		if got.Instance.Status != state {
			return fmt.Errorf("it is %s", got.Instance.Status)
		}
		return nil
	})
	return got.Instance
}

// onBothHosts checks by the process table that every host runs one guest.
func (s *site) onBothHosts() {
	for _, n := range s.nodes {
		guests, err := n.PoweredGuests()
		require.NoError(s.t, err)
		require.Len(s.t, guests, 1, "guests on %s", n.Name)
	}
}

// reach waits until guests answer from outside on the echo port's neighbour, ssh: the one port that the tenant's rules let in.
func (u *tenant) reach(guests ...vm) {
	u.t.Helper()
	for _, g := range guests {
		require.NotEmpty(u.t, g.Public)
		u.eventually("ssh of "+g.Public, func() error {
			ctx, cancel := context.WithTimeout(u.t.Context(), time.Second)
			defer cancel()
			conn, err := u.dialOutside(ctx, "tcp", g.Public+":22")
			if err == nil {
				err = conn.Close()
			}
			return err
		})
	}
}

// run runs a command in a guest, and tries again while it boots.
func (u *tenant) run(g vm, password, command string) string {
	u.t.Helper()
	var out string
	u.eventually("a shell on "+g.Public, func() (err error) {
		out, err = u.shell(u.t.Context(), g.Public, password, command)
		return err
	})
	return out
}

func (u *tenant) crosses(a, b vm) {
	out := u.run(a, password, "ping -c 3 -W 2 "+b.Private)
	require.Contains(u.t, out, " 0% packet loss")
	// More than a ping: a full segment each way.
	out = u.run(b, password, "ping -c 1 -W 2 -s 1414 "+a.Private)
	require.Contains(u.t, out, " 0% packet loss")
	require.Empty(u.t, u.run(b, password, fetch(a.Private)), "the group lets port 80 in from nowhere")
}

// fetch reads a guest's page from another guest.
func fetch(address string) string {
	return `printf 'GET /hello HTTP/1.0\r\n\r\n' | timeout 5 nc -w 2 ` + address + ` 80 2>/dev/null | grep data || true`
}

func (u *tenant) opensAndCloses(g, beside vm, h home) {
	ctx, n := u.t.Context(), u.box.Control.Networks
	_, err := u.get(ctx, g.Public, "/hello")
	require.Error(u.t, err, "port 80 is open before a rule lets it")
	rules, err := n.AddRules(ctx, u.operator(), h.group.UID, []network.NewRule{{Direction: "ingress", Protocol: "tcp", PortMin: 80, PortMax: 80, Remote: "0.0.0.0/0"}})
	require.NoError(u.t, err)
	added := time.Now()
	u.eventually("port 80 opens", func() error {
		page, err := u.get(ctx, g.Public, "/hello")
		if err == nil && !strings.HasPrefix(page, "user data of proof-") {
			err = fmt.Errorf("page: %s", page)
		}
		return err
	})
	u.t.Logf("a rule opened a port after %s", since(added))
	require.Contains(u.t, u.run(beside, password, fetch(g.Private)), "user data of proof-")
	require.NoError(u.t, n.DeleteRulesOf(ctx, u.operator(), h.group.UID, rules[0].UID))
	u.t.Cleanup(func() {
		if u.t.Failed() {
			u.t.Logf("the group's rules: %s", u.groupState(h.group.UID))
		}
	})
	u.eventually("port 80 closes", func() error {
		if _, err := u.get(ctx, g.Public, "/hello"); err == nil {
			return fmt.Errorf("it is open")
		}
		return nil
	})
}

func (u *tenant) screen(g vm) {
	var got struct {
		URL string `json:"vncUrl"`
	}
	u.call(http.MethodGet, "/v2/vm/instance/"+g.ID+"/vnc", nil, &got)
	require.NotEmpty(u.t, got.URL)
	conn, err := u.box.Net.Dial(u.t.Context(), u.hostOf(g), "instance", u.uid(g))
	require.NoError(u.t, err)
	defer conn.Close()
	require.NoError(u.t, conn.SetDeadline(time.Now().Add(patience)))
	c, err := rfbtest.Connect(conn)
	require.NoError(u.t, err)
	require.Positive(u.t, c.Width)
	u.t.Logf("the screen %q is %dx%d", c.Name, c.Width, c.Height)
}

func (u *tenant) powerVerbs(g vm) {
	path := "/v2/vm/instance/" + g.ID
	require.Equal(u.t, "kept", u.run(g, password, "echo kept >/root/mark; sync; cat /root/mark"))
	boot := u.run(g, password, "cat /proc/sys/kernel/random/boot_id")

	u.timed("restart", func() { u.call(http.MethodPut, path+"?reboot", nil, nil); u.await("RUNNING", g.ID) })
	u.eventually("another boot", func() error {
		now, err := u.shell(u.t.Context(), g.Public, password, "cat /proc/sys/kernel/random/boot_id; cat /root/mark")
		if err == nil && (strings.Contains(now, boot) || !strings.Contains(now, "kept")) {
			err = fmt.Errorf("boot ID and mark: %s", now)
		}
		return err
	})

	const other = "other+Pass2"
	u.timed("password", func() {
		u.call(http.MethodPut, path+"?changePass", map[string]any{"adminPass": u.seal(other)}, nil)
		u.await("RUNNING", g.ID)
	})
	require.Equal(u.t, "kept", u.run(g, other, "cat /root/mark"))
	_, err := u.shell(u.t.Context(), g.Public, password, "true")
	require.ErrorContains(u.t, err, "unable to authenticate")

	u.timed("stop", func() { u.call(http.MethodPut, path+"?stop", nil, nil); u.await("STOPPED", g.ID) })
	u.timed("start", func() { u.call(http.MethodPut, path+"?start", nil, nil); u.await("RUNNING", g.ID) })
	require.Equal(u.t, "kept", u.run(g, other, "cat /root/mark"))

	u.timed("reinstall", func() {
		u.call(http.MethodPut, path+"?rebuild", map[string]any{"imageId": u.imageID(), "imageType": "bec", "adminPass": u.seal(password), "userData": script(greeting)}, nil)
		u.await("RUNNING", g.ID)
	})
	require.Equal(u.t, "gone", u.run(g, password, "cat /root/mark 2>/dev/null || echo gone"))
}

func (u *tenant) timed(what string, do func()) {
	u.t.Helper()
	began := time.Now()
	do()
	u.t.Logf("%s took %s", what, since(began))
}

func (u *tenant) uid(g vm) string {
	d, err := u.box.Control.Compute.Get(u.t.Context(), u.operator(), strings.TrimPrefix(g.ID, "vm-"))
	require.NoError(u.t, err)
	return d.UID
}

func (u *tenant) hostOf(g vm) string {
	d, err := u.box.Control.Compute.Get(u.t.Context(), u.operator(), strings.TrimPrefix(g.ID, "vm-"))
	require.NoError(u.t, err)
	return d.Host
}

// groupState tells how far a security group's change has come.
func (u *tenant) groupState(uid string) string {
	ctx := context.Background()
	var all strings.Builder
	for _, i := range u.nodes[0].agent.Ledger().Items() {
		if i.UID == uid {
			fmt.Fprintf(&all, "ledger: generation %d %s\n", i.Generation, i.Body)
		}
	}
	acls, err := u.fabric.NBCtl(ctx, "--no-headings", "--columns=match,action", "list", "ACL")
	fmt.Fprintln(&all, "northbound:", acls, err)
	flows, err := u.fabric.SBCtl(ctx, "find", "Logical_Flow", `pipeline=egress`, `external_ids:stage-name=ls_out_acl`)
	fmt.Fprintln(&all, "southbound:", flows, err)
	return all.String()
}
