package real_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	bce "github.com/baidubce/bce-sdk-go/services/bec"
	"github.com/stretchr/testify/require"

	"edgecloud/agent"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/image"
	"edgecloud/cloud/place"
	"edgecloud/engine/daemons"
	"edgecloud/engine/disk"
	"edgecloud/engine/hypervisor"
	"edgecloud/guest/tiny"
	realhost "edgecloud/host"
	"edgecloud/onebox"
	"edgecloud/test/host"
)

// siteName is a node with one line; its outside is the fabric's.
const siteName = "cn-hangzhou-cm"

// imageName is what the tiny image is called in the catalogue.
const imageName = "Tiny 1 64bit"

// site is a cloud of one site on real hosts.
type site struct {
	t      *testing.T
	fabric *host.Fabric
	nodes  []*node
	box    *onebox.Box
	place  *place.Site
	url    string // of the BEC door
	dir    string
	image  string // path of the tiny image
	log    *slog.Logger
	stop   func() // ends the centre's work
}

// node is one host and its agent.
type node struct {
	*host.Host
	site    *site
	uid     string
	engines realhost.Engines
	agent   *agent.Agent
	change  func(*agent.Config)
	stop    context.CancelFunc
	done    chan error
}

// newSite starts hosts, centre and agents. change alters the agents' configuration; nil leaves it.
func newSite(t *testing.T, hosts int, change func(*agent.Config)) *site {
	t.Helper()
	began := time.Now()
	s := &site{t: t, dir: t.TempDir(), log: slog.New(slog.NewTextHandler(&logFile{t: t}, &slog.HandlerOptions{Level: slog.LevelInfo}))}
	s.buildImage()
	s.fabric = host.NewFabric(t)
	for i := range hosts {
		s.nodes = append(s.nodes, &node{Host: s.fabric.Host(t, fmt.Sprintf("h%d", i+1)), site: s, change: change})
	}
	s.openCentre()
	for _, n := range s.nodes {
		var err error
		n.uid, err = s.box.Enrol(t.Context(), s.place, n.Name)
		require.NoError(t, err)
		n.open()
		t.Cleanup(n.close)
	}
	s.runCentre()
	s.eventually("hosts are known with what they have", func() error {
		known, err := s.box.Control.Place.Hosts(t.Context(), s.operator(), s.place.UID)
		for _, h := range known {
			if h.MemoryMiB == 0 {
				return fmt.Errorf("host %s has told nothing", h.Name)
			}
		}
		return err
	})
	t.Logf("a site of %d hosts is up after %s", hosts, time.Since(began).Round(time.Millisecond))
	return s
}

func (s *site) buildImage() {
	s.image = filepath.Join(s.dir, "tiny.qcow2")
	_, err := tiny.Build(s.t.Context(), tiny.Options{Out: s.image})
	require.NoError(s.t, err, "make setup installs what the tiny image is made of")
}

func (s *site) openCentre() {
	ctx := s.t.Context()
	cfg := onebox.Config{Dir: filepath.Join(s.dir, "centre"), Logger: s.log}
	cfg.Control.Heartbeat = 3 * time.Second
	var err error
	s.box, err = onebox.Open(ctx, cfg)
	require.NoError(s.t, err)
	s.t.Cleanup(func() { require.NoError(s.t, s.box.Close()) })
	p := s.box.Control.Place
	s.place, err = p.SiteByName(ctx, siteName)
	require.NoError(s.t, err)
	line := place.NewLine{Carrier: s.place.Carrier, PhysicalNetwork: host.PhysicalName, Prefix: netip.MustParsePrefix(host.ProviderNet), Gateway: netip.MustParseAddr(host.OutsideIP)}
	require.NoError(s.t, p.EnsureLine(ctx, s.place.UID, line))
	s.publish()
	door := httptest.NewServer(s.box.Control.Door("bec"))
	s.t.Cleanup(door.Close)
	s.url = door.URL
}

func (s *site) publish() {
	built, err := tiny.Build(s.t.Context(), tiny.Options{Out: s.image})
	require.NoError(s.t, err)
	info, err := os.Stat(s.image)
	require.NoError(s.t, err)
	n := image.NewImage{Name: imageName, Description: imageName, OSType: "linux", OSName: "Debian", OSVersion: "12", OSArch: "x86_64 (64bit)", MinMemoryMiB: 96}
	_, err = s.box.Control.Images.Publish(s.t.Context(), s.operator(), n, image.NewFile{SHA256: built.SHA256, Format: "qcow2", Bytes: info.Size(),
		VirtualBytes: built.VirtualBytes, URL: "file://" + s.image})
	require.NoError(s.t, err)
}

// runCentre carries the centre until stopCentre.
func (s *site) runCentre() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.box.Run(ctx) }() // the box has no agents of its own: ours are stopped and started one by one
	var once sync.Once
	s.stop = func() {
		once.Do(func() {
			cancel()
			require.NoError(s.t, <-done)
		})
	}
	s.t.Cleanup(s.stop)
}

// open opens the host's engines and starts its agent on the ledger that it left.
func (n *node) open() {
	t, s := n.site.t, n.site
	var gateways []string
	for _, other := range s.nodes {
		gateways = append(gateways, other.Name)
	}
	dir := filepath.Join(s.dir, n.Name)
	var err error
	n.engines, err = realhost.OpenReal(t.Context(), realhost.Real{LibvirtSocket: n.LibvirtSocket, LibvirtRoot: n.Root(), StateDir: filepath.Join(dir, "state"),
		DiskDir: filepath.Join(dir, "disks"), Balancers: filepath.Join(dir, "balancers"), Runner: n.Runner(), NBEndpoint: s.fabric.NBEndpoint, Gateways: gateways, Logger: s.log.With("host", n.Name)})
	require.NoError(t, err)
	n.start()
}

func (n *node) start() {
	t, s := n.site.t, n.site
	cfg := n.engines.AgentConfig(s.box.Net.Connect(n.uid), n.Name, filepath.Join(s.dir, n.Name, "ledger"), s.log.With("host", n.Name))
	cfg.Hypervisor, cfg.Pool = roomy{cfg.Hypervisor}, roomyPool{cfg.Pool}
	cfg.Sweep, cfg.Poll = 5*time.Second, 5*time.Second
	if n.change != nil {
		n.change(&cfg)
	}
	a, err := agent.New(cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	n.agent, n.stop, n.done = a, cancel, make(chan error, 1)
	go func(done chan error) { done <- a.Run(ctx) }(n.done)
}

// stopAgent ends the agent; its machines run on.
func (n *node) stopAgent() error {
	if n.stop == nil {
		return nil
	}
	n.stop()
	n.stop = nil
	return <-n.done
}

func (n *node) close() {
	if err := n.stopAgent(); err != nil {
		n.site.t.Logf("agent of %s: %v", n.Name, err)
	}
	require.NoError(n.site.t, n.engines.Close())
}

// roomy tells of more processors than this machine has: emulated guests idle, and the tests make more of them than two processors are given out for.
type roomy struct{ hypervisor.Hypervisor }

// Capacity implements hypervisor.Hypervisor.
func (r roomy) Capacity(ctx context.Context) (hypervisor.Capacity, error) {
	c, err := r.Hypervisor.Capacity(ctx)
	c.VCPUs = max(c.VCPUs, 16)
	return c, err
}

// roomyPool tells of a larger disk than this machine may have: the tests' disks are thin, and hold some megabytes each.
type roomyPool struct{ disk.Pool }

// Capacity implements disk.Pool.
func (r roomyPool) Capacity(ctx context.Context) (total, free int64, err error) {
	total, free, err = r.Pool.Capacity(ctx)
	return max(total, 1<<40), max(free, 1<<40), err
}

func (s *site) operator() *identity.Caller {
	return &identity.Caller{Account: s.box.Admin.Account.UID, User: s.box.Admin.User.UID, Role: identity.Admin, Operator: true, Dialect: "admin", Operation: "test"}
}

// sdk is the official client.
func (s *site) sdk() *bce.Client {
	client, err := bce.NewClient(s.box.Admin.Key.ID, s.box.Admin.Key.Secret, s.url)
	require.NoError(s.t, err)
	return client
}

// patience is for a machine that emulates its guests and has other work besides; a quiet one needs seconds.
const patience = 4 * time.Minute

// eventually waits for a level.
func (s *site) eventually(what string, check func() error) {
	s.t.Helper()
	require.NoError(s.t, daemons.WaitFor(s.t.Context(), patience, what, check))
}

// logFile keeps what the cloud logs for the case of a failure, and nothing after the test.
type logFile struct {
	t    *testing.T
	mu   sync.Mutex
	text []byte
	once sync.Once
}

// Write implements io.Writer.
func (l *logFile) Write(p []byte) (int, error) {
	l.once.Do(func() {
		l.t.Cleanup(func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			if l.t.Failed() {
				l.t.Logf("%s", l.text)
			}
		})
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	return len(p), nil
}
