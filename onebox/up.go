package onebox

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"edgecloud/cloud/identity"
	"edgecloud/consoleproxy"
	"edgecloud/controlplane"
)

// Options say how `edgecloud up` runs a cloud.
type Options struct {
	Dir    string
	Listen string // of the main listener; empty: as at the last start, or DefaultListen
	Domain string // empty: as at the last start, or controlplane.DefaultDomain
	Region string
	Engine string // "sim" or "real"; empty: as at the last start, or "sim"

	// PlainHTTP lets the ports take unencrypted requests beside TLS. Only on loopback: the URLs are then http://, so that SDKs need no certificate.
	PlainHTTP         bool
	CertFile, KeyFile string // the operator's own certificate; empty: one of the folder's own authority
	Advertise         string // name or address in URLs; empty: that of Listen

	Sim     Sim
	Real    Real
	Version string // of the program
	Logger  *slog.Logger
	// Ready is called once when the cloud answers.
	Ready func(Env)
}

// DefaultListen is the address of the main listener. The dialects' own ports follow it.
const DefaultListen = "127.0.0.1:8443"

// Engines that hosts can have.
const (
	EngineSim  = "sim"
	EngineReal = "real"
)

// GCPercent is the garbage collector's setting for a cloud on one machine. It trades processor time, of which a cloud at rest needs none, for memory: half of
// what the default would keep.
const GCPercent = 50

// stopTime is how long requests under way may take when the cloud stops.
const stopTime = 5 * time.Second

// Up runs a cloud on this machine until ctx ends. What it made is there again at the next Up of the same folder.
func Up(ctx context.Context, o Options) (err error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return err
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return err
	}
	held, err := lock(o.Dir)
	if err != nil {
		return err
	}
	defer held.Close() // gives the lock back
	if err := os.Remove(filepath.Join(o.Dir, envFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	state, err := o.settle()
	if err != nil {
		return err
	}
	all, err := listen(state.Listen, state.Ports, o.Logger)
	if err != nil {
		return err
	}
	defer closeAll(all)
	state.Ports = ports(all)
	if err := state.save(o.Dir); err != nil {
		return err
	}
	return o.run(ctx, state, all)
}

// settle fills what was not said from the last start, and refuses what would break what is there.
func (o *Options) settle() (State, error) {
	s, err := LoadState(o.Dir)
	if err != nil {
		return s, err
	}
	engine := or(o.Engine, s.Engine, EngineSim)
	if engine != EngineSim && engine != EngineReal {
		return s, fmt.Errorf("--engine %s: must be sim or real", engine)
	}
	if s.Engine != "" && s.Engine != engine {
		return s, fmt.Errorf("--engine %s: the cloud in %s has the engine %s; use another --data folder, or edgecloud uninstall", engine, o.Dir, s.Engine)
	}
	address := or(o.Listen, s.Listen, DefaultListen)
	if address != s.Listen {
		s.Ports = nil
	}
	s.Engine, s.Listen, s.Domain = engine, address, strings.ToLower(or(o.Domain, s.Domain, controlplane.DefaultDomain))
	if o.PlainHTTP && !loopback(address) {
		return s, fmt.Errorf("--http: unencrypted requests are possible on loopback only, not on %s", address)
	}
	if (o.CertFile == "") != (o.KeyFile == "") {
		return s, errors.New("--tls-cert and --tls-key belong together")
	}
	return s, nil
}

func or(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// Loopback tells whether only this machine reaches an address.
func Loopback(address string) bool { return loopback(address) }

func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// reached gives the name that URLs carry.
func (o *Options) reached(address string) string {
	if o.Advertise != "" {
		return o.Advertise
	}
	host, _, _ := net.SplitHostPort(address)
	ip, err := netip.ParseAddr(host)
	if host != "" && (err != nil || !ip.IsUnspecified()) {
		return host
	}
	return outward()
}

// outward is the machine's address towards the world, for listeners on all addresses. No packet is sent.
func outward() string {
	c, err := net.Dial("udp", "192.0.2.1:9")
	if err != nil {
		return "127.0.0.1"
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).IP.String()
}

func (o *Options) run(ctx context.Context, s State, all map[string]net.Listener) error {
	urls := o.urls(s)
	cfg := Config{Dir: o.Dir, Logger: o.Logger, Control: controlplane.Config{Domain: s.Domain, Region: o.Region, Endpoints: urls, Version: o.Version}}
	if s.Engine == EngineSim {
		o.Sim.Keep, o.Sim.Sweep = true, simSweep
		cfg.Sim, cfg.Control.Heartbeat = &o.Sim, simHeartbeat
	} else {
		cfg.Real = &o.Real
	}
	config, err := o.tlsConfig(s)
	if err != nil {
		return err
	}
	box, err := Open(ctx, cfg)
	if err != nil {
		return err
	}
	err = o.serve(ctx, box, s, config, all, urls)
	return errors.Join(err, box.Close())
}

// A cloud at rest shall cost next to nothing, and simulated hosts neither fail by themselves nor hear of it late: their agents live in this process. The
// heartbeat must stay well below place.HostSilence.
const (
	simHeartbeat = 20 * time.Second
	simSweep     = 2 * time.Minute
)

func (o *Options) tlsConfig(s State) (*tls.Config, error) {
	region := or(o.Region, identity.DefaultRegion)
	names := []string{s.Domain, "*." + s.Domain, "*." + region + "." + s.Domain, "iam." + region + "." + s.Domain, "ecs-service." + region + "." + s.Domain,
		"bms." + region + "." + s.Domain, "localhost", "127.0.0.1", "::1", o.reached(s.Listen)}
	certificate, err := certificates(o.Dir, o.CertFile, o.KeyFile, names, time.Now())
	if err != nil {
		return nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}, nil
}

// urls are those of each listener.
func (o *Options) urls(s State) map[string]string {
	scheme := "https"
	if o.PlainHTTP {
		scheme = "http"
	}
	urls := map[string]string{}
	for name, port := range s.Ports {
		urls[name] = scheme + "://" + net.JoinHostPort(o.reached(s.Listen), strconv.Itoa(port))
	}
	return urls
}

// serve opens the doors first, and says that the cloud is ready when they are open: hosts join meanwhile.
func (o *Options) serve(ctx context.Context, box *Box, s State, config *tls.Config, all map[string]net.Listener, urls map[string]string) error {
	g, ctx := errgroup.WithContext(ctx)
	var servers []*http.Server
	for name, l := range all {
		srv := server(box.Handler(name), config, o.Logger)
		servers = append(servers, srv)
		g.Go(func() error { return ignoreClosed(srv.Serve(either(l, config, o.PlainHTTP))) })
	}
	g.Go(func() error {
		<-ctx.Done()
		return shutDown(servers)
	})
	g.Go(func() error { return box.Run(ctx) })
	env := o.env(box, s, urls)
	if err := env.save(o.Dir); err != nil {
		return errors.Join(err, shutDown(servers))
	}
	if o.Ready != nil {
		o.Ready(env)
	}
	err := g.Wait()
	return errors.Join(err, os.Remove(filepath.Join(o.Dir, envFile)))
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func shutDown(servers []*http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	var g errgroup.Group
	for _, s := range servers {
		g.Go(func() error {
			if s.Shutdown(ctx) != nil {
				return s.Close() // somebody's request takes too long
			}
			return nil
		})
	}
	return g.Wait()
}

func (o *Options) env(box *Box, s State, urls map[string]string) Env {
	ca := filepath.Join(o.Dir, caFile)
	if o.CertFile != "" {
		ca = o.CertFile
	}
	return Env{BEC: urls["bec"], IEC: urls["iec"], IAM: urls["iam"], CECStack: urls["cecstack"], TCEBMS: urls["tcebms"], Admin: urls["admin"],
		AccessKey: box.Admin.Key.ID, SecretKey: box.Admin.Key.Secret, Account: box.Admin.Account.Name, User: box.Admin.User.Name, Password: box.Admin.Password,
		Region: or(o.Region, identity.DefaultRegion), Domain: s.Domain, CA: ca}
}

// Handler serves one listener: "main" for all dialects, or one dialect's. Consoles, reference pages and image files are served on each.
func (b *Box) Handler(name string) http.Handler {
	door := b.Control.Door(name)
	if door == nil {
		return b.Control
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, consoleproxy.Prefix) || r.URL.Path == "/docs" || strings.HasPrefix(r.URL.Path, "/docs/") || strings.HasPrefix(r.URL.Path, "/files/") {
			b.Control.ServeHTTP(w, r)
			return
		}
		door.ServeHTTP(w, r)
	})
}
