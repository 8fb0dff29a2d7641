package daemons

import (
	"context"
	"fmt"
)

// OVSConfig describes one host's Open vSwitch. All paths are those that the Runner sees, so the defaults of the programs' own tools fit.
type OVSConfig struct {
	SystemID string // the chassis name in OVN
	Hostname string
	System   bool // also offer the kernel's datapath; without it br-int must be a userspace bridge
}

// OVSSocket is the path of Open vSwitch's database socket, below the host's /run.
const OVSSocket = "openvswitch/db.sock"

// StartOVS starts ovsdb-server and ovs-vswitchd with the userspace datapath at hand. Ports of guests from before a power cut are removed, as Debian's
// own ovs-ctl does: they are marked as transient.
func StartOVS(ctx context.Context, r Runner, cfg OVSConfig) error {
	datapath := "--disable-system"
	if cfg.System {
		datapath = ""
	}
	_, err := Script(ctx, r, fmt.Sprintf(`mkdir -p /run/openvswitch /etc/openvswitch /var/log/openvswitch
DB=/etc/openvswitch/conf.db
[ -f $DB ] || ovsdb-tool create $DB /usr/share/openvswitch/vswitch.ovsschema
ovsdb-server $DB --remote=punix:/run/openvswitch/db.sock --remote=db:Open_vSwitch,Open_vSwitch,manager_options --pidfile --detach --monitor --no-chdir \
  -vconsole:off --log-file=/var/log/openvswitch/ovsdb-server.log >/dev/null 2>&1 </dev/null
ovs-vsctl --no-wait init
ovs-vsctl --no-wait set Open_vSwitch . external-ids:system-id=%[1]q external-ids:hostname=%[2]q
for port in $(ovs-vsctl --no-wait --bare --columns=name find Port other_config:transient=true); do ovs-vsctl --no-wait --if-exists del-port $port; done
ovs-vswitchd unix:/run/openvswitch/db.sock --pidfile --detach --monitor --no-chdir %[3]s \
  -vconsole:off --log-file=/var/log/openvswitch/ovs-vswitchd.log >/dev/null 2>&1 </dev/null
`, cfg.SystemID, cfg.Hostname, datapath))
	if err != nil {
		return fmt.Errorf("start Open vSwitch: %w", err)
	}
	return nil
}
