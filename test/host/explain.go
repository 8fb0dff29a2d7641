package host

import (
	"context"
	"time"

	"edgecloud/engine/daemons"
)

// explainScript asks what an operator would ask first when a guest does not come or is not reached. Each question stands alone: what does not run where the
// script does (OVN's central on a host, libvirt on the central) says so and is passed over.
const explainScript = `exec 2>&1
ask() { echo "== $*"; timeout 10 "$@" || echo "(status $?)"; }
cd /
ask uptime
ask ps -eo pid,stat,pcpu,etimes,args --cols 120
for uid in $(timeout 10 virsh list --all --name 2>/dev/null); do
  ask virsh domstate --reason "$uid"
  ask virsh domiflist "$uid"
done
ask ip -br address
ask ip neigh
[ -S /run/openvswitch/db.sock ] && {
  ask ovs-vsctl show
  ask ovs-vsctl --columns=name,ofport,link_state,error,external_ids list Interface
  ask ovs-appctl dpctl/dump-flows
  ask ovs-appctl dpctl/dump-conntrack
  ask ovn-appctl -t ovn-controller connection-status
}
[ -S /run/ovn/ovnnb_db.sock ] && ask ovn-nbctl --db=unix:/run/ovn/ovnnb_db.sock show
[ -S /run/ovn/ovnsb_db.sock ] && {
  ask ovn-sbctl --db=unix:/run/ovn/ovnsb_db.sock show
  ask ovn-sbctl --db=unix:/run/ovn/ovnsb_db.sock --columns=logical_port,up,chassis,type list Port_Binding
  ask ovn-sbctl --db=unix:/run/ovn/ovnsb_db.sock list MAC_Binding
}
for file in /var/log/openvswitch/*.log /var/log/ovn/*.log /var/log/libvirt/*.log /var/log/libvirt/*/*.log; do
  [ -s "$file" ] && ask tail -n 20 "$file"
done
true
`

// Explain tells the state of a machine's engines for a failed test's log: its daemons, guests, bridges, bindings, flows, and the ends of their logs.
func Explain(ctx context.Context, r daemons.Runner) string {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	out, err := daemons.Script(ctx, r, explainScript)
	if err != nil {
		out += "\n" + err.Error()
	}
	return out
}
