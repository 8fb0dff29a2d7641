package ovn

import (
	"context"
	"fmt"
	"strings"

	"github.com/ovn-kubernetes/libovsdb/ovsdb"

	"edgecloud/engine/network"
	"edgecloud/link/spec"
)

// The order of ACLs. A network ACL's stateless drops go above all of them.
const (
	priorityDrop   = 1000 // what no group allows
	priorityFirst  = 1201 // of a denial with the priority 1; the last rule that allows is at 1002
	priorityAlways = 1203 // DHCP, neighbour discovery
)

// priorityOf orders a group's rules among all groups' of a port: the lowest number first, and of equal ones a denial.
func priorityOf(r spec.Rule) int {
	p := priorityFirst - 2*(max(r.Priority, 1)-1)
	if !r.Deny {
		p--
	}
	return p
}

// actionOf is what becomes of what a rule matches.
func actionOf(r spec.Rule) string {
	if r.Deny {
		return "drop"
	}
	return "allow-related"
}

// EnsureSecurityGroup implements network.Network. All rules are replaced at once; connections that a rule no longer allows are cut, since OVN asks the
// rules for every packet from the side that opened the connection.
func (e *Engine) EnsureSecurityGroup(ctx context.Context, s spec.SecurityGroup) error {
	if err := network.CheckSecurityGroup(s); err != nil {
		return err
	}
	return e.change(ctx, func(tx *transaction) error {
		o, err := tx.load(spec.KindSecurityGroup, s.UID)
		if err != nil {
			return err
		}
		_, err = tx.put(o, s, "", "", func() []wanted {
			var acls []string
			for _, r := range s.Rules {
				acls = append(acls, tx.acl(priorityOf(r), r.Direction, actionOf(r), ruleMatch(s.UID, r), r.UID))
			}
			return []wanted{portGroup(groupName(s.UID), acls)}
		})
		return err
	})
}

func portGroup(name string, acls []string) wanted {
	return wanted{table: tablePortGroup, role: mainRole, columns: ovsdb.Row{"name": name, "acls": uuidSet(acls...)}}
}

// groupName is a port group's name: OVN takes letters, digits and underscores in a match.
func groupName(uid string) string { return "ec_sg_" + strings.ReplaceAll(uid, "-", "_") }

const dropName = "ec_drop"

func (tx *transaction) acl(priority int, d spec.Direction, action, match, rule string) string {
	direction := "from-lport"
	if d == spec.Ingress {
		direction = "to-lport"
	}
	return tx.insert(tableACL, ovsdb.Row{"priority": priority, "direction": direction, "action": action, "match": match,
		"external_ids": ovsMap(map[string]string{keyMark: mark, "edgecloud-rule": rule})})
}

// ensureDropGroup makes the port group of all filtered ports: it drops what no security group allows. ARP is not IP, and answers of DHCP pass by themselves.
func (e *Engine) ensureDropGroup(ctx context.Context) error {
	return e.change(ctx, func(tx *transaction) error {
		o, err := tx.load(kindDrop, sharedUID)
		if err != nil {
			return err
		}
		_, err = tx.put(o, dropName, "", "", func() []wanted {
			in, out := "outport == @"+dropName+" && ", "inport == @"+dropName+" && "
			return []wanted{portGroup(dropName, []string{
				tx.acl(priorityDrop, spec.Ingress, "drop", in+"ip", ""),
				tx.acl(priorityDrop, spec.Egress, "drop", out+"ip", ""),
				tx.acl(priorityAlways, spec.Egress, "allow", out+"ip4 && udp.src == 68 && udp.dst == 67", ""),
				tx.acl(priorityAlways, spec.Egress, "allow", out+"ip6 && udp.src == 546 && udp.dst == 547", ""),
				tx.acl(priorityAlways, spec.Ingress, "allow", in+"(nd || nd_ra)", ""),
				tx.acl(priorityAlways, spec.Egress, "allow", out+"(nd || nd_rs)", ""),
			})}
		})
		return err
	})
}

// ruleMatch writes a rule as an OVN expression (ovn-sb(5), Logical_Flow match).
func ruleMatch(group string, r spec.Rule) string {
	ip, end, port := "ip4", "dst", "inport"
	if r.IPv6 {
		ip = "ip6"
	}
	if r.Direction == spec.Ingress {
		end, port = "src", "outport"
	}
	terms := []string{port + " == @" + groupName(group), ip}
	switch {
	case r.RemoteGroup != "":
		// OVN keeps this address set itself, from the addresses of the group's ports.
		terms = append(terms, fmt.Sprintf("%s.%s == $%s_%s", ip, end, groupName(r.RemoteGroup), ip))
	case r.Remote.IsValid() && r.Remote.Bits() > 0:
		terms = append(terms, fmt.Sprintf("%s.%s == %s", ip, end, r.Remote))
	}
	return strings.Join(append(terms, protocolTerms(r)...), " && ")
}

func protocolTerms(r spec.Rule) []string {
	switch r.Protocol {
	case "":
		return nil
	case "tcp", "udp":
		if r.PortMin == 0 {
			return []string{r.Protocol}
		}
		if r.PortMin == r.PortMax {
			return []string{fmt.Sprintf("%s.dst == %d", r.Protocol, r.PortMin)}
		}
		return []string{fmt.Sprintf("%s.dst >= %d", r.Protocol, r.PortMin), fmt.Sprintf("%s.dst <= %d", r.Protocol, r.PortMax)}
	case "icmp", "icmpv6":
		name := map[string]string{"icmp": "icmp4", "icmpv6": "icmp6"}[r.Protocol]
		terms := []string{name}
		if r.PortMin >= 0 {
			terms = append(terms, fmt.Sprintf("%s.type == %d", name, r.PortMin))
		}
		if r.PortMin >= 0 && r.PortMax >= 0 {
			terms = append(terms, fmt.Sprintf("%s.code == %d", name, r.PortMax))
		}
		return terms
	}
	return []string{"ip.proto == " + r.Protocol}
}
