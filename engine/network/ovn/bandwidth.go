package ovn

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/ovn-kubernetes/libovsdb/ovsdb"

	"edgecloud/engine/network"
	"edgecloud/link/spec"
)

// EnsureBandwidth implements network.Network. The main row is an address set of the members' public addresses; on every uplink that one of them is on, a QoS
// rule each way matches the whole set. A rule is one flow to OVN, and so one meter on the gateway host, through which all members go.
func (e *Engine) EnsureBandwidth(ctx context.Context, s spec.Bandwidth) error {
	if err := network.CheckBandwidth(s); err != nil {
		return err
	}
	return e.change(ctx, func(tx *transaction) error {
		members, err := tx.membersOf(s.UID)
		if err != nil {
			return err
		}
		return tx.putBandwidth(s, members)
	})
}

// membersOf reads the public addresses that are in a bandwidth.
func (tx *transaction) membersOf(uid string) (map[string]spec.PublicIP, error) {
	rows, err := tx.by(tableNAT, keyShared, uid)
	if err != nil {
		return nil, err
	}
	members := map[string]spec.PublicIP{}
	for _, r := range rows {
		var s spec.PublicIP
		if err := json.Unmarshal([]byte(r.ExternalIDs[keySpec]), &s); err != nil {
			return nil, fmt.Errorf("%s: stored spec: %w", r.ExternalIDs[keyOwner], err)
		}
		members[s.UID] = s
	}
	return members, nil
}

// shareBandwidth puts a public address that changes into its bandwidth, and takes it out of the one that it was in. o is what the database has of it.
func (tx *transaction) shareBandwidth(o object, s spec.PublicIP) error {
	if main, ok := o.main(); ok {
		if err := tx.leaveBandwidth(main, s.Bandwidth); err != nil {
			return err
		}
	}
	if s.Bandwidth == "" {
		return nil
	}
	b, _, err := recall[spec.Bandwidth](tx, spec.KindBandwidth, s.Bandwidth)
	if err != nil {
		return err
	}
	members, err := tx.membersOf(s.Bandwidth)
	if err != nil {
		return err
	}
	members[s.UID] = s
	return tx.putBandwidth(b, members)
}

// leaveBandwidth takes a public address, as the database has it, out of its bandwidth, unless it stays in it.
func (tx *transaction) leaveBandwidth(main tableRow, stays string) error {
	var old spec.PublicIP
	if err := json.Unmarshal([]byte(main.ExternalIDs[keySpec]), &old); err != nil {
		return fmt.Errorf("%s: stored spec: %w", main.ExternalIDs[keyOwner], err)
	}
	if old.Bandwidth == "" || old.Bandwidth == stays {
		return nil
	}
	b, _, err := recall[spec.Bandwidth](tx, spec.KindBandwidth, old.Bandwidth)
	if err != nil {
		return err
	}
	members, err := tx.membersOf(old.Bandwidth)
	if err != nil {
		return err
	}
	delete(members, old.UID)
	return tx.putBandwidth(b, members)
}

func (tx *transaction) putBandwidth(s spec.Bandwidth, members map[string]spec.PublicIP) error {
	o, err := tx.load(spec.KindBandwidth, s.UID)
	if err != nil {
		return err
	}
	var addresses, uplinks []string
	for _, m := range members {
		addresses = append(addresses, m.Address.String())
		if !slices.Contains(uplinks, m.Uplink) {
			uplinks = append(uplinks, m.Uplink)
		}
	}
	slices.Sort(addresses)
	slices.Sort(uplinks)
	inherited := strings.Join(addresses, " ") + " on " + strings.Join(uplinks, " ")
	_, err = tx.put(o, s, inherited, "", func() []wanted { return bandwidthRows(s, addresses, uplinks) })
	return err
}

// setName is the address set's name: OVN's expressions take no hyphen.
func setName(uid string) string { return "ec_bw_" + strings.ReplaceAll(uid, "-", "_") }

func bandwidthRows(s spec.Bandwidth, addresses, uplinks []string) []wanted {
	name := setName(s.UID)
	rows := []wanted{{table: tableAddressSet, role: mainRole, columns: ovsdb.Row{"name": name, "addresses": set(addresses...)}}}
	for _, uplink := range uplinks {
		at := &parent{tableSwitch, "qos_rules", owner(spec.KindUplink, uplink)}
		rows = append(rows, limit("egress "+uplink, at, "from-lport", "ip4.src == $"+name, s.Mbps), limit("ingress "+uplink, at, "to-lport", "ip4.dst == $"+name, s.Mbps))
	}
	return rows
}
