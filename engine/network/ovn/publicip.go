package ovn

import (
	"context"
	"fmt"

	"github.com/ovn-kubernetes/libovsdb/ovsdb"

	"edgecloud/engine/network"
	"edgecloud/link/spec"
)

// EnsurePublicIP implements network.Network. The address is translated on the gateway host (the router's bound port), so it works on any underlay; its
// limit is on the uplink's switch, where only traffic with the outside passes.
func (e *Engine) EnsurePublicIP(ctx context.Context, s spec.PublicIP) error {
	if err := network.CheckPublicIP(s); err != nil {
		return err
	}
	return e.change(ctx, func(tx *transaction) error {
		n, _, err := recall[spec.Network](tx, spec.KindNetwork, s.Network)
		if err != nil {
			return err
		}
		if n.Uplink != s.Uplink {
			return fmt.Errorf("%w: network %s has no leg on uplink %s", network.ErrMissing, s.Network, s.Uplink)
		}
		if _, err := tx.uuidOf(tableSwitchPort, owner(s.PortKind(), s.Port)); err != nil {
			return err
		}
		o, err := tx.load(spec.KindPublicIP, s.UID)
		if err != nil {
			return err
		}
		main, _ := o.main()
		changed, err := tx.put(o, s, "", owner(spec.KindNetwork, s.Network), func() []wanted { return publicIPRows(s) })
		if err != nil || !changed {
			return err
		}
		if err := e.yieldGateways(tx, main, s); err != nil {
			return err
		}
		return tx.shareBandwidth(o, s)
	})
}

func publicIPIDs(s spec.PublicIP) map[string]string {
	ids := map[string]string{keyPort: s.Port}
	if s.Bandwidth != "" {
		ids[keyShared] = s.Bandwidth
	}
	return ids
}

func publicIPRows(s spec.PublicIP) []wanted {
	rows := []wanted{{table: tableNAT, role: mainRole, parent: &parent{tableRouter, "nat", owner(spec.KindNetwork, s.Network)},
		ids:     publicIPIDs(s),
		columns: ovsdb.Row{"type": "dnat_and_snat", "external_ip": s.Address.String(), "logical_ip": s.Private.String()}}}
	if s.Mbps == 0 {
		return rows
	}
	ip := "ip4"
	if s.Address.Is6() {
		ip = "ip6"
	}
	at := &parent{tableSwitch, "qos_rules", owner(spec.KindUplink, s.Uplink)}
	return append(rows,
		limit("egress", at, "from-lport", fmt.Sprintf("%s.src == %s", ip, s.Address), s.Mbps),
		limit("ingress", at, "to-lport", fmt.Sprintf("%s.dst == %s", ip, s.Address), s.Mbps))
}
