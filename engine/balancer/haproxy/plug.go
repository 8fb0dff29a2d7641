package haproxy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"edgecloud/engine/daemons"
	"edgecloud/link/spec"
)

// place is where one balancer lives.
type place struct{ uid, dir, namespace string }

// link is the name of the interface on the bridge: at most 15 signs.
func (p place) link() string {
	sum := sha256.Sum256([]byte(p.uid))
	return "lb" + hex.EncodeToString(sum[:6])
}

// plug joins the namespace to the balancer's port. Every line may have been run before.
func (e *Engine) plug(ctx context.Context, p place, nic spec.NIC, alive bool) error {
	wanted, err := json.Marshal(nic)
	if err != nil {
		return err
	}
	e.mu.Lock()
	done := alive && string(e.ready[p.uid]) == string(wanted)
	e.mu.Unlock()
	if done {
		return nil
	}
	if _, err := daemons.Script(ctx, e.runner, plugScript(p, nic, e.bridge)); err != nil {
		return fmt.Errorf("plug balancer %s: %w", p.uid, err)
	}
	e.mu.Lock()
	e.ready[p.uid] = wanted
	e.mu.Unlock()
	return nil
}

func plugScript(p place, nic spec.NIC, bridge string) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	ns, veth := p.namespace, p.link()
	in := "ip -n " + ns
	line("ip netns list | grep -q '^%s\\b' || ip netns add %s", ns, ns)
	line("%s link set lo up", in)
	// A switch that still has a port of that name would go on looking at the interface that is gone, and the kernel takes its time to let one of a lost namespace go.
	line("%s link show eth0 >/dev/null 2>&1 || {", in)
	line("  ovs-vsctl --if-exists del-port %s", veth)
	line("  for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do")
	line("    ip link del %s 2>/dev/null || true", veth)
	line("    ip link add %s type veth peer name eth0 netns %s 2>/dev/null && break", veth, ns)
	line("    sleep 0.1")
	line("  done")
	line("}")
	line("%s link set eth0 address %s", in, nic.MAC)
	if nic.MTU > 0 {
		line("%s link set eth0 mtu %d", in, nic.MTU)
	}
	for _, a := range nic.Addresses {
		flags := ""
		if a.Addr().Is6() {
			flags = " nodad"
		}
		line("%s address replace %s dev eth0%s", in, a, flags)
	}
	// The userspace datapath does not fill in checksums that are left to a card.
	line("ethtool -K %s tx off >/dev/null", veth)
	line("ip netns exec %s ethtool -K eth0 tx off >/dev/null", ns)
	line("%s link set eth0 up", in)
	line("ip link set %s up", veth)
	if nic.Gateway.IsValid() {
		line("%s route replace default via %s", in, nic.Gateway)
	}
	line("ovs-vsctl --may-exist add-port %s %s -- set Interface %s external_ids:iface-id=%s external_ids:attached-mac='\"%s\"'", bridge, veth, veth, nic.Port, nic.MAC)
	return b.String()
}

// unplug ends what runs for a balancer and takes its namespace away.
func (e *Engine) unplug(ctx context.Context, p place) error {
	script := fmt.Sprintf(`ovs-vsctl --if-exists del-port %[2]s
if ip netns list | grep -q '^%[1]s\b'; then
  for i in 1 2 3 4 5 6 7 8 9 10; do
    pids=$(ip netns pids %[1]s)
    [ -n "$pids" ] || break
    kill -KILL $pids 2>/dev/null || true
    sleep 0.1
  done
  ip netns del %[1]s
fi
ip link show %[2]s >/dev/null 2>&1 && ip link del %[2]s || true
`, p.namespace, p.link())
	if _, err := daemons.Script(ctx, e.runner, script); err != nil {
		return fmt.Errorf("unplug balancer %s: %w", p.uid, err)
	}
	return nil
}
