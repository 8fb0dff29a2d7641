package ovn

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/ovn-kubernetes/libovsdb/ovsdb"

	"edgecloud/engine/network"
	"edgecloud/link/spec"
)

// leaseSeconds is how long a DHCP answer holds: addresses never change under a port, so this only bounds how fast new DNS servers arrive.
const leaseSeconds = 3600

// EnsureSubnet implements network.Network. A change goes on to the subnet's ports (DHCP on or off).
func (e *Engine) EnsureSubnet(ctx context.Context, s spec.Subnet) error {
	if err := network.CheckSubnet(s); err != nil {
		return err
	}
	return e.change(ctx, func(tx *transaction) error {
		o, err := tx.load(spec.KindSubnet, s.UID)
		if err != nil {
			return err
		}
		if r, ok := o.main(); ok && r.ExternalIDs[keyOf] != owner(spec.KindNetwork, s.Network) {
			return fmt.Errorf("%w: subnet %q: network: cannot change", network.ErrInvalid, s.UID)
		}
		return e.renewSubnet(tx, s)
	})
}

// renewSubnet makes a subnet's rows what its spec and what it takes from others say.
func (e *Engine) renewSubnet(tx *transaction, s spec.Subnet) error {
	n, uplink, err := outOf(tx, s)
	if err != nil {
		return err
	}
	acl, err := guardOf(tx, s)
	if err != nil {
		return err
	}
	return e.putSubnet(tx, s, n, uplink, acl)
}

// outOf reads a subnet's network, and that one's uplink if it has one.
func outOf(tx *transaction, s spec.Subnet) (n spec.Network, uplink spec.Uplink, err error) {
	if n, _, err = recall[spec.Network](tx, spec.KindNetwork, s.Network); err != nil || n.Uplink == "" {
		return n, uplink, err
	}
	uplink, _, err = recall[spec.Uplink](tx, spec.KindUplink, n.Uplink)
	return n, uplink, err
}

// guardOf reads a subnet's network ACL; the zero one if it has none.
func guardOf(tx *transaction, s spec.Subnet) (acl spec.NetworkACL, err error) {
	if s.ACL != "" {
		acl, _, err = recall[spec.NetworkACL](tx, spec.KindNetworkACL, s.ACL)
	}
	return acl, err
}

// legRole is a subnet's router leg: the router's port, and the switch's.
const legRole = "leg"

func (e *Engine) putSubnet(tx *transaction, s spec.Subnet, n spec.Network, uplink spec.Uplink, acl spec.NetworkACL) error {
	o, err := tx.load(spec.KindSubnet, s.UID)
	if err != nil {
		return err
	}
	snat := netip.Addr{}
	if n.SNAT && !s.NoGateway && n.Address.Is4() == s.Prefix.Addr().Is4() {
		snat = n.Address
	}
	if snat.IsValid() {
		taken, err := tx.translated(s)
		if err != nil {
			return err
		}
		if taken {
			snat = netip.Addr{}
		}
	}
	mtu := n.MTU
	if mtu == 0 {
		mtu = e.mtu
	}
	rows := append(routeRows(s, n, uplink), guardRows(s, acl)...)
	inherited, err := inheritance(mtu, snat, s, uplink, acl)
	if err != nil {
		return err
	}
	changed, err := tx.put(o, s, inherited, owner(spec.KindNetwork, s.Network), func() []wanted { return append(subnetRows(s, o.owner, mtu, snat), rows...) })
	if err != nil || !changed {
		return err
	}
	if err := tx.guard(o, s); err != nil {
		return err
	}
	return eachOf(tx, tableSwitchPort, spec.KindPort, o.owner, func(p spec.Port) error { return putPort(tx, p, s) })
}

// inheritance is what a subnet's rows take from other objects, for the digest.
func inheritance(mtu int, snat netip.Addr, s spec.Subnet, uplink spec.Uplink, acl spec.NetworkACL) (string, error) {
	text := fmt.Sprintf("%d %s", mtu, snat)
	if len(s.Routes) > 0 {
		text += fmt.Sprintf(" %s", uplink.Gateway)
		if uplink.Gateway6.IsValid() {
			text += fmt.Sprintf(" %s", uplink.Gateway6)
		}
	}
	if s.ACL == "" {
		return text, nil
	}
	egress, err := json.Marshal(acl.Egress)
	return text + string(egress), err
}

func subnetPortName(uid string) string { return "ec-leg-" + uid }

// legMAC is the MAC of a subnet's leg on its router.
func legMAC(s spec.Subnet) string {
	if s.GatewayMAC != "" {
		return s.GatewayMAC
	}
	return macOf(subnetPortName(s.UID))
}

func subnetRows(s spec.Subnet, self string, mtu int, snat netip.Addr) []wanted {
	network := owner(spec.KindNetwork, s.Network)
	port := subnetPortName(s.UID)
	ids, options := map[string]string{}, map[string]string{}
	if s.ACL != "" {
		ids[keyACL] = s.ACL
	}
	if len(s.Routes) > 0 {
		options["route_table"] = s.UID
	}
	legs := []string{netip.PrefixFrom(s.Gateway, s.Prefix.Bits()).String()}
	if s.Prefix6.IsValid() {
		legs = append(legs, netip.PrefixFrom(s.Gateway6, s.Prefix6.Bits()).String())
	}
	rows := []wanted{{table: tableSwitch, role: mainRole, ids: ids, columns: ovsdb.Row{"name": "ec-sub-" + s.UID}}}
	if !s.NoGateway {
		rows = append(rows,
			wanted{table: tableRouterPort, role: legRole, parent: &parent{tableRouter, "ports", network}, columns: ovsdb.Row{
				"name": port, "mac": legMAC(s), "networks": set(legs...), "ipv6_ra_configs": advertisement(s, mtu),
				"options": ovsMap(options),
			}},
			wanted{table: tableSwitchPort, role: legRole, parent: &parent{tableSwitch, "ports", self}, columns: routerSidePort(port)})
	}
	if s.DHCP {
		rows = append(rows, wanted{table: tableDHCP, role: "dhcp", columns: ovsdb.Row{"cidr": s.Prefix.String(), "options": dhcpOptions(s, mtu)}})
	}
	if snat.IsValid() {
		rows = append(rows, wanted{table: tableNAT, role: "snat", parent: &parent{tableRouter, "nat", network}, columns: ovsdb.Row{
			"type": "snat", "external_ip": snat.String(), "logical_ip": s.Prefix.String(),
		}})
	}
	return rows
}

// routeRows are the routes for what a subnet sends. OVN asks a router port's own table and no other, so the way out of the network is repeated there.
func routeRows(s spec.Subnet, n spec.Network, uplink spec.Uplink) []wanted {
	if len(s.Routes) == 0 {
		return nil
	}
	network := owner(spec.KindNetwork, s.Network)
	var rows []wanted
	for _, r := range s.Routes {
		rows = append(rows, route("to "+r.Destination.String(), network, s.UID, r, set[string]()))
	}
	return append(rows, waysOut(n.UID, s.UID, uplink, s.Routes)...)
}

// How often the router announces itself unasked, in seconds: a guest whose port is given an IPv6 address while it runs has it after that.
const minAnnounce, maxAnnounce = 5, 15

// advertisement is what the router tells IPv6 guests. Beside IPv4 they make their address of the range and their MAC: the port was given that very one. On a subnet
// of IPv6 alone addresses come by DHCPv6, since port security knows no others.
func advertisement(s spec.Subnet, mtu int) ovsdb.OvsMap {
	if s.Prefix6.IsValid() {
		return ovsMap(map[string]string{"address_mode": "slaac", "send_periodic": "true", "mtu": strconv.Itoa(mtu), "min_interval": strconv.Itoa(minAnnounce),
			"max_interval": strconv.Itoa(maxAnnounce)})
	}
	if s.Prefix.Addr().Is4() || !s.DHCP {
		return ovsMap(nil)
	}
	return ovsMap(map[string]string{"address_mode": "dhcpv6_stateful", "send_periodic": "true", "mtu": strconv.Itoa(mtu)})
}

// dhcpOptions are OVN's DHCP answers (ovn-nb(5), DHCP_Options).
func dhcpOptions(s spec.Subnet, mtu int) ovsdb.OvsMap {
	mac := legMAC(s)
	var servers []string
	for _, a := range s.DNS {
		if a.Is4() == s.Prefix.Addr().Is4() {
			servers = append(servers, a.String())
		}
	}
	options := map[string]string{}
	if len(servers) > 0 {
		options["dns_server"] = "{" + strings.Join(servers, ", ") + "}"
	}
	if s.Prefix.Addr().Is6() {
		options["server_id"] = mac
		return ovsMap(options)
	}
	options["server_id"], options["server_mac"] = s.Gateway.String(), mac
	options["lease_time"], options["mtu"] = strconv.Itoa(leaseSeconds), strconv.Itoa(mtu)
	if !s.NoGateway {
		options["router"] = s.Gateway.String()
	}
	return ovsMap(options)
}
