package ovn

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/ovn-kubernetes/libovsdb/ovsdb"

	"edgecloud/engine/network"
	"edgecloud/link/spec"
)

// EnsureNATGateway implements network.Network. The main row is an address set of the gateway's addresses, which its limits match. Sources are NAT rows: of
// overlapping ones OVN takes the longest. What maps a whole address is a NAT row too; ports are load balancers on the router, since OVN's NAT rows cannot match a
// port (ovn-nb(5), NAT, external_port_range).
func (e *Engine) EnsureNATGateway(ctx context.Context, s spec.NATGateway) error {
	if err := network.CheckNATGateway(s); err != nil {
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
		o, err := tx.load(spec.KindNATGateway, s.UID)
		if err != nil {
			return err
		}
		main, known := o.main()
		if known && main.ExternalIDs[keyOf] != owner(spec.KindNetwork, s.Network) {
			return fmt.Errorf("%w: nat_gateway %q: network: cannot change", network.ErrInvalid, s.UID)
		}
		changed, err := tx.putGateway(s)
		if err != nil || !changed {
			return err
		}
		return e.withoutSources(tx, main, s)
	})
}

// putGateway makes a gateway's rows. A source that is one address with a public address of its own has no row: both would translate the same packets.
func (tx *transaction) putGateway(s spec.NATGateway) (bool, error) {
	o, err := tx.load(spec.KindNATGateway, s.UID)
	if err != nil {
		return false, err
	}
	own, err := tx.privates(s.Network)
	if err != nil {
		return false, err
	}
	var sources []netip.Prefix
	var yielded []string
	for _, p := range s.Sources {
		if p.IsSingleIP() && own[p.Addr()] {
			yielded = append(yielded, p.String())
			continue
		}
		sources = append(sources, p)
	}
	return tx.put(o, s, strings.Join(yielded, " "), owner(spec.KindNetwork, s.Network), func() []wanted { return gatewayRows(s, sources) })
}

// privates are the private addresses of a network that have public ones of their own, as they will be after the transaction.
func (tx *transaction) privates(net string) (map[netip.Addr]bool, error) {
	out := map[netip.Addr]bool{}
	err := eachOf(tx, tableNAT, spec.KindPublicIP, owner(spec.KindNetwork, net), func(p spec.PublicIP) error {
		if _, changes := tx.publics[p.UID]; !changes {
			out[p.Private] = true
		}
		return nil
	})
	for _, p := range tx.publics {
		if p.Network == net {
			out[p.Private] = true
		}
	}
	return out, err
}

// yieldGateways renews the gateways of the networks that a public address leaves and comes to. main is what the database has of the address.
func (e *Engine) yieldGateways(tx *transaction, main tableRow, now spec.PublicIP) error {
	tx.publics[now.UID] = now
	networks := []string{now.Network}
	if text := main.ExternalIDs[keySpec]; text != "" {
		var old spec.PublicIP
		if err := json.Unmarshal([]byte(text), &old); err != nil {
			return fmt.Errorf("%s: stored spec: %w", main.ExternalIDs[keyOwner], err)
		}
		networks = append(networks, old.Network)
	}
	slices.Sort(networks)
	for _, net := range slices.Compact(networks) {
		if net == "" {
			continue
		}
		err := eachOf(tx, tableAddressSet, spec.KindNATGateway, owner(spec.KindNetwork, net), func(g spec.NATGateway) error {
			_, err := tx.putGateway(g)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// translated tells whether a gateway translates all of a subnet, so that its network's own SNAT must not.
func (tx *transaction) translated(s spec.Subnet) (bool, error) {
	found := false
	look := func(g spec.NATGateway) {
		for _, p := range g.Sources {
			found = found || p.Bits() <= s.Prefix.Bits() && p.Contains(s.Prefix.Addr())
		}
	}
	err := eachOf(tx, tableAddressSet, spec.KindNATGateway, owner(spec.KindNetwork, s.Network), func(g spec.NATGateway) error {
		if _, changes := tx.gateways[g.UID]; !changes {
			look(g)
		}
		return nil
	})
	for _, g := range tx.gateways {
		if g.Network == s.Network {
			look(g)
		}
	}
	return found, err
}

// withoutSources renews the subnets of a gateway's network, whose own SNAT makes room for its sources. main is what the database has of the gateway.
func (e *Engine) withoutSources(tx *transaction, main tableRow, now spec.NATGateway) error {
	tx.gateways[now.UID] = now
	net := now.Network
	if net == "" {
		_, net, _ = strings.Cut(main.ExternalIDs[keyOf], "/")
	}
	n, _, err := recall[spec.Network](tx, spec.KindNetwork, net)
	if err != nil || !n.SNAT {
		return err
	}
	return eachOf(tx, tableSwitch, spec.KindSubnet, owner(spec.KindNetwork, net), func(s spec.Subnet) error { return e.renewSubnet(tx, s) })
}

func gatewayRows(s spec.NATGateway, sources []netip.Prefix) []wanted {
	name := "ec_nat_" + strings.ReplaceAll(s.UID, "-", "_")
	router := owner(spec.KindNetwork, s.Network)
	var addresses []string
	if s.Address.IsValid() {
		addresses = append(addresses, s.Address.String())
	}
	ports := map[string]map[string]string{}
	nat := func(role, kind, external, logical string) wanted {
		return wanted{table: tableNAT, role: role, parent: &parent{tableRouter, "nat", router}, columns: ovsdb.Row{"type": kind, "external_ip": external, "logical_ip": logical}}
	}
	var rows []wanted
	for _, p := range sources {
		rows = append(rows, nat("from "+p.String(), "snat", s.Address.String(), p.String()))
	}
	for _, f := range s.Forwards {
		addresses = append(addresses, f.Address.String())
		if f.Protocol == "" {
			rows = append(rows, nat("to "+f.Address.String(), "dnat", f.Address.String(), f.Private.String()))
			continue
		}
		if ports[f.Protocol] == nil {
			ports[f.Protocol] = map[string]string{}
		}
		ports[f.Protocol][netip.AddrPortFrom(f.Address, uint16(f.Port)).String()] = netip.AddrPortFrom(f.Private, uint16(f.PrivatePort)).String()
	}
	for _, protocol := range []string{"tcp", "udp"} {
		if len(ports[protocol]) > 0 {
			rows = append(rows, wanted{table: tableLoadBalancer, role: protocol, parent: &parent{tableRouter, "load_balancer", router}, columns: ovsdb.Row{
				"name": name + "_" + protocol, "protocol": set(protocol), "vips": ovsMap(ports[protocol]),
			}})
		}
	}
	if s.Mbps > 0 {
		at := &parent{tableSwitch, "qos_rules", owner(spec.KindUplink, s.Uplink)}
		rows = append(rows, limit("egress", at, "from-lport", "ip4.src == $"+name, s.Mbps), limit("ingress", at, "to-lport", "ip4.dst == $"+name, s.Mbps))
	}
	slices.Sort(addresses)
	return append([]wanted{{table: tableAddressSet, role: mainRole, columns: ovsdb.Row{"name": name, "addresses": set(slices.Compact(addresses)...)}}}, rows...)
}
