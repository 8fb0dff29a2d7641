package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"edgecloud/agent/apply"
	"edgecloud/agent/ledger"
	"edgecloud/agent/spool"
	"edgecloud/engine/balancer"
	"edgecloud/engine/disk"
	"edgecloud/engine/hypervisor"
	"edgecloud/engine/network"
	"edgecloud/link/protocol"
	"edgecloud/link/spec"
)

// Config composes an agent.
type Config struct {
	Dir        string         // of the ledger; it is locked against a second agent
	Ledger     *ledger.Ledger // instead of Dir, such as ledger.Memory(); it is not closed
	Transport  protocol.Transport
	Hypervisor hypervisor.Hypervisor
	Pool       disk.Pool
	Network    network.Network // nil: this host never holds the site role
	Balancer   balancer.Engine // nil: it carries no load balancers when it does
	Seed       func(spec.Instance) ([]byte, error)
	HTTP       *http.Client
	Name       string           // of the host
	Version    string           // of this program
	Underlay   string           // address of the host's tunnels
	Samples    string           // folder of samples that the centre has not taken; empty: they are in memory
	Sample     time.Duration    // between looks at what is used; default 1 min, negative: never
	SampleKeep int64            // bytes of samples kept while the link is cut; default spool.DefaultLimit
	Workers    int              // items applied at a time; default 8
	Poll       time.Duration    // pulls without a nudge; default 1 min
	Full       time.Duration    // full lists and full reports; default 1 h
	Sweep      time.Duration    // looks at the engines; default 30 s
	Heartbeat  time.Duration    // until the centre says otherwise; default 10 s
	Timeout    time.Duration    // of one call to the centre; default 15 s
	Now        func() time.Time // default time.Now
	Seed64     uint64           // of the jitter; 0: random
	Logger     *slog.Logger
	// Fail is for tests: an error at a named point stops the agent there as a crash would.
	Fail func(point string) error
}

// ErrHalted is returned by all steps after a failpoint has stopped the agent.
var ErrHalted = errors.New("agent: stopped at a failpoint")

// Agent is one host's agent.
type Agent struct {
	cfg     Config
	ledger  *ledger.Ledger
	own     bool
	applier *apply.Applier
	queue   *queue
	outbox  *outbox
	samples samples
	target  string
	halted  atomic.Bool
	pulling sync.Mutex
	telling sync.Mutex
	sweeps  sync.Mutex
	random  *rand.Rand
	randMu  sync.Mutex
	synced  map[string]bool // targets whose full list was seen since the start; pulling is held
	cap     capacity
	every   atomic.Int64
}

// New opens the ledger and lines up everything in it to be looked at. It does not need the centre.
func New(cfg Config) (*Agent, error) {
	defaults(&cfg)
	a := &Agent{cfg: cfg, ledger: cfg.Ledger, queue: newQueue(cfg.Now), outbox: newOutbox(), synced: map[string]bool{}}
	if a.ledger == nil {
		l, err := ledger.Open(cfg.Dir)
		if err != nil {
			return nil, err
		}
		a.ledger, a.own = l, true
	}
	kept, err := spool.Open(cfg.Samples, cfg.SampleKeep)
	if err != nil {
		return nil, errors.Join(err, a.closeLedger())
	}
	a.samples.Spool = kept
	a.target = spec.HostTarget(cfg.Transport.Host())
	a.random = rand.New(rand.NewPCG(cfg.Seed64, 1))
	a.every.Store(int64(cfg.Heartbeat))
	a.applier = &apply.Applier{Hypervisor: cfg.Hypervisor, Pool: cfg.Pool, Network: cfg.Network, Balancer: cfg.Balancer, Seed: cfg.Seed, HTTP: cfg.HTTP, Ledger: a.ledger,
		Now: cfg.Now, Logger: cfg.Logger}
	for _, i := range a.ledger.Items() {
		a.queue.add(i.Key, i.Deleted, true)
	}
	cfg.Transport.Serve(a.tunnel)
	return a, nil
}

func defaults(c *Config) {
	if c.Workers <= 0 {
		c.Workers = 8
	}
	for d, value := range map[*time.Duration]time.Duration{&c.Poll: time.Minute, &c.Full: time.Hour, &c.Sweep: 30 * time.Second,
		&c.Heartbeat: 10 * time.Second, &c.Timeout: 15 * time.Second} {
		if *d <= 0 {
			*d = value
		}
	}
	if c.Sample == 0 {
		c.Sample = time.Minute
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Seed64 == 0 {
		c.Seed64 = rand.Uint64()
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
}

// Close frees the ledger; machines run on. Run closes it too.
func (a *Agent) Close() error {
	a.cfg.Transport.Serve(nil)
	return errors.Join(a.samples.Close(), a.closeLedger())
}

func (a *Agent) closeLedger() error {
	if a.own {
		return a.ledger.Close()
	}
	return nil
}

// Ledger is what the host should have.
func (a *Agent) Ledger() *ledger.Ledger { return a.ledger }

// Idle tells that nothing is waiting to be applied now (what failed may be due later) and nothing to be reported.
func (a *Agent) Idle() bool { return a.queue.idle() && !a.waiting() }

// waiting tells whether there is something to report.
func (a *Agent) waiting() bool { return a.outbox.waiting() || a.samples.ready(a.cfg.Now()) }

func (a *Agent) tunnel(ctx context.Context, kind, uid string) (net.Conn, error) {
	switch kind {
	case spec.KindInstance:
		return a.cfg.Hypervisor.Console(ctx, uid)
	case spec.KindImage:
		return a.sendImage(ctx, uid)
	}
	return nil, fmt.Errorf("agent: no streams for the kind %q", kind)
}

// sendImage is a stream of an image's file that ends with it.
func (a *Agent) sendImage(ctx context.Context, uid string) (net.Conn, error) {
	file, err := a.cfg.Pool.OpenImage(ctx, uid)
	if err != nil {
		return nil, err
	}
	near, far := net.Pipe()
	go func() {
		defer far.Close()
		defer file.Close()
		_, _ = io.Copy(far, file) // whoever reads finds it short, by its checksum
	}()
	return near, nil
}

// point is a failpoint.
func (a *Agent) point(name string) error {
	if a.halted.Load() {
		return ErrHalted
	}
	if a.cfg.Fail == nil {
		return nil
	}
	if err := a.cfg.Fail(name); err != nil {
		a.halted.Store(true)
		return fmt.Errorf("%w %s: %w", ErrHalted, name, err)
	}
	return nil
}

// jitter spreads a time by a quarter.
func (a *Agent) jitter(d time.Duration) time.Duration {
	a.randMu.Lock()
	defer a.randMu.Unlock()
	return d*3/4 + time.Duration(a.random.Int64N(int64(d)/2+1))
}

// Run works until ctx ends, then closes the ledger. It returns an error only when the ledger or a failpoint stops it.
func (a *Agent) Run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var all sync.WaitGroup
	for _, loop := range []func(context.Context) error{a.applyLoop, a.pullLoop, a.reportLoop, a.heartbeatLoop, a.watchLoop, a.sweepLoop, a.sampleLoop} {
		all.Go(func() {
			if err := loop(ctx); err != nil {
				stop(err)
			}
		})
	}
	<-ctx.Done()
	all.Wait()
	err := context.Cause(ctx)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		err = nil
	}
	return errors.Join(err, a.Close())
}

// fatal tells which errors must end Run: going on without a ledger would act on what is not on disk.
func fatal(err error) error {
	if errors.Is(err, ErrHalted) || errors.Is(err, ledger.ErrBroken) {
		return err
	}
	return nil
}
