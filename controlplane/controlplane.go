package controlplane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/balancer"
	"edgecloud/cloud/compute"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/image"
	"edgecloud/cloud/image/files"
	"edgecloud/cloud/monitor"
	"edgecloud/cloud/network"
	"edgecloud/cloud/operation"
	"edgecloud/cloud/place"
	"edgecloud/cloud/plan"
	"edgecloud/cloud/quota"
	"edgecloud/cloud/volume"
	"edgecloud/consoleproxy"
	"edgecloud/contract"
	"edgecloud/dialect"
	"edgecloud/dialect/admin"
	"edgecloud/link"
	"edgecloud/link/protocol"
	"edgecloud/series/tsdb"
	"edgecloud/store"
	"edgecloud/work"
)

// ControlPlane is the centre of a cloud.
type ControlPlane struct {
	DB        *store.DB
	Identity  *identity.Identity
	Place     *place.Place
	Images    *image.Images
	Networks  *network.Networks
	Balancers *balancer.Balancers
	Compute   *compute.Compute
	Plans     *plan.Plans
	Monitor   *monitor.Monitor
	Link      *link.Service
	Runner    *work.Runner
	Console   *consoleproxy.Door

	cfg   Config
	log   *slog.Logger
	doors map[string]*dialect.Door
	other map[string]http.Handler // what is no dialect of the contract: IAM
	files http.Handler
	store *files.Store // nil: images cannot be imported
	kept  *tsdb.Store  // nil: no series are kept
	admin *admin.Door
	dial  []Dialer
}

// scanEvery is how often the slow scan looks for instances that nothing has woken.
const scanEvery = 10 * time.Minute

// Dialer opens a stream on a host: the screen of an instance.
type Dialer func(ctx context.Context, host, kind, uid string) (net.Conn, error)

// Migrations are the tables of every package, for tools and tests that open the database by themselves.
func Migrations() []store.MigrationSet {
	return []store.MigrationSet{work.Migrations(), link.Migrations(), identity.Migrations(), place.Migrations(), quota.Migrations(), audit.Migrations(),
		operation.Migrations(), image.Migrations(), volume.Migrations(), network.Migrations(), compute.Migrations(), plan.Migrations(), balancer.Migrations()}
}

// Open makes a control plane. Nothing runs yet: see Run and ServeHTTP.
func Open(ctx context.Context, cfg Config) (*ControlPlane, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Domain == "" {
		cfg.Domain = DefaultDomain
	}
	if cfg.Region == "" {
		cfg.Region = identity.DefaultRegion
	}
	ring, err := openRing(cfg.MasterKey)
	if err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, store.Config{DSN: cfg.DSN, Now: cfg.Now, Rand: cfg.Rand, Logger: cfg.Logger, Migrations: Migrations(), Remember: cfg.RememberStatements})
	if err != nil {
		return nil, err
	}
	c := &ControlPlane{DB: db, cfg: cfg, log: cfg.Logger}
	if err := c.openFiles(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	c.compose(ring)
	if err := c.open(); err != nil {
		_ = db.Close() // the first error says more
		return nil, err
	}
	return c, nil
}

func openRing(path string) (*store.Keyring, error) {
	if path == "" {
		return store.NewKeyring()
	}
	return store.OpenKeyring(path)
}

func (c *ControlPlane) compose(ring *store.Keyring) {
	c.Identity = identity.New(c.DB, ring, identity.WithRegion(c.cfg.Region))
	c.Place = place.New(c.DB)
	c.Images = image.New(c.DB, c.store)
	c.Images.SetPull(func(ctx context.Context, host, uid string) (io.ReadCloser, error) {
		return c.dialHost(ctx, host, image.Kind, uid)
	})
	c.Networks = network.New(c.DB, c.Place)
	c.Balancers = balancer.New(c.DB)
	c.Compute = compute.New(c.DB, c.Place, c.Images, c.Networks)
	c.Plans = plan.New(c.DB, c.Place, c.Images, c.Compute)
	var samples link.SamplesTaker
	c.Monitor = monitor.New(c.DB, c.Networks, nil, c.log)
	if c.cfg.SeriesDir != "" {
		c.kept = tsdb.New(tsdb.Config{Dir: c.cfg.SeriesDir, Retention: c.cfg.SeriesKeep, Logger: c.log})
		c.Monitor = monitor.New(c.DB, c.Networks, c.kept, c.log)
		samples = c.Monitor.Keep
	}
	c.Link = link.New(link.Config{DB: c.DB, Observers: observers(), Samples: samples, OnHeartbeat: onHeartbeat, OnJoin: onJoin, Heartbeat: c.cfg.Heartbeat, Logger: c.log})
	c.Runner = &work.Runner{DB: c.DB, Workers: c.cfg.Workers, Logger: c.log, Reconcilers: []work.Reconciler{compute.Lifecycle(), c.Images.Lifecycle(), c.Images.Reclaimer(), plan.Lifecycle(),
		network.PublicIPLifecycle(), network.NATGatewayLifecycle(), volume.SnapshotLifecycle(), balancer.Lifecycle()},
		Scans: []work.Scan{work.FullScan(compute.Kind, compute.Unsettled, scanEvery), work.FullScan(image.Kind, image.Unsettled, scanEvery),
			work.FullScan(image.FileKind, image.Unneeded, scanEvery), work.FullScan(plan.Kind, plan.Unsettled, scanEvery),
			work.FullScan(network.PublicIPKind, network.UnsettledPublicIPs, scanEvery), work.FullScan(network.NATGatewayKind, network.UnsettledNATGateways, scanEvery),
			work.FullScan(volume.SnapshotKind, volume.UnsettledSnapshots, scanEvery), work.FullScan(balancer.Kind, balancer.Unsettled, scanEvery)},
		OnOverdue: c.overdue}
}

// AddDialer says how streams to hosts are opened; the link's transport knows. With several, each is asked until one reaches the host. Call it before serving.
func (c *ControlPlane) AddDialer(d Dialer) { c.dial = append(c.dial, d) }

// TakeHosts lets the agents of other machines join over a transport. Call it before serving.
func (c *ControlPlane) TakeHosts(r admin.Remote) { c.admin.Remote = r }

// dialHost opens a stream on a host.
func (c *ControlPlane) dialHost(ctx context.Context, host, kind, uid string) (conn net.Conn, err error) {
	err = fmt.Errorf("%w: no transport to hosts is connected", protocol.ErrAway)
	for _, d := range c.dial {
		if conn, err = d(ctx, host, kind, uid); !errors.Is(err, protocol.ErrAway) {
			break
		}
	}
	return conn, err
}

// openFiles opens the store of image files, if there is to be one.
func (c *ControlPlane) openFiles() (err error) {
	if c.cfg.FilesDir == "" {
		return nil
	}
	c.store, err = files.Open(files.Config{Dir: c.cfg.FilesDir, URL: c.cfg.FilesURL, Limit: c.cfg.ImageLimit, Tenants: c.cfg.ImageSources})
	return err
}

// Run carries out the cloud's work until ctx ends.
func (c *ControlPlane) Run(ctx context.Context) error {
	if err := c.Images.Sweep(ctx); err != nil {
		return fmt.Errorf("sweep image files: %w", err)
	}
	return c.Runner.Run(ctx)
}

// Close ends consoles and closes the database.
func (c *ControlPlane) Close() error {
	c.Console.Close()
	if c.kept == nil {
		return c.DB.Close()
	}
	return errors.Join(c.kept.Close(), c.DB.Close())
}

// Bound tells which operations of all dialects have a handler.
func (c *ControlPlane) Bound() map[string]bool {
	bound := map[string]bool{}
	for _, d := range c.doors {
		for key := range d.Bound() {
			bound[key] = true
		}
	}
	return bound
}

// Coverage compares the contract with what is bound.
func (c *ControlPlane) Coverage() (map[string]contract.Coverage, error) {
	return contract.Report(c.Bound())
}
