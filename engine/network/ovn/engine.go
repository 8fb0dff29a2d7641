package ovn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/go-logr/logr"
	"github.com/ovn-kubernetes/libovsdb/client"
	"github.com/ovn-kubernetes/libovsdb/model"
	"github.com/ovn-kubernetes/libovsdb/ovsdb"

	"edgecloud/engine/network"
	"edgecloud/link/spec"
)

// DefaultMTU is a guest's MTU where a network names none: Geneve over IPv4 takes 58 bytes of an underlay's 1500.
const DefaultMTU = 1442

// Options says where the northbound database is, and what the site is like.
type Options struct {
	// Endpoint is an OVSDB connection string: unix:/path, tcp:host:port or ssl:host:port; several of a Raft cluster joined by commas (the leader is used).
	Endpoint string
	TLS      *tls.Config // for ssl endpoints
	// GatewayChassis names the hosts (system-id) that carry the site's uplinks, best first; empty leaves those that are known.
	// SetGatewayChassis changes it later.
	GatewayChassis []string
	MTU            int // bytes; 0 is DefaultMTU
	Logger         *slog.Logger
}

// Engine is a network.Network on OVN. One Engine serves one northbound database; a second one beside it is safe but may make either repeat its work.
type Engine struct {
	nb  client.Client
	mtu int
	log *slog.Logger
	// mu makes "read the copy, then write" one step. OVSDB takes transactions one by one anyway.
	mu sync.Mutex
}

var _ network.Network = (*Engine)(nil)

// connectTimeout bounds one attempt to connect.
const connectTimeout = 10 * time.Second

// Open connects, loads the engine's own rows, and makes the two rows that all objects share (the drop group and the gateway group). It fails when the
// database cannot be reached now; later losses of the connection are mended in the background, and calls wait for that as long as their context allows.
func Open(ctx context.Context, o Options) (*Engine, error) {
	log := o.Logger
	if log == nil {
		log = slog.Default()
	}
	nb, err := newClient(o, log)
	if err != nil {
		return nil, err
	}
	e := &Engine{nb: nb, mtu: o.MTU, log: log}
	if e.mtu == 0 {
		e.mtu = DefaultMTU
	}
	if err := e.start(ctx, o.GatewayChassis); err != nil {
		nb.Close()
		return nil, fmt.Errorf("ovn northbound %s: %w", o.Endpoint, err)
	}
	return e, nil
}

func newClient(o Options, log *slog.Logger) (client.Client, error) {
	db, err := model.NewClientDBModel("OVN_Northbound", models())
	if err != nil {
		return nil, err
	}
	indexes := map[string][]model.ClientIndex{}
	for table := range models() {
		for _, key := range indexed {
			indexes[table] = append(indexes[table], model.ClientIndex{Columns: []model.ColumnKey{{Column: "external_ids", Key: key}}})
		}
	}
	db.SetIndexes(indexes)
	// libovsdb tells of every reconnect: that is debugging, an operator sees calls fail.
	quiet := logr.FromSlogHandler(slog.DiscardHandler)
	options := []client.Option{
		client.WithLeaderOnly(true),
		client.WithReconnect(connectTimeout, backoff.NewExponentialBackOff(backoff.WithMaxInterval(5*time.Second), backoff.WithMaxElapsedTime(0))),
		client.WithLogger(&quiet),
	}
	for _, endpoint := range strings.Split(o.Endpoint, ",") {
		scheme, rest, _ := strings.Cut(strings.TrimSpace(endpoint), ":")
		if rest == "" || (scheme != "unix" && scheme != "tcp" && scheme != "ssl") {
			return nil, fmt.Errorf("ovn northbound endpoint %q is not unix:/path, tcp:host:port or ssl:host:port", endpoint)
		}
		options = append(options, client.WithEndpoint(strings.TrimSpace(endpoint)))
	}
	if o.TLS != nil {
		options = append(options, client.WithTLSConfig(o.TLS))
	}
	log.Debug("ovn northbound", "endpoint", o.Endpoint)
	return client.NewOVSDBClient(db, options...)
}

func (e *Engine) start(ctx context.Context, gateways []string) error {
	if err := e.nb.Connect(ctx); err != nil {
		return err
	}
	if _, err := e.nb.Monitor(ctx, e.nb.NewMonitor(monitors()...)); err != nil {
		return err
	}
	if err := e.ensureDropGroup(ctx); err != nil {
		return err
	}
	return e.startGateways(ctx, gateways)
}

// startGateways makes the gateway group. An engine that was told of no gateways leaves those that are known: each host of a site opens an engine.
func (e *Engine) startGateways(ctx context.Context, gateways []string) error {
	if len(gateways) > 0 {
		return e.SetGatewayChassis(ctx, gateways)
	}
	there := false
	err := e.change(ctx, func(tx *transaction) error {
		o, err := tx.load(kindGateways, sharedUID)
		_, there = o.main()
		return err
	})
	if err != nil || there {
		return err
	}
	return e.SetGatewayChassis(ctx, nil)
}

// monitors asks for external_ids of our own rows only, in the tables of models.
func monitors() []client.MonitorOption {
	ports, legs, groups, gateways, sets := &switchPortRow{}, &routerPortRow{}, &portGroupRow{}, &chassisGroupRow{}, &addressSetRow{}
	return []client.MonitorOption{
		ours(&switchRow{}), ours(ports, &ports.Name), ours(&routerRow{}), ours(legs, &legs.Name), ours(&routeRow{}), ours(&policyRow{}), ours(&natRow{}), ours(&qosRow{}),
		ours(&dhcpRow{}), ours(groups, &groups.Name), ours(gateways, &gateways.Name), ours(sets, &sets.Name), ours(&loadBalancerRow{}),
	}
}

func ours[T anyRow](m *T, fields ...any) client.MonitorOption {
	ids := idsOf(m)
	mine := model.Condition{Field: ids, Function: ovsdb.ConditionIncludes, Value: map[string]string{keyMark: mark}}
	return client.WithConditionalTable(m, []model.Condition{mine}, append(fields, ids)...)
}

// Close implements network.Network.
func (e *Engine) Close() error {
	e.nb.Close()
	return nil
}

// errRaced says that somebody else changed the rows between our reading and writing.
var errRaced = errors.New("ovn: the rows changed meanwhile")

// change runs build on the engine's copy and commits what it wants, as one transaction. It is built again when another writer was faster.
func (e *Engine) change(ctx context.Context, build func(*transaction) error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	const tries = 4
	for attempt := 1; ; attempt++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		tx := &transaction{ctx: ctx, nb: e.nb, named: map[string]string{}, gateways: map[string]spec.NATGateway{}, publics: map[string]spec.PublicIP{}}
		if err := build(tx); err != nil {
			return err
		}
		err := tx.commit()
		if !errors.Is(err, errRaced) || attempt == tries {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(attempt) * 50 * time.Millisecond):
		}
	}
}
