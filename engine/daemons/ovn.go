package daemons

import (
	"context"
	"fmt"
)

// Sockets of OVN's central databases, below the central's /run.
const (
	NBSocket = "ovn/ovnnb_db.sock"
	SBSocket = "ovn/ovnsb_db.sock"
)

// TCP ports of OVN's databases, as everywhere.
const (
	NBPort = 6641
	SBPort = 6642
)

// StartOVNCentral starts a site's northbound and southbound databases and ovn-northd. addr is the address on which both databases also listen by TCP
// (ports 6641 and 6642) without TLS, for the hosts of a closed fabric; with none they listen on their unix sockets only.
func StartOVNCentral(ctx context.Context, r Runner, addr string) error {
	_, err := Script(ctx, r, fmt.Sprintf(`mkdir -p /run/ovn /var/lib/ovn /var/log/ovn
db() { # name schema port
  [ -f /var/lib/ovn/ovn$1_db.db ] || ovsdb-tool create /var/lib/ovn/ovn$1_db.db /usr/share/ovn/ovn-$1.ovsschema
  local tcp=
  [ -z %[1]q ] || tcp=--remote=ptcp:$2:%[1]s
  ovsdb-server /var/lib/ovn/ovn$1_db.db --remote=punix:/run/ovn/ovn$1_db.sock $tcp --unixctl=/run/ovn/ovn$1_db.ctl --pidfile=/run/ovn/ovn$1_db.pid \
    --detach --monitor --no-chdir -vconsole:off --log-file=/var/log/ovn/ovsdb-$1.log >/dev/null 2>&1 </dev/null
}
db nb %[2]d
db sb %[3]d
ovn-nbctl --db=unix:/run/ovn/ovnnb_db.sock init
ovn-sbctl --db=unix:/run/ovn/ovnsb_db.sock init
ovn-northd --ovnnb-db=unix:/run/ovn/ovnnb_db.sock --ovnsb-db=unix:/run/ovn/ovnsb_db.sock --pidfile=/run/ovn/ovn-northd.pid --detach --monitor --no-chdir \
  -vconsole:off --log-file=/var/log/ovn/ovn-northd.log >/dev/null 2>&1 </dev/null
`, addr, NBPort, SBPort))
	if err != nil {
		return fmt.Errorf("start OVN central: %w", err)
	}
	return nil
}

// ChassisConfig makes a host with a running Open vSwitch an OVN chassis.
type ChassisConfig struct {
	Remote   string // the southbound database: "tcp:10.77.0.1:6642"
	EncapIP  string // the host's address for Geneve
	Mappings string // physical networks to bridges: "provider:br-ex"; empty if the host has none
	Gateway  bool   // may hold gateway ports
	Netdev   bool   // br-int uses the userspace datapath: the kernel has no openvswitch module
}

// StartOVNController configures the chassis and starts ovn-controller; br-int appears shortly after.
func StartOVNController(ctx context.Context, r Runner, cfg ChassisConfig) error {
	datapath, options := "system", ""
	if cfg.Netdev {
		datapath = "netdev"
	}
	if cfg.Gateway {
		options = "enable-chassis-as-gw"
	}
	_, err := Script(ctx, r, fmt.Sprintf(`mkdir -p /run/ovn /var/log/ovn
ovs-vsctl --no-wait set Open_vSwitch . external-ids:ovn-remote=%[1]q external-ids:ovn-encap-type=geneve external-ids:ovn-encap-ip=%[2]q \
  external-ids:ovn-bridge-datapath-type=%[3]s external-ids:ovn-bridge-mappings=%[4]q external-ids:ovn-cms-options=%[5]q \
  external-ids:ovn-monitor-all=true external-ids:ovn-remote-probe-interval=5000
ovn-controller unix:/run/openvswitch/db.sock --pidfile=/run/ovn/ovn-controller.pid --detach --monitor --no-chdir \
  -vconsole:off --log-file=/var/log/ovn/ovn-controller.log >/dev/null 2>&1 </dev/null
`, cfg.Remote, cfg.EncapIP, datapath, cfg.Mappings, options))
	if err != nil {
		return fmt.Errorf("start ovn-controller: %w", err)
	}
	return nil
}
