package real_test

import (
	"fmt"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/agent"
	"edgecloud/cloud/compute"
)

// A host comes back from a power cycle while the centre is down: the agent alone starts its machines again, from its ledger.
func TestAgentAloneBringsMachinesBack(t *testing.T) {
	s := newSite(t, 1, nil)
	u := s.tenant()
	h := u.settle("alone", "192.168.0.0/16", "192.168.8.0/24")
	made := u.small(order{name: "alone", count: 3, group: h.group.UID, subnet: h.subnet.UID, mib: 128})
	u.is(compute.Running, uids(made)...)
	u.call("PUT", "/v2/vm/instance/vm-"+made[2].Handle+"?stop", nil, nil)
	u.is(compute.Stopped, made[2].UID)

	n := s.nodes[0]
	s.box.Net.SetCentre(nil)
	n.powerCycle()
	u.eventually("two guests run again", func() error {
		guests, err := n.PoweredGuests()
		if err == nil && len(guests) != 2 {
			err = fmt.Errorf("guests: %v", guests)
		}
		return err
	})
	s.box.Net.SetCentre(s.box.Control.Link)
	u.is(compute.Running, uids(made[:2])...)
	u.is(compute.Stopped, made[2].UID)
	u.clear(made)
	u.leave(h)
}

// powerCycle cuts the host's power with everything on it, and boots it: the agent too starts anew on its ledger.
func (n *node) powerCycle() {
	n.close()
	n.Reboot(n.site.t)
	n.open()
}

func uids(made []*compute.Instance) (list []string) {
	for _, i := range made {
		list = append(list, i.UID)
	}
	return list
}

// clear deletes instances and waits until nothing of any is left.
func (u *tenant) clear(made []*compute.Instance) {
	u.t.Helper()
	for _, i := range made {
		u.call("DELETE", "/v2/vm/instance/vm-"+i.Handle, nil, nil)
	}
	u.nothingLeft()
}

// Ten mixed operations; before each, the agent is set to die at one of its points, or libvirtd is killed. All converges, nothing is lost, doubled or left.
func TestCrashesDuringMixedOperations(t *testing.T) {
	crash := &crasher{}
	s := newSite(t, 1, func(c *agent.Config) { c.Fail = crash.point })
	u, n := s.tenant(), s.nodes[0]
	h := u.settle("crash", "192.168.0.0/16", "192.168.9.0/24")
	keeper := n.keepAlive()
	made := u.small(order{name: "crash", count: 2, group: h.group.UID, subnet: h.subnet.UID, mib: 128, public: true})
	a, b := "vm-"+made[0].Handle, "vm-"+made[1].Handle
	u.is(compute.Running, uids(made)...)

	put := func(id, verb string) func() {
		return func() { u.call("PUT", "/v2/vm/instance/"+id+"?"+verb, nil, nil) }
	}
	steps := []struct {
		at  string // failpoint of the agent; empty: libvirtd is killed
		do  func()
		uid string
		to  compute.State
	}{
		{"applied instance", put(a, "stop"), made[0].UID, compute.Stopped},
		{"applying instance", put(a, "start"), made[0].UID, compute.Running},
		{"", put(b, "stop"), made[1].UID, compute.Stopped},
		{"applied instance", put(b, "start"), made[1].UID, compute.Running},
		{"accepted", put(a, "reboot"), made[0].UID, compute.Running},
		{"applied volume", u.rebuild(a), made[0].UID, compute.Running},
		{"applied instance", put(b, "reboot"), made[1].UID, compute.Running},
		{"", put(b, "stop"), made[1].UID, compute.Stopped},
		{"pulled", put(b, "start"), made[1].UID, compute.Running},
		{"applied instance", u.rebuild(b), made[1].UID, compute.Running},
	}
	for k, step := range steps {
		if step.at != "" {
			crash.arm(step.at)
		}
		step.do()
		if step.at == "" {
			n.killLibvirt()
		}
		u.is(step.to, step.uid)
		require.True(t, crash.fired(), "step %d: the agent did not come to %q", k, step.at)
		t.Logf("step %d (%q): %s", k, step.at, step.to)
	}
	guests, err := n.PoweredGuests()
	require.NoError(t, err)
	require.Len(t, guests, 2)
	crash.arm("applied instance")
	u.clear(made)
	require.True(t, crash.fired())
	u.leave(h)
	t.Logf("the agent was started %d times again", keeper())
}

func (u *tenant) rebuild(id string) func() {
	return func() {
		u.call("PUT", "/v2/vm/instance/"+id+"?rebuild", map[string]any{"imageId": u.imageID(), "imageType": "bec", "adminPass": u.seal(password)}, nil)
	}
}

// killLibvirt kills the daemon like a crash would, and starts it again; its guests run on.
func (n *node) killLibvirt() {
	t := n.site.t
	_, err := n.Run(t.Context(), "bash", "-c", "kill -9 $(cat /run/libvirtd.pid)")
	require.NoError(t, err)
	_, err = n.Run(t.Context(), "bash", "-c", "libvirtd -d --listen </dev/null >/dev/null 2>&1")
	require.NoError(t, err)
	n.site.eventually("libvirtd answers", func() error {
		conn, err := net.Dial("unix", n.LibvirtSocket)
		if err != nil {
			return err
		}
		return conn.Close()
	})
}
