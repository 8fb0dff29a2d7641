package natslink

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"edgecloud/link/protocol"
	"edgecloud/link/spec"
)

// Identity is an enrolled host and its key.
type Identity struct {
	Host string
	Site string
	key  nkeys.KeyPair
}

// PublicKey is the host's nkey.
func (i Identity) PublicKey() (string, error) { return i.key.PublicKey() }

// Key reads the agent's nkey seed from DIR/nkey, or makes it there (mode 0600) before it is used anywhere.
func Key(dir string) (nkeys.KeyPair, error) {
	path := filepath.Join(dir, "nkey")
	seed, err := os.ReadFile(path)
	if err == nil {
		return nkeys.FromSeed(seed)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("natslink: reading the key: %w", err)
	}
	key, err := nkeys.CreateUser()
	if err != nil {
		return nil, err
	}
	if seed, err = key.Seed(); err != nil {
		return nil, err
	}
	return key, keep(path, seed)
}

func keep(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("natslink: %w", err)
	}
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("natslink: %w", err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	return err
}

// Load gives the identity that Join or Local kept; fs.ErrNotExist before that.
func Load(dir string) (Identity, error) {
	data, err := os.ReadFile(filepath.Join(dir, "identity"))
	if err != nil {
		return Identity{}, err
	}
	j, err := decode[protocol.Joined](data)
	if err != nil {
		return Identity{}, err
	}
	key, err := Key(dir)
	return Identity{Host: j.Host, Site: j.Site, key: key}, err
}

// Local keeps the identity of a host that the control plane enrols itself (link.Service.Enrol), with the key in dir.
func Local(dir, host, site string) (Identity, error) {
	key, err := Key(dir)
	if err != nil {
		return Identity{}, err
	}
	return remember(dir, key, protocol.Joined{Host: host, Site: site})
}

func remember(dir string, key nkeys.KeyPair, j protocol.Joined) (Identity, error) {
	data, err := json.Marshal(j)
	if err != nil {
		return Identity{}, err
	}
	return Identity{Host: j.Host, Site: j.Site, key: key}, keep(filepath.Join(dir, "identity"), data)
}

// Dialer says where the centre is: in this process, or at an address with TLS.
type Dialer struct {
	Server *Server     // in-process
	URL    string      // else: tls://host:port, several with commas
	TLS    *tls.Config // verifies the centre
}

func (d Dialer) connect(key nkeys.KeyPair, inbox string, more ...nats.Option) (*nats.Conn, error) {
	public, err := key.PublicKey()
	if err != nil {
		return nil, err
	}
	if inbox == "" {
		inbox = public
	}
	opts := append([]nats.Option{nats.Nkey(public, key.Sign), nats.CustomInboxPrefix("_INBOX." + inbox), nats.MaxReconnects(-1), nats.ReconnectWait(time.Second),
		nats.ReconnectJitter(time.Second, 2*time.Second), nats.PingInterval(time.Minute), nats.ReconnectBufSize(-1), nats.IgnoreAuthErrorAbort()}, more...)
	if d.Server != nil {
		return nats.Connect("", append(opts, nats.InProcessServer(d.Server.nats))...)
	}
	if d.TLS != nil {
		opts = append(opts, nats.Secure(d.TLS))
	}
	return nats.Connect(d.URL, opts...)
}

// Join enrols this machine with a one-time token and keeps the identity in dir. It can be repeated after a crash or a lost answer.
func Join(ctx context.Context, d Dialer, dir, token string, facts spec.HostFacts) (Identity, error) {
	key, err := Key(dir)
	if err != nil {
		return Identity{}, err
	}
	conn, err := d.connect(key, "")
	if err != nil {
		return Identity{}, fmt.Errorf("natslink: reaching the centre: %w", err)
	}
	defer conn.Close()
	public, err := key.PublicKey()
	if err != nil {
		return Identity{}, err
	}
	joined, err := request[protocol.Joined](ctx, conn, "ec.join."+public, protocol.Join{Token: token, Facts: facts})
	if err != nil {
		return Identity{}, err
	}
	return remember(dir, key, joined)
}

// Client is an enrolled agent's transport.
type Client struct {
	id     Identity
	conn   *nats.Conn
	nudges chan struct{}
	mu     sync.Mutex
	tunnel protocol.Tunnel
}

var _ protocol.Transport = (*Client)(nil)

// Connect connects an enrolled agent; it goes on trying in the background when the centre is away.
func Connect(d Dialer, id Identity) (*Client, error) {
	c := &Client{id: id, nudges: make(chan struct{}, 1)}
	conn, err := d.connect(id.key, id.Host, nats.Name(id.Host), nats.RetryOnFailedConnect(true), nats.ReconnectHandler(func(*nats.Conn) { c.nudge() }),
		nats.ConnectHandler(func(*nats.Conn) { c.nudge() }))
	if err != nil {
		return nil, fmt.Errorf("natslink: %w", err)
	}
	c.conn = conn
	if _, err = conn.Subscribe("ec.nudge."+id.Host, func(*nats.Msg) { c.nudge() }); err == nil {
		_, err = conn.Subscribe("ec.open."+id.Host, c.open)
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("natslink: %w", err)
	}
	return c, nil
}

// Host is the host's UID.
func (c *Client) Host() string { return c.id.Host }

// Nudges is the channel of signals.
func (c *Client) Nudges() <-chan struct{} { return c.nudges }

func (c *Client) nudge() {
	select {
	case c.nudges <- struct{}{}:
	default:
	}
}

// Serve sets who opens streams.
func (c *Client) Serve(t protocol.Tunnel) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tunnel = t
}

// Close ends the connection.
func (c *Client) Close() error {
	c.conn.Close()
	return nil
}

// Pull asks the centre.
func (c *Client) Pull(ctx context.Context, p protocol.Pull) (protocol.Pulled, error) {
	return request[protocol.Pulled](ctx, c.conn, "ec.pull."+c.id.Host, p)
}

// Report tells the centre.
func (c *Client) Report(ctx context.Context, r protocol.Reports) (protocol.Reported, error) {
	return request[protocol.Reported](ctx, c.conn, "ec.report."+c.id.Host, r)
}

// Heartbeat tells the centre.
func (c *Client) Heartbeat(ctx context.Context, h protocol.Heartbeat) (protocol.Beat, error) {
	return request[protocol.Beat](ctx, c.conn, "ec.heartbeat."+c.id.Host, h)
}

func request[A any](ctx context.Context, conn *nats.Conn, subject string, question any) (A, error) {
	var answer A
	b, err := json.Marshal(question)
	if err != nil {
		return answer, err
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 15*time.Second)
		defer cancel()
	}
	m, err := conn.RequestWithContext(ctx, subject, pack(b))
	if err != nil {
		return answer, fmt.Errorf("%w: %w", protocol.ErrAway, err)
	}
	return answer, unpackAnswer(m.Data, &answer)
}
