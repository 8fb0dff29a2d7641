package control

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"edgecloud/controlplane"
	"edgecloud/link/natslink"
)

// Link says how the agents of other machines reach the centre. The zero Link takes none.
type Link struct {
	Listen string // host:port of the embedded NATS server; port 0 is as at the last start, or any
	URL    string // where agents find it, several with commas; empty: tls://ADVERTISE:PORT, or Cluster

	Cluster   string // URLs of the operator's own NATS, which asks the centre who may connect; instead of Listen
	ClusterCA string // PEM file of who proves it; empty: an authority that every system knows
	Account   string // of the cluster; default natslink.DefaultAccount
}

// DefaultLinkListen is where `edgecloud control` listens for agents: NATS' own port.
const DefaultLinkListen = "0.0.0.0:4222"

// linkListener is the link's name among the ports that a folder remembers.
const linkListener = "link"

const (
	clusterKeys   = "link"           // folder of the keys for a cluster
	clusterConfig = "nats-auth.conf" // in it: what the cluster's configuration must include
)

// check names the flag that is wrong.
func (l Link) check() error {
	if l.Listen != "" && l.Cluster != "" {
		return errors.New("--link-listen and --link-cluster exclude each other: agents connect to the embedded server or to the cluster")
	}
	if l.Listen != "" {
		_, port, err := net.SplitHostPort(l.Listen)
		if n, bad := strconv.Atoi(port); err != nil || bad != nil || n < 0 || n > 65535 {
			return fmt.Errorf("--link-listen %s: must be ADDRESS:PORT, such as %s", l.Listen, DefaultLinkListen)
		}
	}
	for flag, list := range map[string]string{"--link-url": l.URL, "--link-cluster": l.Cluster} {
		for one := range strings.SplitSeq(list, ",") {
			u, err := url.Parse(one)
			if list != "" && (err != nil || u.Scheme != "tls" || u.Hostname() == "" || u.Port() == "") {
				return fmt.Errorf("%s %s: must be tls://HOST:PORT, several with commas", flag, list)
			}
		}
	}
	if l.ClusterCA != "" && l.Cluster == "" {
		return errors.New("--link-cluster-ca belongs to --link-cluster")
	}
	return nil
}

// names are the hosts in URL, which the embedded server's certificate must be for.
func (l Link) names() (names []string) {
	for one := range strings.SplitSeq(l.URL, ",") {
		if u, err := url.Parse(one); err == nil && u.Hostname() != "" && l.Cluster == "" {
			names = append(names, u.Hostname())
		}
	}
	return names
}

// startLink lets the agents of other machines in; nil if the centre takes none.
func (o *Options) startLink(s State, centre *controlplane.ControlPlane, trust identityTLS) (*natslink.Server, error) {
	cfg := natslink.Config{Service: centre.Link, URL: o.Link.URL, Web: trust.authority, Logger: o.Logger}
	var err error
	switch {
	case o.Link.Cluster != "":
		err = o.cluster(&cfg)
	case o.Link.Listen != "":
		err = o.embedded(&cfg, s, trust)
	default:
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	wire, err := natslink.Start(cfg)
	if err != nil {
		return nil, err
	}
	if a := wire.Addr(); a != nil {
		s.Ports[linkListener] = a.(*net.TCPAddr).Port
		err = s.save(o.Dir)
	}
	centre.AddDialer(wire.Dial)
	centre.TakeHosts(wire)
	return wire, err
}

// embedded fills in what the embedded server needs.
func (o *Options) embedded(cfg *natslink.Config, s State, trust identityTLS) error {
	host, port, err := net.SplitHostPort(o.Link.Listen)
	if err != nil {
		return fmt.Errorf("--link-listen %s: %w", o.Link.Listen, err)
	}
	if port == "0" {
		if port, err = o.linkPort(s, host); err != nil {
			return fmt.Errorf("--link-listen %s: %w", o.Link.Listen, err)
		}
	}
	cfg.Listen = net.JoinHostPort(host, port)
	cfg.TLS = &tls.Config{Certificates: []tls.Certificate{trust.chain()}, MinVersion: tls.VersionTLS12}
	cfg.Authority = trust.authority
	if cfg.URL == "" {
		cfg.URL = "tls://" + net.JoinHostPort(o.reached(cfg.Listen), port)
	}
	return nil
}

// linkPort is the port of the last start, or one that is free.
func (o *Options) linkPort(s State, host string) (string, error) {
	if p := s.Ports[linkListener]; p != 0 {
		return strconv.Itoa(p), nil
	}
	l, err := listenAt(host, 0)
	if err != nil {
		return "", err
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port), nil
}

// cluster fills in what the operator's own NATS needs, and writes down what it must be told.
func (o *Options) cluster(cfg *natslink.Config) error {
	dir := filepath.Join(o.Dir, clusterKeys)
	keys, err := natslink.ClusterKeys(dir)
	if err != nil {
		return err
	}
	c := &natslink.Cluster{URL: o.Link.Cluster, Account: or(o.Link.Account, natslink.DefaultAccount), Keys: keys}
	text, err := keys.Config(c.Account)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, clusterConfig)
	if err := ReplaceFile(path, []byte(text), 0o644); err != nil {
		return err
	}
	if o.Link.ClusterCA != "" {
		if cfg.Authority, err = os.ReadFile(o.Link.ClusterCA); err != nil {
			return fmt.Errorf("--link-cluster-ca: %w", err)
		}
		if c.TLS, err = natslink.Trust(string(cfg.Authority)); err != nil {
			return fmt.Errorf("--link-cluster-ca %s: %w", o.Link.ClusterCA, err)
		}
	}
	cfg.Cluster, cfg.URL = c, or(cfg.URL, c.URL)
	o.Logger.Info("every nats-server of the cluster must include this file", "file", path)
	return nil
}

// identityTLS is how the centre proves itself.
type identityTLS struct {
	certificate tls.Certificate
	authority   []byte // PEM; empty: one that every system knows
	path        string // of the authority's file, for clients
}

// chain is the certificate with its authority: a host that joins looks for the authority that its token names.
func (t identityTLS) chain() tls.Certificate {
	c := t.certificate
	if block, _ := pem.Decode(t.authority); block != nil {
		c.Certificate = append(append([][]byte{}, c.Certificate...), block.Bytes)
	}
	return c
}

func (o *Options) certificates(s State) (t identityTLS, err error) {
	if t.certificate, err = certificates(o.Dir, o.CertFile, o.KeyFile, o.names(s), time.Now()); err != nil {
		return t, err
	}
	t.path = filepath.Join(o.Dir, caFile)
	if o.CertFile != "" {
		t.path = o.CAFile
	}
	if t.path == "" {
		t.path = o.CertFile
		return t, nil
	}
	t.authority, err = os.ReadFile(t.path)
	if err == nil && natslink.Pin(t.authority) == "" {
		err = fmt.Errorf("--tls-ca %s: holds no PEM certificate", t.path)
	}
	return t, err
}
