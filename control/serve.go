package control

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
	"edgecloud/controlplane"
)

// Options say how a centre is served. What is empty is as at the last start of the folder, or the default.
type Options struct {
	Dir       string // the data folder
	Listen    string // of the main listener; default DefaultListen
	Domain    string // default controlplane.DefaultDomain
	Region    string
	Engine    string // what its hosts are: EngineSim (default), EngineReal or EngineRemote; a folder keeps its engine
	Database  string // DSN; empty: SQLite in the folder
	MasterKey string // key file that seals secrets; empty: in the folder
	// SeriesDays is how long the record of what is used is kept; default 93.
	SeriesDays int

	// PlainHTTP lets the ports take unencrypted requests beside TLS. Only on loopback: the URLs are then http://, so that SDKs need no certificate.
	PlainHTTP         bool
	CertFile, KeyFile string // the operator's own certificate; empty: one of the folder's own authority
	CAFile            string // authority of CertFile, if not every system knows it
	Advertise         string // name or address in URLs; empty: that of Listen

	Link    Link
	Version string // of the program
	Logger  *slog.Logger
	// Ready is called once when the centre answers.
	Ready func(Env)
}

// maxSeriesDays is as long as a record of what is used can be kept: ten years.
const maxSeriesDays = 3660

// DefaultListen is the address of the main listener. The dialects' own ports follow it.
const DefaultListen = "127.0.0.1:8443"

// What the hosts of a centre are.
const (
	EngineSim    = "sim"    // simulated, in the same process
	EngineReal   = "real"   // this machine
	EngineRemote = "remote" // other machines, whose agents join
)

// stopTime is how long requests under way may take when the centre stops.
const stopTime = 5 * time.Second

// Cloud is what is served: a centre, and what runs in the same process with it.
type Cloud interface {
	Centre() *controlplane.ControlPlane
	Operator() *identity.FirstAdmin
	Run(ctx context.Context) error
	Close() error // after Run has returned
}

// Open makes the cloud of a folder whose hosts are what engine says.
type Open func(ctx context.Context, cfg controlplane.Config, engine string) (Cloud, error)

// Serve serves a cloud until ctx ends. What it made is there again at the next Serve of the same folder.
func Serve(ctx context.Context, o Options, open Open) (err error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return err
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return err
	}
	held, err := Lock(o.Dir)
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
	linkPort := state.Ports[linkListener]
	state.Ports = ports(all)
	if linkPort != 0 {
		state.Ports[linkListener] = linkPort
	}
	if err := state.save(o.Dir); err != nil {
		return err
	}
	return o.run(ctx, state, all, open)
}

// settle fills what was not said from the last start, and refuses what would break what is there.
func (o *Options) settle() (State, error) {
	s, err := LoadState(o.Dir)
	if err != nil {
		return s, err
	}
	engine := or(o.Engine, s.Engine, EngineSim)
	if s.Engine != "" && s.Engine != engine {
		return s, fmt.Errorf("the cloud in %s was made with %s hosts, not %s ones; use another --data folder, or edgecloud uninstall", o.Dir, s.Engine, engine)
	}
	address := or(o.Listen, s.Listen, DefaultListen)
	if address != s.Listen {
		s.Ports = nil
	}
	s.Engine, s.Listen, s.Domain = engine, address, strings.ToLower(or(o.Domain, s.Domain, controlplane.DefaultDomain))
	if o.PlainHTTP && !Loopback(address) {
		return s, fmt.Errorf("--http: unencrypted requests are possible on loopback only, not on %s", address)
	}
	if (o.CertFile == "") != (o.KeyFile == "") {
		return s, errors.New("--tls-cert and --tls-key belong together")
	}
	if o.CAFile != "" && o.CertFile == "" {
		return s, errors.New("--tls-ca belongs to --tls-cert: it is the authority of that certificate")
	}
	if o.SeriesDays < 0 || o.SeriesDays > maxSeriesDays {
		return s, fmt.Errorf("--metrics-days %d: must be from 1 to %d", o.SeriesDays, maxSeriesDays)
	}
	return s, o.Link.check()
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
func Loopback(address string) bool {
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
	return Outward()
}

// Outward is the machine's address towards the world, for listeners on all addresses. No packet is sent.
func Outward() string {
	c, err := net.Dial("udp", "192.0.2.1:9")
	if err != nil {
		return "127.0.0.1"
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).IP.String()
}

func (o *Options) run(ctx context.Context, s State, all map[string]net.Listener, open Open) error {
	urls := o.urls(s)
	cfg := controlplane.Config{DSN: or(o.Database, DSN(o.Dir)), MasterKey: or(o.MasterKey, KeyPath(o.Dir)), FilesDir: FilesDir(o.Dir), SeriesDir: SeriesDir(o.Dir), SeriesKeep: time.Duration(o.SeriesDays) * 24 * time.Hour, Domain: s.Domain, Region: o.Region,
		Endpoints: urls, Version: o.Version, Logger: o.Logger}
	if s.Engine == EngineRemote {
		cfg.FilesURL = urls[mainListener] + strings.TrimSuffix(controlplane.FilesPath, "/")
	}
	if err := os.MkdirAll(cfg.FilesDir, 0o755); err != nil {
		return err
	}
	trust, err := o.certificates(s)
	if err != nil {
		return err
	}
	cloud, err := open(ctx, cfg, s.Engine)
	if err != nil {
		return err
	}
	wire, err := o.startLink(s, cloud.Centre(), trust)
	if err != nil {
		return errors.Join(err, cloud.Close())
	}
	err = o.serve(ctx, cloud, s, trust, all, urls)
	if wire != nil {
		wire.Close()
	}
	return errors.Join(err, cloud.Close())
}

// names are what the server's certificate is for.
func (o *Options) names(s State) []string {
	region := or(o.Region, identity.DefaultRegion)
	names := []string{s.Domain, "*." + s.Domain, "*." + region + "." + s.Domain, "iam." + region + "." + s.Domain, "ecs-service." + region + "." + s.Domain,
		"bms." + region + "." + s.Domain, "localhost", "127.0.0.1", "::1", o.reached(s.Listen)}
	return append(names, o.Link.names()...)
}

// urls are those of each listener of the doors.
func (o *Options) urls(s State) map[string]string {
	scheme := "https"
	if o.PlainHTTP {
		scheme = "http"
	}
	urls := map[string]string{}
	for name, port := range s.Ports {
		if name != linkListener {
			urls[name] = scheme + "://" + net.JoinHostPort(o.reached(s.Listen), strconv.Itoa(port))
		}
	}
	return urls
}

// serve opens the doors first, and says that the centre is ready when they are open: hosts join meanwhile.
func (o *Options) serve(ctx context.Context, cloud Cloud, s State, trust identityTLS, all map[string]net.Listener, urls map[string]string) error {
	g, ctx := errgroup.WithContext(ctx)
	config := &tls.Config{Certificates: []tls.Certificate{trust.certificate}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	var servers []*http.Server
	for name, l := range all {
		srv := server(cloud.Centre().Handler(name), config, o.Logger)
		servers = append(servers, srv)
		g.Go(func() error { return ignoreClosed(srv.Serve(either(l, config, o.PlainHTTP))) })
	}
	g.Go(func() error {
		<-ctx.Done()
		return shutDown(servers)
	})
	g.Go(func() error { return cloud.Run(ctx) })
	env := o.env(cloud.Operator(), s, trust, urls)
	if err := env.save(o.Dir); err != nil {
		return errors.Join(err, shutDown(servers))
	}
	if o.Ready != nil {
		o.Ready(env)
	}
	err := g.Wait()
	if errors.Is(err, context.Canceled) {
		err = nil
	}
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

func (o *Options) env(admin *identity.FirstAdmin, s State, trust identityTLS, urls map[string]string) Env {
	return Env{BEC: urls["bec"], IEC: urls["iec"], IAM: urls["iam"], CECStack: urls["cecstack"], TCEBMS: urls["tcebms"], Admin: urls["admin"],
		AccessKey: admin.Key.ID, SecretKey: admin.Key.Secret, Account: admin.Account.Name, User: admin.User.Name, Password: admin.Password,
		Region: or(o.Region, identity.DefaultRegion), Domain: s.Domain, CA: trust.path}
}
