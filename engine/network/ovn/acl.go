package ovn

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/ovn-kubernetes/libovsdb/ovsdb"

	"edgecloud/engine/network"
	"edgecloud/link/spec"
)

// A network ACL is a port group of the switches' ports to the router, so that its rules see what crosses a subnet's border and nothing else: what comes in
// by that port is asked on its way into the switch (from-lport), what goes out by it on its way out (to-lport). Security groups ask in the other direction at
// the machine's port, so both must allow a packet. Nothing is tracked at a router's port, so allow-stateless loses nothing.
//
// One thing passes the to-lport rules unasked: answers of connections that were tracked at the machine's port, since the packet still carries that mark there.
// So the router asks the rules of the way out again, as policies on the subnet's leg: it knows of no connections.
const (
	rankNeighbours = 32000 // above all rules: neighbour discovery
	rankFirst      = 30000 // the first rule's; the others' follow downwards
	rankRest       = 1     // what no rule matches
)

// EnsureNetworkACL implements network.Network. All rules are replaced at once.
func (e *Engine) EnsureNetworkACL(ctx context.Context, s spec.NetworkACL) error {
	if err := network.CheckNetworkACL(s); err != nil {
		return err
	}
	return e.change(ctx, func(tx *transaction) error {
		o, err := tx.load(spec.KindNetworkACL, s.UID)
		if err != nil {
			return err
		}
		changed, err := tx.put(o, s, "", "", func() []wanted {
			return []wanted{portGroup(aclName(s.UID), append(tx.ranked(s.UID, spec.Ingress, s.Ingress), tx.ranked(s.UID, spec.Egress, s.Egress)...))}
		})
		if err != nil || !changed {
			return err
		}
		return eachBy(tx, tableSwitch, keyACL, spec.KindSubnet, s.UID, func(sub spec.Subnet) error { return e.guardAgain(tx, sub, s) })
	})
}

// guardAgain brings a subnet's policies to the ACL's new rules.
func (e *Engine) guardAgain(tx *transaction, s spec.Subnet, acl spec.NetworkACL) error {
	n, uplink, err := outOf(tx, s)
	if err != nil {
		return err
	}
	return e.putSubnet(tx, s, n, uplink, acl)
}

// guardRows are the router's policies for what leaves a subnet.
func guardRows(s spec.Subnet, acl spec.NetworkACL) []wanted {
	if s.ACL == "" || s.NoGateway {
		return nil
	}
	from := fmt.Sprintf("inport == %q && ", subnetPortName(s.UID))
	policy := func(rank int, action, match string) wanted {
		return wanted{table: tablePolicy, role: fmt.Sprintf("egress %d", rank), parent: &parent{tableRouter, "policies", owner(spec.KindNetwork, s.Network)},
			columns: ovsdb.Row{"priority": rank, "match": from + match, "action": action}}
	}
	rows := []wanted{policy(rankRest, "drop", "ip")}
	for i, r := range acl.Egress {
		action := "allow"
		if r.Action != spec.Allow {
			action = "drop"
		}
		rows = append(rows, policy(rankFirst-i, action, aclMatch(r)))
	}
	return rows
}

func aclName(uid string) string { return "ec_acl_" + strings.ReplaceAll(uid, "-", "_") }

// ranked writes one list of rules.
func (tx *transaction) ranked(uid string, way spec.Direction, rules []spec.ACLRule) []string {
	border := "inport == @" + aclName(uid)
	if way == spec.Egress {
		border = "outport == @" + aclName(uid)
	}
	// The border's direction is the opposite of the machine's: what comes into the subnet enters the switch there.
	at := map[spec.Direction]spec.Direction{spec.Ingress: spec.Egress, spec.Egress: spec.Ingress}[way]
	acls := []string{
		tx.acl(rankNeighbours, at, "allow-stateless", border+" && (nd || nd_rs || nd_ra)", ""),
		tx.acl(rankRest, at, "drop", border+" && ip", ""),
	}
	for i, r := range rules {
		acls = append(acls, tx.acl(rankFirst-i, at, actionWords[r.Action], border+" && "+aclMatch(r), r.UID))
	}
	return acls
}

var actionWords = map[spec.Action]string{spec.Allow: "allow-stateless", spec.Deny: "drop", spec.Reject: "reject"}

// aclMatch writes a rule as an OVN expression (ovn-sb(5), Logical_Flow match).
func aclMatch(r spec.ACLRule) string {
	ip := "ip4"
	if r.IPv6 {
		ip = "ip6"
	}
	terms := []string{ip}
	if r.Source.IsValid() && r.Source.Bits() > 0 {
		terms = append(terms, fmt.Sprintf("%s.src == %s", ip, r.Source))
	}
	if r.Destination.IsValid() && r.Destination.Bits() > 0 {
		terms = append(terms, fmt.Sprintf("%s.dst == %s", ip, r.Destination))
	}
	switch r.Protocol {
	case "":
	case "tcp", "udp":
		terms = append(terms, r.Protocol)
		terms = append(terms, portTerms(r.Protocol+".src", r.SourcePorts)...)
		terms = append(terms, portTerms(r.Protocol+".dst", r.DestinationPorts)...)
	case "icmp":
		terms = append(terms, "icmp4")
	case "icmpv6":
		terms = append(terms, "icmp6")
	default:
		terms = append(terms, "ip.proto == "+r.Protocol)
	}
	return strings.Join(terms, " && ")
}

func portTerms(field string, p spec.PortRange) []string {
	switch {
	case p == (spec.PortRange{}):
		return nil
	case p.Min == p.Max:
		return []string{fmt.Sprintf("%s == %d", field, p.Min)}
	}
	return []string{fmt.Sprintf("%s >= %d", field, p.Min), fmt.Sprintf("%s <= %d", field, p.Max)}
}

// guard makes a subnet's leg a member of its network ACL's port group, and of no other.
func (tx *transaction) guard(o object, s spec.Subnet) error {
	old, had := o.rows[tableSwitchPort+"|"+legRole]
	if had {
		if err := tx.unguard(o, s, old.UUID); err != nil {
			return err
		}
	}
	if s.ACL == "" || s.NoGateway {
		return nil
	}
	acl, err := tx.uuidOf(tablePortGroup, owner(spec.KindNetworkACL, s.ACL))
	if err != nil {
		return err
	}
	leg := old.UUID
	if !had {
		leg = tx.named[tableSwitchPort+"|"+o.owner]
	}
	tx.mutate(tablePortGroup, acl, "ports", ovsdb.MutateOperationInsert, leg)
	return nil
}

// unguard takes a leg out of the group of the ACL that the subnet had before.
func (tx *transaction) unguard(o object, s spec.Subnet, leg string) error {
	main, ok := o.main()
	if !ok {
		return nil
	}
	var old spec.Subnet
	if err := json.Unmarshal([]byte(main.ExternalIDs[keySpec]), &old); err != nil {
		return fmt.Errorf("%s: stored spec: %w", o.owner, err)
	}
	if old.ACL == "" || old.ACL == s.ACL {
		return nil
	}
	former, err := tx.uuidOf(tablePortGroup, owner(spec.KindNetworkACL, old.ACL))
	if err != nil {
		return err
	}
	tx.mutate(tablePortGroup, former, "ports", ovsdb.MutateOperationDelete, leg)
	return nil
}
