package host

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"edgecloud/engine/daemons"
)

// Host is one test host.
type Host struct {
	Name          string
	UUID          string // libvirt's host_uuid
	UnderlayIP    string // of Geneve, and of qemu+tcp
	LibvirtSocket string // path of libvirt-sock
	LibvirtURI    string // for libvirt's own tools
	MigrationURI  string // qemu+tcp, as other hosts reach this one
	OVSSocket     string // path of Open vSwitch's database socket
	OVSEndpoint   string // the same as "unix:..."

	fabric *Fabric
	dir    string

	mu sync.Mutex
	ns *daemons.Namespace // nil while powered off
}

// Host makes a host and waits until libvirt answers and OVN knows the chassis. Name: up to 10 of [a-z0-9-].
func (f *Fabric) Host(t testing.TB, name string) *Host {
	t.Helper()
	h, err := f.AddHost(context.Background(), name)
	if err != nil {
		f.explain()
		t.Fatalf("host %s: %v", name, err)
	}
	return h
}

// AddHost is Host outside a test.
func (f *Fabric) AddHost(ctx context.Context, name string) (*Host, error) {
	f.mu.Lock()
	dir := filepath.Join(f.dir, name)
	h := &Host{Name: name, UUID: uuid.NewString(), UnderlayIP: fmt.Sprintf(underlayFmt, 10+len(f.hosts)), fabric: f, dir: dir,
		LibvirtSocket: filepath.Join(dir, "run", daemons.LibvirtSocket), OVSSocket: filepath.Join(dir, "run", daemons.OVSSocket)}
	h.OVSEndpoint = "unix:" + h.OVSSocket
	h.LibvirtURI = "qemu+unix:///system?socket=" + h.LibvirtSocket
	h.MigrationURI = fmt.Sprintf("qemu+tcp://%s/system", h.UnderlayIP)
	f.hosts = append(f.hosts, h)
	f.mu.Unlock()
	return h, h.PowerOn(ctx)
}

// PowerOn boots a powered-off host: its daemons start, its guests are the agent's business.
func (h *Host) PowerOn(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ns != nil {
		return nil
	}
	// /run does not survive a boot.
	if err := os.RemoveAll(filepath.Join(h.dir, "run")); err != nil {
		return err
	}
	ns, err := daemons.NewNamespace(ctx, daemons.NamespaceConfig{Hostname: h.Name, Dir: h.dir, Binds: h.binds()})
	if err != nil {
		return err
	}
	h.ns = ns
	if err := h.cable(ctx); err != nil {
		return err
	}
	return h.boot(ctx)
}

// binds: libvirt's cache of QEMU's capabilities is shared by all hosts of the machine, since filling it costs seconds.
func (h *Host) binds() map[string]string {
	binds := daemons.HostBinds(h.dir)
	binds["/var/cache/libvirt"] = filepath.Join(os.TempDir(), "edgecloud-libvirt-cache")
	return binds
}

// cable connects the host to the underlay and to the provider network.
func (h *Host) cable(ctx context.Context) error {
	_, err := daemons.Script(ctx, h.fabric.central.NetOnly(), fmt.Sprintf(`for link in u-%[1]s:phy0:%[3]d:underlay p-%[1]s:prov0:1500:provider; do
  IFS=: read -r ours theirs mtu bridge <<<$link
  ip link del $ours 2>/dev/null || true
  ip link add $ours mtu $mtu type veth peer name $theirs mtu $mtu netns %[2]d
  ethtool -K $ours tx off >/dev/null
  ip link set $ours master $bridge up
done`, h.Name, h.ns.PID(), underlayMTU))
	return err
}

func (h *Host) boot(ctx context.Context) error {
	libvirt := make(chan error, 1)
	if _, err := daemons.Script(ctx, h.ns, "for i in phy0 prov0; do ethtool -K $i tx off >/dev/null; ip link set $i up; done"); err != nil {
		return err
	}
	if err := daemons.StartOVS(ctx, h.ns, daemons.OVSConfig{SystemID: h.Name, Hostname: h.Name}); err != nil {
		return err
	}
	// The underlay address sits on a userspace bridge, so that the userspace datapath finds its way to the tunnels' other ends.
	_, err := daemons.Script(ctx, h.ns, fmt.Sprintf(`ovs-vsctl --timeout=60 --may-exist add-br br-phy -- set Bridge br-phy datapath_type=netdev -- --may-exist add-port br-phy phy0 \
  -- set Interface br-phy mtu_request=%d -- --may-exist add-br br-ex -- set Bridge br-ex datapath_type=netdev -- --may-exist add-port br-ex prov0
ethtool -K br-phy tx off >/dev/null
ip addr add %s/24 dev br-phy
ip link set br-phy up
ip link set br-ex up`, underlayMTU, h.UnderlayIP))
	if err != nil {
		return err
	}
	go func() {
		libvirt <- daemons.StartLibvirt(ctx, h.ns, daemons.LibvirtConfig{HostUUID: h.UUID, ListenAddr: h.UnderlayIP, Socket: h.LibvirtSocket})
	}()
	err = daemons.StartOVNController(ctx, h.ns, daemons.ChassisConfig{Remote: fmt.Sprintf("tcp:%s:%d", CentralIP, daemons.SBPort), EncapIP: h.UnderlayIP,
		Mappings: mappings, Gateway: true, Netdev: true})
	if err == nil {
		err = h.awaitChassis(ctx)
	}
	if lerr := <-libvirt; err == nil {
		err = lerr
	}
	return err
}

func (h *Host) awaitChassis(ctx context.Context) error {
	return daemons.WaitFor(ctx, 2*time.Minute, "OVN chassis "+h.Name, func() error {
		out, err := daemons.Run(ctx, h.ns, "ovs-vsctl", "br-exists", "br-int")
		if err != nil {
			return fmt.Errorf("no br-int: %s %w", out, err)
		}
		out, err = h.fabric.SBCtl(ctx, "--bare", "--columns=name", "find", "Chassis", "name="+h.Name)
		if err != nil {
			return err
		}
		if strings.TrimSpace(out) != h.Name {
			return fmt.Errorf("not in the southbound database")
		}
		return nil
	})
}
