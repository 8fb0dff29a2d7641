package ovn

import (
	"context"
	"fmt"
	"strings"

	"github.com/ovn-kubernetes/libovsdb/ovsdb"

	"edgecloud/engine/network"
	"edgecloud/link/spec"
)

// EnsureVirtualIP implements network.Network with OVN's own virtual ports: the parent that announces the address by ARP becomes its chassis' claim, and routers
// send what is for the address to that parent (ovn-nb(5), Logical_Switch_Port, type virtual). Parents are names: one that is not there claims nothing.
func (e *Engine) EnsureVirtualIP(ctx context.Context, s spec.VirtualIP) error {
	if err := network.CheckVirtualIP(s); err != nil {
		return err
	}
	return e.change(ctx, func(tx *transaction) error {
		o, err := tx.load(spec.KindVirtualIP, s.UID)
		if err != nil {
			return err
		}
		if r, ok := o.main(); ok && r.ExternalIDs[keyOf] != owner(spec.KindSubnet, s.Subnet) {
			return fmt.Errorf("%w: virtual_ip %q: subnet: cannot change", network.ErrInvalid, s.UID)
		}
		subnet, _, err := recall[spec.Subnet](tx, spec.KindSubnet, s.Subnet)
		if err != nil {
			return err
		}
		if subnet.Network != s.Network {
			return fmt.Errorf("%w: virtual_ip %q: network: its subnet is on network %q", network.ErrInvalid, s.UID, subnet.Network)
		}
		_, err = tx.put(o, s, "", owner(spec.KindSubnet, s.Subnet), func() []wanted { return virtualIPRows(s) })
		return err
	})
}

func virtualIPRows(s spec.VirtualIP) []wanted {
	return []wanted{{table: tableSwitchPort, role: mainRole, parent: &parent{tableSwitch, "ports", owner(spec.KindSubnet, s.Subnet)}, columns: ovsdb.Row{
		"name": s.UID, "type": "virtual", "addresses": set(s.MAC + " " + s.Address.String()),
		"options": ovsMap(map[string]string{"virtual-ip": s.Address.String(), "virtual-parents": strings.Join(s.Ports, ",")}),
	}}}
}
