package host

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"edgecloud/engine/daemons"
)

// Addresses of the fabric. Namespaces keep several fabrics apart, so all have the same.
const (
	CentralIP    = "10.77.0.1"      // OVN central, on the underlay
	underlayFmt  = "10.77.0.%d"     // the hosts, from .10
	ProviderNet  = "203.0.113.0/24" // the provider network of physical network "provider"
	OutsideIP    = "203.0.113.1"    // the outside, and the gateway of the provider network
	PhysicalName = "provider"       // OVN network_name of localnet ports; "physnet1" is the same bridge
	mappings     = "provider:br-ex,physnet1:br-ex"
	underlayMTU  = 9000 // room for Geneve around a guest's 1500
)

// Fabric is one site's networks and OVN central.
type Fabric struct {
	NBEndpoint string // northbound database: "unix:/..."
	SBEndpoint string // southbound database: "unix:/..."

	dir     string
	unlock  func()
	central *daemons.Namespace
	outside *daemons.Namespace
	logf    func(format string, args ...any)

	mu    sync.Mutex
	hosts []*Host
}

// NewFabric makes a site's fabric for a test: an underlay bridge and a provider bridge, the OVN central, and the outside.
func NewFabric(t testing.TB) *Fabric {
	t.Helper()
	f, err := Open(context.Background(), t.Logf)
	if err != nil {
		t.Fatalf("fabric: %v", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			f.explain()
		}
		if err := f.Close(); err != nil {
			t.Errorf("close fabric: %v", err)
		}
	})
	return f
}

// Open makes a fabric outside a test; the caller closes it.
func Open(ctx context.Context, logf func(string, ...any)) (*Fabric, error) {
	if err := daemons.Missing(); err != nil {
		return nil, err
	}
	sweep()
	dir, unlock, err := newDir()
	if err != nil {
		return nil, err
	}
	f := &Fabric{dir: dir, unlock: unlock, logf: logf}
	if err := f.open(ctx); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

func (f *Fabric) open(ctx context.Context) (err error) {
	dir := filepath.Join(f.dir, "c")
	binds := map[string]string{"/run": dir + "/run", "/var/lib/ovn": dir + "/ovn", "/var/log/ovn": dir + "/log"}
	if f.central, err = daemons.NewNamespace(ctx, daemons.NamespaceConfig{Hostname: "central", Dir: dir, Binds: binds}); err != nil {
		return err
	}
	if f.outside, err = daemons.NewNamespace(ctx, daemons.NamespaceConfig{Hostname: "outside", Dir: filepath.Join(f.dir, "o")}); err != nil {
		return err
	}
	_, err = daemons.Script(ctx, f.central.NetOnly(), fmt.Sprintf(`ip link add underlay mtu %d type bridge
ip link add provider type bridge
ip addr add %s/24 dev underlay
ip link set underlay up
ip link set provider up
ip link add outside type veth peer name prov0 netns %d
ip link set outside master provider up`, underlayMTU, CentralIP, f.outside.PID()))
	if err != nil {
		return err
	}
	_, err = daemons.Script(ctx, f.outside.NetOnly(), fmt.Sprintf("ethtool -K prov0 tx off >/dev/null\nip addr add %s/24 dev prov0\nip link set prov0 up", OutsideIP))
	if err != nil {
		return err
	}
	if err := daemons.StartOVNCentral(ctx, f.central, CentralIP); err != nil {
		return err
	}
	f.NBEndpoint = "unix:" + filepath.Join(dir, "run", daemons.NBSocket)
	f.SBEndpoint = "unix:" + filepath.Join(dir, "run", daemons.SBSocket)
	return nil
}

// Outside runs a command on the provider network's other side, from where public addresses are reached.
func (f *Fabric) Outside(ctx context.Context, args ...string) (string, error) {
	return daemons.Run(ctx, f.outside, args...)
}

// OutsideNetns is the outside's network namespace as a file.
func (f *Fabric) OutsideNetns() string { return f.outside.NetPath() }

// NBCtl runs ovn-nbctl.
func (f *Fabric) NBCtl(ctx context.Context, args ...string) (string, error) {
	return daemons.Run(ctx, f.central, append([]string{"ovn-nbctl", "--db=unix:/run/" + daemons.NBSocket}, args...)...)
}

// SBCtl runs ovn-sbctl.
func (f *Fabric) SBCtl(ctx context.Context, args ...string) (string, error) {
	return daemons.Run(ctx, f.central, append([]string{"ovn-sbctl", "--db=unix:/run/" + daemons.SBSocket}, args...)...)
}

// Dir is the fabric's folder.
func (f *Fabric) Dir() string { return f.dir }

// Close ends all hosts and the central, and removes the folder.
func (f *Fabric) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var first error
	keep := func(err error) {
		if err != nil && first == nil {
			first = err
		}
	}
	for _, h := range f.hosts {
		keep(h.powerOff())
	}
	for _, n := range []*daemons.Namespace{f.central, f.outside} {
		if n != nil {
			keep(n.Close())
		}
	}
	keep(os.RemoveAll(f.dir))
	f.unlock()
	return first
}
