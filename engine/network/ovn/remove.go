package ovn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/ovn-kubernetes/libovsdb/ovsdb"

	"edgecloud/engine/network"
	"edgecloud/link/spec"
)

// use is where the rows are that refer to an object of a kind.
type use struct{ table, key string }

var usesOf = map[string][]use{
	spec.KindUplink:        {{tableRouter, keyOf}},
	spec.KindNetwork:       {{tableSwitch, keyOf}, {tableNAT, keyOf}, {tableAddressSet, keyOf}},
	spec.KindNetworkACL:    {{tableSwitch, keyACL}},
	spec.KindSubnet:        {{tableSwitchPort, keyOf}},
	spec.KindSecurityGroup: nil, // its port group's members tell
	spec.KindPort:          {{tableNAT, keyPort}},
	spec.KindVirtualIP:     {{tableNAT, keyPort}},
	spec.KindBandwidth:     {{tableNAT, keyShared}},
	spec.KindPublicIP:      nil,
	spec.KindNATGateway:    nil,
}

// Remove implements network.Network.
func (e *Engine) Remove(ctx context.Context, o network.Object) error {
	uses, ok := usesOf[o.Kind]
	if !ok {
		return fmt.Errorf("%w: kind: %q is none of a network's", network.ErrInvalid, o.Kind)
	}
	err := e.change(ctx, func(tx *transaction) error {
		found, err := tx.load(o.Kind, o.UID)
		if err != nil {
			return err
		}
		main, ok := found.main()
		if !ok {
			return nil
		}
		for _, u := range uses {
			value := found.owner
			if u.key == keyPort || u.key == keyACL || u.key == keyShared {
				value = o.UID
			}
			rows, err := tx.by(u.table, u.key, value)
			if err != nil {
				return err
			}
			if len(rows) > 0 {
				return fmt.Errorf("%w: %s %s by %s", network.ErrInUse, o.Kind, o.UID, rows[0].ExternalIDs[keyOwner])
			}
		}
		tx.unchanged(main)
		if main.table == tablePortGroup {
			tx.withoutPorts(main)
		}
		if o.Kind == spec.KindSecurityGroup {
			if err := tx.withoutOpenPorts(o.UID); err != nil {
				return err
			}
		}
		if o.Kind == spec.KindPublicIP {
			if err := tx.leaveBandwidth(main, ""); err != nil {
				return err
			}
			if err := e.yieldGateways(tx, main, spec.PublicIP{UID: o.UID}); err != nil {
				return err
			}
		}
		if o.Kind == spec.KindNATGateway {
			if err := e.withoutSources(tx, main, spec.NATGateway{UID: o.UID}); err != nil {
				return err
			}
		}
		return tx.dropAll(found)
	})
	if errors.Is(err, network.ErrInUse) {
		return fmt.Errorf("remove %s %s: %w", o.Kind, o.UID, err)
	}
	return err
}

// withoutPorts makes the transaction fail with ErrInUse while a port group has members. Only the database knows: copying the members of a group of
// thousands at each change of one would make every port's change cost as much.
func (tx *transaction) withoutPorts(group tableRow) {
	now := 0
	tx.inUse = len(tx.ops)
	tx.ops = append(tx.ops, ovsdb.Operation{Op: ovsdb.OperationWait, Table: tablePortGroup, Where: byUUID(group.UUID), Columns: []string{"ports"}, Until: "==",
		Rows: []ovsdb.Row{{"ports": uuidSet()}}, Timeout: &now})
}

// withoutOpenPorts refuses while an unfiltered port names the security group: it is no member, and there are few of them.
func (tx *transaction) withoutOpenPorts(uid string) error {
	open, err := tx.by(tableSwitchPort, keyOpen, mark)
	if err != nil {
		return err
	}
	for _, r := range open {
		var p spec.Port
		if err := json.Unmarshal([]byte(r.ExternalIDs[keySpec]), &p); err != nil {
			return fmt.Errorf("%s: stored spec: %w", r.ExternalIDs[keyOwner], err)
		}
		if slices.Contains(p.SecurityGroups, uid) {
			return fmt.Errorf("%w: by port %s", network.ErrInUse, p.UID)
		}
	}
	return nil
}

func (tx *transaction) dropAll(o object) error {
	for _, r := range o.rows {
		if err := tx.drop(r); err != nil {
			return err
		}
	}
	return nil
}
