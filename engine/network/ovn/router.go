package ovn

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/ovn-kubernetes/libovsdb/ovsdb"

	"edgecloud/engine/network"
	"edgecloud/link/spec"
)

// EnsureUplink implements network.Network.
func (e *Engine) EnsureUplink(ctx context.Context, s spec.Uplink) error {
	if err := network.CheckUplink(s); err != nil {
		return err
	}
	return e.change(ctx, func(tx *transaction) error {
		o, err := tx.load(spec.KindUplink, s.UID)
		if err != nil {
			return err
		}
		changed, err := tx.put(o, s, "", "", func() []wanted { return uplinkRows(s, o.owner) })
		if err != nil || !changed {
			return err
		}
		return eachOf(tx, tableRouter, spec.KindNetwork, o.owner, func(n spec.Network) error { return e.putNetwork(tx, n, s) })
	})
}

func uplinkName(uid string) string { return "ec-up-" + uid }

func uplinkRows(s spec.Uplink, owner string) []wanted {
	tag := set[int]()
	if s.VLAN != 0 {
		tag = set(s.VLAN)
	}
	return []wanted{
		{table: tableSwitch, role: mainRole, columns: ovsdb.Row{"name": uplinkName(s.UID)}},
		{table: tableSwitchPort, role: "localnet", parent: &parent{tableSwitch, "ports", owner}, columns: ovsdb.Row{
			"name": uplinkName(s.UID) + "-localnet", "type": "localnet", "addresses": set("unknown"), "tag": tag,
			"options": ovsMap(map[string]string{"network_name": s.PhysicalNetwork}),
		}},
	}
}

// EnsureNetwork implements network.Network. A change goes on to the network's subnets (MTU, SNAT).
func (e *Engine) EnsureNetwork(ctx context.Context, s spec.Network) error {
	if err := network.CheckNetwork(s); err != nil {
		return err
	}
	return e.change(ctx, func(tx *transaction) error {
		var uplink spec.Uplink
		if s.Uplink != "" {
			var err error
			if uplink, _, err = recall[spec.Uplink](tx, spec.KindUplink, s.Uplink); err != nil {
				return err
			}
			if !uplink.Prefix.Contains(s.Address) {
				return fmt.Errorf("%w: network %q: address: %s is not in the uplink's %s", network.ErrInvalid, s.UID, s.Address, uplink.Prefix)
			}
		}
		if err := e.keepsPublicIPs(tx, s); err != nil {
			return err
		}
		if err := e.keepsGateways(tx, s); err != nil {
			return err
		}
		return e.putNetwork(tx, s, uplink)
	})
}

// keepsPublicIPs refuses to move a network away from the uplink that its public addresses are on.
func (e *Engine) keepsPublicIPs(tx *transaction, s spec.Network) error {
	return eachOf(tx, tableNAT, spec.KindPublicIP, owner(spec.KindNetwork, s.UID), func(p spec.PublicIP) error {
		if p.Uplink != s.Uplink {
			return fmt.Errorf("%w: network %s: public address %s is on uplink %s", network.ErrInUse, s.UID, p.UID, p.Uplink)
		}
		return nil
	})
}

// keepsGateways is keepsPublicIPs for NAT gateways.
func (e *Engine) keepsGateways(tx *transaction, s spec.Network) error {
	return eachOf(tx, tableAddressSet, spec.KindNATGateway, owner(spec.KindNetwork, s.UID), func(g spec.NATGateway) error {
		if g.Uplink != s.Uplink {
			return fmt.Errorf("%w: network %s: NAT gateway %s is on uplink %s", network.ErrInUse, s.UID, g.UID, g.Uplink)
		}
		return nil
	})
}

// eachOf calls do with the spec of every object of a kind that hangs on an owner; their main rows are in table.
func eachOf[T any](tx *transaction, table, kind, owner string, do func(T) error) error {
	return eachBy(tx, table, keyOf, kind, owner, do)
}

// eachBy is eachOf for objects whose main rows have a value under any indexed key.
func eachBy[T any](tx *transaction, table, key, kind, value string, do func(T) error) error {
	rows, err := tx.by(table, key, value)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if of, _, _ := strings.Cut(r.ExternalIDs[keyOwner], "/"); of != kind {
			continue
		}
		var s T
		if err := json.Unmarshal([]byte(r.ExternalIDs[keySpec]), &s); err != nil {
			return fmt.Errorf("%s: stored spec: %w", r.ExternalIDs[keyOwner], err)
		}
		if err := do(s); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) putNetwork(tx *transaction, s spec.Network, uplink spec.Uplink) error {
	o, err := tx.load(spec.KindNetwork, s.UID)
	if err != nil {
		return err
	}
	of, inherited := "", ""
	var gateways string
	if s.Uplink != "" {
		of, inherited = owner(spec.KindUplink, s.Uplink), fmt.Sprintf("%d %s", uplink.Prefix.Bits(), uplink.Gateway)
		if uplink.Prefix6.IsValid() {
			inherited += fmt.Sprintf(" %s %s", uplink.Prefix6, uplink.Gateway6)
		}
		if gateways, err = tx.uuidOf(tableChassisGroup, owner(kindGateways, sharedUID)); err != nil {
			return err
		}
	}
	changed, err := tx.put(o, s, inherited, of, func() []wanted { return networkRows(s, uplink, o.owner, gateways) })
	if err != nil || !changed {
		return err
	}
	return eachOf(tx, tableSwitch, spec.KindSubnet, o.owner, func(sub spec.Subnet) error {
		acl, err := guardOf(tx, sub)
		if err != nil {
			return err
		}
		return e.putSubnet(tx, sub, s, uplink, acl)
	})
}

func routerName(uid string) string      { return "ec-net-" + uid }
func gatewayPortName(uid string) string { return "ec-gw-" + uid }

func networkRows(s spec.Network, uplink spec.Uplink, self, gateways string) []wanted {
	rows := []wanted{{table: tableRouter, role: mainRole, columns: ovsdb.Row{
		"name": routerName(s.UID),
		// Without this, northd makes a flow for every pair of routers on an uplink.
		"options": ovsMap(map[string]string{"dynamic_neigh_routers": "true"}),
	}}}
	if s.Uplink == "" {
		return rows
	}
	port := gatewayPortName(s.UID)
	networks := []string{netip.PrefixFrom(s.Address, uplink.Prefix.Bits()).String()}
	if uplink.Prefix6.IsValid() {
		networks = append(networks, netip.PrefixFrom(spec.EUI64(uplink.Prefix6, macOf(port)), uplink.Prefix6.Bits()).String())
	}
	rows = append(rows,
		wanted{table: tableRouterPort, role: "gateway", parent: &parent{tableRouter, "ports", self}, columns: ovsdb.Row{
			"name": port, "mac": macOf(port), "networks": set(networks...), "ha_chassis_group": uuidSet(gateways),
			"ipv6_ra_configs": ovsMap(nil),
		}},
		wanted{table: tableSwitchPort, role: "gateway", parent: &parent{tableSwitch, "ports", owner(spec.KindUplink, s.Uplink)}, columns: routerSidePort(port)})
	return append(rows, waysOut(s.UID, "", uplink, nil)...)
}

// waysOut are the default routes of a network, of either IP version that its uplink has. table is as for route; what it leads elsewhere has no default route.
func waysOut(network, table string, uplink spec.Uplink, leads []spec.Route) (rows []wanted) {
	for role, gateway := range map[string]netip.Addr{"default": uplink.Gateway, "default6": uplink.Gateway6} {
		if !gateway.IsValid() || slices.ContainsFunc(leads, func(r spec.Route) bool { return r.Destination == everywhere(gateway) }) {
			continue
		}
		to := spec.Route{Destination: everywhere(gateway), NextHop: gateway}
		rows = append(rows, route(role, owner(spec.KindNetwork, network), table, to, set(gatewayPortName(network))))
	}
	return rows
}

// everywhere is the prefix of all addresses of an address's IP version.
func everywhere(a netip.Addr) netip.Prefix {
	if a.Is6() {
		return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
}

// route is a static route of a network's router. table is the subnet whose packets it is for; empty: those of subnets that have no routes of their own.
func route(role, network, table string, r spec.Route, output ovsdb.OvsSet) wanted {
	return wanted{table: tableRoute, role: role, parent: &parent{tableRouter, "static_routes", network}, columns: ovsdb.Row{
		"ip_prefix": r.Destination.String(), "nexthop": r.NextHop.String(), "output_port": output, "route_table": table,
	}}
}

// routerSidePort is the switch's end of a router's port. nat-addresses makes the gateway host announce the router's and public addresses by ARP.
func routerSidePort(routerPort string) ovsdb.Row {
	return ovsdb.Row{"name": routerPort + "-switch", "type": "router", "addresses": set("router"),
		"options": ovsMap(map[string]string{"router-port": routerPort, "nat-addresses": "router"})}
}

// macOf is a stable, locally administered address for a router's port.
func macOf(name string) string {
	sum := sha256.Sum256([]byte(name))
	return net.HardwareAddr{0x02, sum[0], sum[1], sum[2], sum[3], sum[4]}.String()
}

// SetGatewayChassis names the hosts (system-id) that carry the site's uplinks, best first: the first living one carries all.
func (e *Engine) SetGatewayChassis(ctx context.Context, names []string) error {
	return e.change(ctx, func(tx *transaction) error {
		o, err := tx.load(kindGateways, sharedUID)
		if err != nil {
			return err
		}
		_, err = tx.put(o, names, "", "", func() []wanted {
			var members []string
			for i, name := range names {
				members = append(members, tx.insert(tableChassis, ovsdb.Row{"chassis_name": name, "priority": max(1, 100-i),
					"external_ids": ovsMap(map[string]string{keyMark: mark, "position": strconv.Itoa(i)})}))
			}
			return []wanted{{table: tableChassisGroup, role: mainRole, columns: ovsdb.Row{"name": "ec-gateways", "ha_chassis": uuidSet(members...)}}}
		})
		return err
	})
}
