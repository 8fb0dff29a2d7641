package onebox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"

	"edgecloud/control"
	"edgecloud/engine/daemons"
)

// The bridges of a real host. br-int is OVN's own.
const (
	externalBridge = "br-ex"
	physicalName   = "provider"
	bridgeTag      = "edgecloud" // external_ids of the bridge that is ours
)

// nbEndpoint and sbRemote are the databases of a machine that is a whole site.
const (
	nbEndpoint = "unix:/run/" + daemons.NBSocket
	sbRemote   = "unix:/run/" + daemons.SBSocket
)

// machine is this machine as a host: what edgecloud started on it, so that an uninstall stops that and nothing else. Daemons outlive edgecloud.
type machine struct {
	dir  string
	made made
}

type made struct {
	OVS, Central, Controller, Libvirt bool // started by edgecloud
	OVSDB, OVNDB                      bool // the database did not exist before
	Bridge                            bool
	UUID                              string // of libvirt's host
	Range                             netip.Prefix
}

const madeFile = "made.json"

func openMachine(dir string) (*machine, error) {
	m := &machine{dir: filepath.Join(dir, hostName)}
	text, err := os.ReadFile(filepath.Join(m.dir, madeFile))
	if err == nil {
		err = json.Unmarshal(text, &m.made)
	} else if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	if m.made.UUID == "" {
		m.made.UUID = uuid.NewString()
	}
	return m, err
}

// keep writes down what is about to be done, before it is done: a crash in between leads to one needless removal, never to a forgotten one.
func (m *machine) keep(change func(*made)) error {
	change(&m.made)
	text, err := json.MarshalIndent(m.made, "", "  ")
	if err != nil {
		return err
	}
	return control.ReplaceFile(filepath.Join(m.dir, madeFile), append(text, '\n'), 0o600)
}

// start starts what does not run yet.
func (m *machine) start(ctx context.Context) (systemID string, err error) {
	if err := daemons.Missing(); err != nil {
		return "", err
	}
	if err := os.MkdirAll(m.dir, 0o755); err != nil {
		return "", err
	}
	libvirt := make(chan error, 1)
	if err := m.keepLibvirt(); err != nil {
		return "", err
	}
	go func() { libvirt <- m.startLibvirt(ctx) }()
	systemID, err = m.startNetwork(ctx)
	return systemID, errors.Join(err, <-libvirt)
}

func (m *machine) startNetwork(ctx context.Context) (string, error) {
	systemID, err := m.startOVS(ctx)
	if err != nil {
		return "", err
	}
	if err := m.startCentral(ctx); err != nil {
		return "", err
	}
	if err := m.bridge(ctx); err != nil {
		return "", err
	}
	if err := m.startController(ctx); err != nil {
		return "", err
	}
	return systemID, daemons.WaitFor(ctx, 2*time.Minute, "OVN's chassis "+systemID, func() error {
		if _, err := daemons.Run(ctx, daemons.Direct{}, "ovs-vsctl", "br-exists", "br-int"); err != nil {
			return err
		}
		out, err := daemons.Run(ctx, daemons.Direct{}, "ovn-sbctl", "--db="+sbRemote, "--bare", "--columns=name", "find", "Chassis", "name="+systemID)
		if err == nil && strings.TrimSpace(out) == "" {
			err = errors.New("it is not in the southbound database")
		}
		return err
	})
}

func answers(socket string) bool {
	c, err := net.DialTimeout("unix", filepath.Join("/run", socket), time.Second)
	if err != nil {
		return false
	}
	_ = c.Close() // it was only to see
	return true
}

// userspace tells whether bridges need the userspace datapath.
func userspace(ctx context.Context) bool {
	if _, err := os.Stat("/sys/module/openvswitch"); err == nil {
		return false
	}
	_, err := daemons.Run(ctx, daemons.Direct{}, "modprobe", "openvswitch")
	return err != nil
}

func absent(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, os.ErrNotExist)
}

func (m *machine) startOVS(ctx context.Context) (systemID string, err error) {
	name, err := os.Hostname()
	if err != nil {
		return "", err
	}
	if !answers(daemons.OVSSocket) {
		if err := m.keep(func(d *made) { d.OVS, d.OVSDB = true, d.OVSDB || absent("/etc/openvswitch/conf.db") }); err != nil {
			return "", err
		}
		return name, daemons.StartOVS(ctx, daemons.Direct{}, daemons.OVSConfig{SystemID: name, Hostname: name, System: !userspace(ctx)})
	}
	id, err := vsctl(ctx, "--if-exists", "get", "Open_vSwitch", ".", "external-ids:system-id")
	if err == nil && id == "" {
		id = name
		_, err = vsctl(ctx, "set", "Open_vSwitch", ".", "external-ids:system-id="+id)
	}
	return id, err
}

func vsctl(ctx context.Context, args ...string) (string, error) {
	out, err := daemons.Run(ctx, daemons.Direct{}, append([]string{"ovs-vsctl", "--timeout=20"}, args...)...)
	return strings.Trim(strings.TrimSpace(out), `"`), err
}

func (m *machine) startCentral(ctx context.Context) error {
	if answers(daemons.NBSocket) {
		return nil
	}
	if err := m.keep(func(d *made) { d.Central, d.OVNDB = true, d.OVNDB || absent("/var/lib/ovn/ovnnb_db.db") }); err != nil {
		return err
	}
	return daemons.StartOVNCentral(ctx, daemons.Direct{}, "")
}

// bridge makes the bridge to the outside: the public range is on it, with this machine as its gateway.
func (m *machine) bridge(ctx context.Context) error {
	datapath := "system"
	if userspace(ctx) {
		datapath = "netdev"
	}
	if _, err := vsctl(ctx, "br-exists", externalBridge); err == nil {
		tag, err := vsctl(ctx, "br-get-external-id", externalBridge, bridgeTag)
		if err != nil {
			return err
		}
		if tag == "" {
			return fmt.Errorf("the machine has a bridge %s that is not edgecloud's: rename it, or run edgecloud agent with a configuration of its own", externalBridge)
		}
	}
	if err := m.keep(func(d *made) { d.Bridge = true }); err != nil {
		return err
	}
	gateway := gatewayOf(m.made.Range)
	_, err := daemons.Script(ctx, daemons.Direct{}, fmt.Sprintf(`ovs-vsctl --timeout=20 --may-exist add-br %[1]s -- set Bridge %[1]s datapath_type=%[2]s -- br-set-external-id %[1]s %[3]s yes
ethtool -K %[1]s tx off >/dev/null 2>&1 || true
ip addr replace %[4]s dev %[1]s
ip link set %[1]s up
ip -6 addr replace %[5]s dev %[1]s nodad || true`, externalBridge, datapath, bridgeTag, gateway, netip.PrefixFrom(defaultBlock6.Gateway, defaultBlock6.Prefix.Bits())))
	return err
}

func (m *machine) startController(ctx context.Context) error {
	remote, err := vsctl(ctx, "--if-exists", "get", "Open_vSwitch", ".", "external-ids:ovn-remote")
	if err != nil {
		return err
	}
	if remote != "" && remote != sbRemote {
		return fmt.Errorf("this machine's Open vSwitch belongs to the OVN at %s: edgecloud up --engine real needs a machine that is a site of its own", remote)
	}
	if runs("/run/ovn/ovn-controller.pid") && remote == sbRemote {
		return nil
	}
	cfg := daemons.ChassisConfig{Remote: sbRemote, EncapIP: control.Outward(), Mappings: physicalName + ":" + externalBridge, Gateway: true, Netdev: userspace(ctx)}
	if runs("/run/ovn/ovn-controller.pid") {
		return errors.New("ovn-controller runs but belongs to no OVN: stop it (systemctl stop ovn-controller), and start edgecloud again")
	}
	if err := m.keep(func(d *made) { d.Controller = true }); err != nil {
		return err
	}
	return daemons.StartOVNController(ctx, daemons.Direct{}, cfg)
}

// runs tells whether the process of a PID file lives.
func runs(pidFile string) bool {
	text, err := os.ReadFile(pidFile)
	if err != nil {
		return false
	}
	_, err = os.Stat("/proc/" + strings.TrimSpace(string(text)))
	return err == nil
}

// libvirtFiles are written when edgecloud starts libvirt; what stood there before comes back with the uninstall.
var libvirtFiles = []string{"/etc/libvirt/libvirtd.conf", "/etc/libvirt/qemu.conf", "/etc/libvirt/virtlogd.conf"}

func (m *machine) keepLibvirt() error {
	if answers(daemons.LibvirtSocket) || m.made.Libvirt {
		return nil
	}
	for _, path := range libvirtFiles {
		text, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err == nil {
			err = control.ReplaceFile(filepath.Join(m.dir, filepath.Base(path)+".before"), text, 0o600)
		}
		if err != nil {
			return err
		}
	}
	return m.keep(func(d *made) { d.Libvirt = true })
}

func (m *machine) startLibvirt(ctx context.Context) error {
	if answers(daemons.LibvirtSocket) {
		return nil
	}
	return daemons.StartLibvirt(ctx, daemons.Direct{}, daemons.LibvirtConfig{HostUUID: m.made.UUID, Socket: "/run/" + daemons.LibvirtSocket})
}
