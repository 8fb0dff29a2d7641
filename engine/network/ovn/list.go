package ovn

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"edgecloud/engine/network"
	"edgecloud/link/spec"
)

// tablesOf lists the tables in which a kind has rows; the main row is in the first.
var tablesOf = map[string][]string{
	spec.KindUplink:        {tableSwitch, tableSwitchPort},
	spec.KindNetwork:       {tableRouter, tableRouterPort, tableSwitchPort, tableRoute},
	spec.KindNetworkACL:    {tablePortGroup},
	spec.KindSubnet:        {tableSwitch, tableRouterPort, tableSwitchPort, tableDHCP, tableNAT, tableRoute, tablePolicy},
	spec.KindSecurityGroup: {tablePortGroup},
	spec.KindPort:          {tableSwitchPort, tableQoS},
	spec.KindVirtualIP:     {tableSwitchPort},
	spec.KindBandwidth:     {tableAddressSet, tableQoS},
	spec.KindPublicIP:      {tableNAT, tableQoS},
	spec.KindNATGateway:    {tableAddressSet, tableNAT, tableLoadBalancer, tableQoS},
	kindDrop:               {tablePortGroup},
	kindGateways:           {tableChassisGroup},
}

// Two rows of the engine's own, which no spec stands for.
const (
	kindDrop     = "engine-drop"
	kindGateways = "engine-gateways"
	sharedUID    = "shared"
)

// List implements network.Network: the objects that have a main row, in the order of application.
func (e *Engine) List(ctx context.Context) ([]network.Object, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var out []network.Object
	for _, list := range []func(context.Context, *Engine) ([]network.Object, error){
		mains[switchRow], mains[routerRow], mains[portGroupRow], mains[switchPortRow], mains[addressSetRow], mains[natRow],
	} {
		objects, err := list(ctx, e)
		if err != nil {
			return nil, fmt.Errorf("ovn list: %w", err)
		}
		out = append(out, objects...)
	}
	kinds := spec.Kinds()
	slices.SortFunc(out, func(a, b network.Object) int {
		return cmp.Or(slices.Index(kinds, a.Kind)-slices.Index(kinds, b.Kind), cmp.Compare(a.UID, b.UID))
	})
	return out, nil
}

func mains[T anyRow](ctx context.Context, e *Engine) ([]network.Object, error) {
	var rows []*T
	if err := e.nb.List(ctx, &rows); err != nil {
		return nil, err
	}
	kinds := spec.Kinds()
	var out []network.Object
	for _, r := range rows {
		ids := *idsOf(r)
		kind, uid, ok := strings.Cut(ids[keyOwner], "/")
		if ok && ids[keyRole] == mainRole && slices.Contains(kinds, kind) {
			out = append(out, network.Object{Kind: kind, UID: uid})
		}
	}
	return out, nil
}
