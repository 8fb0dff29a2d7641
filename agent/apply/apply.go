package apply

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"edgecloud/agent/ledger"
	"edgecloud/engine/balancer"
	"edgecloud/engine/disk"
	"edgecloud/engine/hypervisor"
	"edgecloud/engine/network"
	"edgecloud/link/protocol"
	"edgecloud/link/spec"
)

// Applier carries specs out. The agent calls it for at most one item of a key at a time.
type Applier struct {
	Hypervisor hypervisor.Hypervisor
	Pool       disk.Pool
	Network    network.Network                     // nil: this host never holds the site role
	Balancer   balancer.Engine                     // nil: this host carries no load balancers
	Seed       func(spec.Instance) ([]byte, error) // makes the NoCloud image; nil: none
	HTTP       *http.Client                        // nil: http.DefaultClient
	Ledger     *ledger.Ledger
	Now        func() time.Time
	Logger     *slog.Logger

	mu    sync.Mutex
	lives map[string]*life
}

// Result is what was found after the work.
type Result struct {
	Facts any           // of the kind; nil for none
	Again time.Duration // look again after it; 0: not needed
	Phase spec.Phase    // empty: applied
	Note  string        // the report's error text
}

// Wait says that something else has to come first.
type Wait struct {
	For    []protocol.Key
	Reason string
}

// Error tells what is missing.
func (w *Wait) Error() string { return "waiting: " + w.Reason }

// ErrLost means that data which was here is here no more; nothing is made in its place.
var ErrLost = errors.New("it was made here before, but its data is missing (is the disk mounted?)")

// Apply makes an item true, or takes it away.
func (a *Applier) Apply(ctx context.Context, item ledger.Item) (Result, error) {
	if protocol.IsSiteKind(item.Kind) {
		if a.Network == nil {
			return Result{}, errors.New("this host has no network engine")
		}
		if item.Kind == spec.KindBalancer {
			return a.balancer(ctx, item)
		}
		return Result{}, a.site(ctx, item)
	}
	switch item.Kind {
	case spec.KindImage:
		return a.image(ctx, item)
	case spec.KindVolume:
		return a.volume(ctx, item)
	case spec.KindSnapshot:
		return a.snapshot(ctx, item)
	case spec.KindInstance:
		return a.instance(ctx, item)
	}
	return Result{}, fmt.Errorf("the kind %q is not known to this agent", item.Kind)
}

// Needs lists what has to be settled before an item: what its spec refers to. The agent waits without a word while they are under way.
func Needs(item ledger.Item) []protocol.Key {
	if item.Deleted {
		return nil
	}
	switch item.Kind {
	case spec.KindInstance:
		v, _ := decode[spec.Instance](item)
		return keys(spec.KindVolume, v.Volumes...)
	case spec.KindImage:
		v, _ := decode[spec.Image](item)
		return append(keys(spec.KindVolume, v.Volume), keys(spec.KindSnapshot, v.Snapshot)...)
	case spec.KindVolume:
		v, _ := decode[spec.Volume](item)
		return append(keys(spec.KindImage, v.Image), keys(spec.KindSnapshot, v.Origin.Snapshot)...)
	case spec.KindSnapshot:
		v, _ := decode[spec.Snapshot](item)
		return keys(spec.KindVolume, v.Volumes...)
	case spec.KindNetwork:
		v, _ := decode[spec.Network](item)
		return keys(spec.KindUplink, v.Uplink)
	case spec.KindSubnet:
		v, _ := decode[spec.Subnet](item)
		return append(keys(spec.KindNetworkACL, v.ACL), keys(spec.KindNetwork, v.Network)...)
	case spec.KindPort:
		v, _ := decode[spec.Port](item)
		return append(keys(spec.KindSecurityGroup, v.SecurityGroups...), keys(spec.KindSubnet, v.Subnet)...)
	case spec.KindVirtualIP:
		v, _ := decode[spec.VirtualIP](item)
		return keys(spec.KindSubnet, v.Subnet) // its ports may come later, and go earlier
	case spec.KindPublicIP:
		v, _ := decode[spec.PublicIP](item)
		return slices.Concat(keys(v.PortKind(), v.Port), keys(spec.KindNetwork, v.Network), keys(spec.KindBandwidth, v.Bandwidth))
	case spec.KindBalancer:
		v, _ := decode[spec.Balancer](item)
		return keys(spec.KindPort, v.NIC.Port)
	case spec.KindNATGateway:
		v, _ := decode[spec.NATGateway](item)
		return keys(spec.KindNetwork, v.Network)
	}
	return nil
}

// keys leaves out what is not set.
func keys(kind string, uids ...string) []protocol.Key {
	var out []protocol.Key
	for _, uid := range uids {
		if uid != "" {
			out = append(out, protocol.Key{Kind: kind, UID: uid})
		}
	}
	return out
}

func (a *Applier) site(ctx context.Context, item ledger.Item) error {
	if item.Deleted {
		return a.Network.Remove(ctx, network.Object{Kind: item.Kind, UID: item.UID})
	}
	switch item.Kind {
	case spec.KindUplink:
		return a.uplink(ctx, item)
	case spec.KindNetwork:
		return a.network(ctx, item)
	case spec.KindNetworkACL:
		return a.networkACL(ctx, item)
	case spec.KindSubnet:
		return a.subnet(ctx, item)
	case spec.KindSecurityGroup:
		return a.securityGroup(ctx, item)
	case spec.KindPort:
		return a.port(ctx, item)
	case spec.KindVirtualIP:
		return a.virtualIP(ctx, item)
	case spec.KindBandwidth:
		return a.bandwidth(ctx, item)
	case spec.KindNATGateway:
		return a.natGateway(ctx, item)
	}
	return a.publicIP(ctx, item)
}

func decode[T any](item ledger.Item) (T, error) {
	var v T
	if err := json.Unmarshal(item.Body, &v); err != nil {
		return v, fmt.Errorf("the spec cannot be read: %w", err)
	}
	return v, nil
}
