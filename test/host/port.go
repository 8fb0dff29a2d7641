package host

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"edgecloud/engine/daemons"
)

// Port is a network namespace with one interface on a host's br-int: a guest without the machine.
type Port struct {
	Name string
	ns   *daemons.Namespace
}

// Port binds a namespace to an OVN logical switch port. name: up to 10 of [a-z0-9], unique on the host; ip with its prefix length, or "" to leave the
// address to the test (DHCP: Run "busybox", "udhcpc"...); gw may be empty; ifaceID is the logical switch port's name.
func (h *Host) Port(t testing.TB, name, mac, ip, gw, ifaceID string) *Port {
	t.Helper()
	p, err := h.AddPort(context.Background(), name, mac, ip, gw, ifaceID)
	if err != nil {
		t.Fatalf("port %s on %s: %v", name, h.Name, err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("close port %s: %v", name, err)
		}
	})
	return p
}

// AddPort is Port outside a test.
func (h *Host) AddPort(ctx context.Context, name, mac, ip, gw, ifaceID string) (*Port, error) {
	hostNS, err := h.namespace()
	if err != nil {
		return nil, err
	}
	ns, err := daemons.NewNamespace(ctx, daemons.NamespaceConfig{Hostname: name, Dir: filepath.Join(h.dir, "port-"+name)})
	if err != nil {
		return nil, err
	}
	p := &Port{Name: name, ns: ns}
	if err := p.connect(ctx, hostNS, mac, ip, gw, ifaceID); err != nil {
		_ = p.Close()
		return nil, err
	}
	return p, nil
}

func (p *Port) connect(ctx context.Context, hostNS *daemons.Namespace, mac, ip, gw, ifaceID string) error {
	dev := "vp-" + p.Name
	_, err := daemons.Script(ctx, hostNS.NetOnly(), fmt.Sprintf(`ip link del %[1]s 2>/dev/null || true
ip link add %[1]s type veth peer name eth0 address %[2]s netns %[3]d
ethtool -K %[1]s tx off >/dev/null
ip link set %[1]s up`, dev, mac, p.ns.PID()))
	if err != nil {
		return err
	}
	script := "ethtool -K eth0 tx off >/dev/null\nip link set eth0 up\n"
	if ip != "" {
		script += "ip addr add " + ip + " dev eth0\n"
	}
	if gw != "" {
		script += "ip route add default via " + gw + "\n"
	}
	if _, err := daemons.Script(ctx, p.ns.NetOnly(), script); err != nil {
		return err
	}
	if ifaceID == "" {
		return nil
	}
	_, err = daemons.Run(ctx, hostNS, "ovs-vsctl", "--timeout=60", "--may-exist", "add-port", "br-int", dev, "--", "set", "Interface", dev, "external-ids:iface-id="+ifaceID,
		"--", "set", "Port", dev, "other_config:transient=true")
	return err
}

// Run runs a command in the port's namespace.
func (p *Port) Run(ctx context.Context, args ...string) (string, error) {
	return daemons.Run(ctx, p.ns, args...)
}

// Runner starts commands in the port's namespace.
func (p *Port) Runner() daemons.Runner { return p.ns }

// Netns is the port's network namespace as a file.
func (p *Port) Netns() string { return p.ns.NetPath() }

// Reaches waits until an address answers a ping from the port.
func (p *Port) Reaches(t testing.TB, addr string, limit time.Duration) {
	t.Helper()
	err := daemons.WaitFor(context.Background(), limit, "ping "+addr+" from "+p.Name, func() error {
		_, err := p.Run(context.Background(), "ping", "-n", "-c", "1", "-W", "1", addr)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Close removes the namespace and with it the interface; the row in the host's Open vSwitch stays until the next boot, like a crashed guest's.
func (p *Port) Close() error { return p.ns.Close() }
