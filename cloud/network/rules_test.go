package network_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/check"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/controlplane"
	"edgecloud/fault"
	"edgecloud/link/spec"
	"edgecloud/store"
	"edgecloud/store/storetest"
)

// TestAGroupHasFiftyRulesInEachDirection (BEC's product guide: "50 inbound + 50 outbound rules each").
func TestAGroupHasFiftyRulesInEachDirection(t *testing.T) {
	storetest.Each(t, controlplane.Migrations(), func(t *testing.T, db *store.DB) {
		nets, caller := network.New(db, place.New(db)), &identity.Caller{Account: "a", Dialect: "test"}
		g, err := nets.CreateGroup(t.Context(), caller, network.NewGroup{Name: "g"})
		require.NoError(t, err)
		rule := func(d spec.Direction, port int) error {
			_, err := nets.AddRules(t.Context(), caller, g.UID, []network.NewRule{{Direction: d, Protocol: "tcp", PortMin: port, PortMax: port}})
			return err
		}
		for port := 1; port <= 50; port++ {
			require.NoError(t, rule(spec.Ingress, port))
			require.NoError(t, rule(spec.Egress, port))
		}
		for _, d := range []spec.Direction{spec.Ingress, spec.Egress} {
			require.True(t, fault.Is(rule(d, 51), fault.Quota), d)
		}
		full, err := nets.GetGroup(t.Context(), caller, g.UID)
		require.NoError(t, err)
		in, out := full.Rules[0], full.Rules[1]
		_, err = nets.UpdateRule(t.Context(), caller, g.UID, in.UID, network.RuleChange{Direction: new(spec.Egress), PortMin: new(52), PortMax: new(52)})
		require.True(t, fault.Is(err, fault.Quota), "the other direction is full: %v", err)
		require.NoError(t, nets.DeleteRules(t.Context(), caller, out.UID))
		_, err = nets.UpdateRule(t.Context(), caller, g.UID, in.UID, network.RuleChange{Direction: new(spec.Egress), PortMin: new(52), PortMax: new(52)})
		require.NoError(t, err)
		require.NoError(t, rule(spec.Ingress, 51), "its place is free")
		found, err := check.Rows(t.Context(), db)
		require.NoError(t, err)
		require.Empty(t, found)
		require.NoError(t, nets.DeleteGroup(t.Context(), caller, g.UID))
		found, err = check.Rows(t.Context(), db)
		require.NoError(t, err)
		require.Empty(t, found)
	})
}

// TestRulesAreOfOneForm: what means the same is the same rule, whichever dialect says it, so that it is not there twice.
func TestRulesAreOfOneForm(t *testing.T) {
	db := storetest.SQLite(t, controlplane.Migrations()...)
	nets, caller := network.New(db, place.New(db)), &identity.Caller{Account: "a", Dialect: "test"}
	g, err := nets.CreateGroup(t.Context(), caller, network.NewGroup{Name: "g"})
	require.NoError(t, err)
	same := []network.NewRule{{Direction: spec.Egress}, {Direction: spec.Egress, Ethertype: "IPv4", Protocol: "ALL", Remote: "0.0.0.0/0", Priority: 1},
		{Direction: spec.Egress, Protocol: "all", Remote: "all"}, {Direction: spec.Egress, Remote: "10.0.0.1/0", Spelling: network.Spelling{Remote: "10.0.0.1/0"}}}
	for k, w := range same {
		_, err := nets.AddRules(t.Context(), caller, g.UID, []network.NewRule{w})
		require.Equal(t, k > 0, fault.Is(err, fault.Exists), "%+v: %v", w, err)
	}
	for _, other := range []network.NewRule{{Direction: spec.Egress, Deny: true}, {Direction: spec.Egress, Priority: 2}, {Direction: spec.Ingress}, {Direction: spec.Egress, Ethertype: "IPv6"},
		{Direction: spec.Egress, Protocol: "47"}, {Direction: spec.Egress, Protocol: "tcp"}} {
		_, err := nets.AddRules(t.Context(), caller, g.UID, []network.NewRule{other})
		require.NoError(t, err, "%+v", other)
	}
	for field, wrong := range map[string]network.NewRule{"priority": {Direction: spec.Egress, Priority: 101}, "protocol": {Direction: spec.Egress, Protocol: "256"},
		"portRange": {Direction: spec.Egress, Protocol: "47", PortMin: 1, PortMax: 2}, "direction": {Direction: "up"}} {
		_, err := nets.AddRules(t.Context(), caller, g.UID, []network.NewRule{wrong})
		require.Equal(t, field, fault.From(err).Field, "%v", err)
	}
}
