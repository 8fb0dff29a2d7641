package ovn

import (
	"cmp"
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

// EnsurePort implements network.Network.
func (e *Engine) EnsurePort(ctx context.Context, s spec.Port) error {
	if err := network.CheckPort(s); err != nil {
		return err
	}
	return e.change(ctx, func(tx *transaction) error {
		o, err := tx.load(spec.KindPort, s.UID)
		if err != nil {
			return err
		}
		if r, ok := o.main(); ok && r.ExternalIDs[keyOf] != owner(spec.KindSubnet, s.Subnet) {
			return fmt.Errorf("%w: port %q: subnet: cannot change", network.ErrInvalid, s.UID)
		}
		subnet, _, err := recall[spec.Subnet](tx, spec.KindSubnet, s.Subnet)
		if err != nil {
			return err
		}
		if subnet.Network != s.Network {
			return fmt.Errorf("%w: port %q: network: its subnet is on network %q", network.ErrInvalid, s.UID, subnet.Network)
		}
		return putPort(tx, s, subnet)
	})
}

func putPort(tx *transaction, s spec.Port, subnet spec.Subnet) error {
	o, err := tx.load(spec.KindPort, s.UID)
	if err != nil {
		return err
	}
	dhcp := ""
	if subnet.DHCP {
		if dhcp, err = tx.dhcpOf(subnet); err != nil {
			return err
		}
	}
	groups, err := tx.groupsOf(s)
	if err != nil {
		return err
	}
	inherited := fmt.Sprintf("dhcp=%t ipv6=%t", subnet.DHCP, subnet.Prefix.Addr().Is6())
	changed, err := tx.put(o, s, inherited, owner(spec.KindSubnet, s.Subnet), func() []wanted { return portRows(s, subnet, dhcp) })
	if err != nil || !changed {
		return err
	}
	return tx.join(o, s, groups)
}

// dhcpOf is the UUID of a subnet's DHCP options.
func (tx *transaction) dhcpOf(s spec.Subnet) (string, error) {
	of := owner(spec.KindSubnet, s.UID)
	if name, ok := tx.named[tableDHCP+"|"+of]; ok {
		return name, nil
	}
	rows, err := tx.by(tableDHCP, keyOwner, of)
	if err != nil {
		return "", err
	}
	if len(rows) == 0 {
		return "", fmt.Errorf("%w: DHCP options of %s", network.ErrMissing, of)
	}
	return rows[0].UUID, nil
}

// groupsOf finds the port groups that a port belongs in: those of its security groups and the one that drops the rest. An unfiltered port is in none, but
// what it names must exist all the same.
func (tx *transaction) groupsOf(s spec.Port) ([]string, error) {
	var out []string
	for _, g := range s.SecurityGroups {
		uuid, err := tx.uuidOf(tablePortGroup, owner(spec.KindSecurityGroup, g))
		if err != nil {
			return nil, err
		}
		out = append(out, uuid)
	}
	drop, err := tx.uuidOf(tablePortGroup, owner(kindDrop, sharedUID))
	return append(out, drop), err
}

// join makes a port a member of exactly the port groups it should be in: what it names, or is found in the old spec.
func (tx *transaction) join(o object, s spec.Port, groups []string) error {
	self, err := tx.uuidOf(tableSwitchPort, o.owner)
	if err != nil {
		return err
	}
	// An unfiltered port joins its security groups' sets of remote addresses no more than it is filtered by them.
	if s.Unfiltered {
		groups = nil
	}
	former, err := tx.formerGroups(o)
	if err != nil {
		return err
	}
	for _, g := range former {
		if !slices.Contains(groups, g) {
			tx.mutate(tablePortGroup, g, "ports", ovsdb.MutateOperationDelete, self)
		}
	}
	for _, g := range groups {
		tx.mutate(tablePortGroup, g, "ports", ovsdb.MutateOperationInsert, self)
	}
	return nil
}

func (tx *transaction) formerGroups(o object) ([]string, error) {
	r, ok := o.main()
	if !ok {
		return nil, nil
	}
	var old spec.Port
	if err := json.Unmarshal([]byte(r.ExternalIDs[keySpec]), &old); err != nil {
		return nil, fmt.Errorf("%s: stored spec: %w", o.owner, err)
	}
	var out []string
	for _, of := range append([]string{owner(kindDrop, sharedUID)}, groupOwners(old)...) {
		rows, err := tx.by(tablePortGroup, keyOwner, of)
		if err != nil {
			return nil, err
		}
		for _, g := range rows {
			out = append(out, g.UUID)
		}
	}
	return out, nil
}

func groupOwners(s spec.Port) []string {
	var out []string
	for _, g := range s.SecurityGroups {
		out = append(out, owner(spec.KindSecurityGroup, g))
	}
	return out
}

func portRows(s spec.Port, subnet spec.Subnet, dhcp string) []wanted {
	own := []string{s.MAC}
	for _, a := range s.Addresses {
		own = append(own, a.String())
	}
	addresses, security := set(strings.Join(own, " ")), set[string]()
	if s.Unfiltered {
		addresses = set(strings.Join(own, " "), "unknown")
	} else {
		security = set(portSecurity(own, s)...)
	}
	dhcp4, dhcp6 := uuidSet(), uuidSet()
	switch {
	case dhcp == "":
	case subnet.Prefix.Addr().Is4():
		dhcp4 = uuidSet(dhcp)
	default:
		dhcp6 = uuidSet(dhcp)
	}
	on := &parent{tableSwitch, "ports", owner(spec.KindSubnet, s.Subnet)}
	ids := map[string]string{}
	if s.Unfiltered {
		ids[keyOpen] = mark
	}
	rows := []wanted{{table: tableSwitchPort, role: mainRole, parent: on, ids: ids, columns: ovsdb.Row{
		"name": s.UID, "addresses": addresses, "port_security": security, "enabled": set(!s.Disabled), "dhcpv4_options": dhcp4, "dhcpv6_options": dhcp6,
	}}}
	rules := &parent{tableSwitch, "qos_rules", on.owner}
	if s.EgressMbps > 0 {
		rows = append(rows, limit("egress", rules, "from-lport", fmt.Sprintf("inport == %q", s.UID), s.EgressMbps))
	}
	if s.IngressMbps > 0 {
		rows = append(rows, limit("ingress", rules, "to-lport", fmt.Sprintf("outport == %q", s.UID), s.IngressMbps))
	}
	return rows
}

// portSecurity are the sources that a port may send from, an entry a MAC (ovn-nb(5), port_security). A MAC without addresses may use any.
func portSecurity(own []string, s spec.Port) []string {
	entries := map[string][]string{s.MAC: own[1:]}
	free := map[string]bool{}
	order := []string{s.MAC}
	for _, p := range s.AllowedPairs {
		mac := cmp.Or(p.MAC, s.MAC)
		if !slices.Contains(order, mac) {
			order = append(order, mac)
		}
		free[mac] = free[mac] || p.Prefix.Bits() == 0
		entries[mac] = append(entries[mac], pair(p.Prefix))
	}
	var out []string
	for _, mac := range order {
		if free[mac] {
			entries[mac] = nil
		}
		out = append(out, strings.Join(append([]string{mac}, entries[mac]...), " "))
	}
	return out
}

// pair writes a prefix the way port security takes it: a host's without its length.
func pair(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// limit is a QoS rule. The burst is a tenth of a second's worth: enough that TCP reaches the rate, little enough that a short transfer cannot outrun it.
func limit(role string, at *parent, direction, match string, mbps int) wanted {
	kbps := mbps * 1000
	return wanted{table: tableQoS, role: role, parent: at, columns: ovsdb.Row{
		"priority": 100, "direction": direction, "match": match, "bandwidth": intMap(map[string]int{"rate": kbps, "burst": max(kbps/10, 100)}),
	}}
}
