package natslink

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"edgecloud/link/protocol"
	"edgecloud/link/spec"
)

// Dialer says where the centre is: in this process, or at an address with TLS.
type Dialer struct {
	Server *Server      // in-process
	URL    string       // else: tls://host:port, several with commas
	TLS    *tls.Config  // verifies the centre
	Logger *slog.Logger // of an enrolled agent's connection; nil: slog.Default
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

// Join enrols this machine with a join token (see Invitation) and keeps the identity in dir. It can be repeated after a crash or a lost answer. Without a TLS
// configuration of its own, the dialer trusts the authority that the token names. ErrToken.
func Join(ctx context.Context, d Dialer, dir, token string, facts spec.HostFacts) (Identity, error) {
	invitation, err := ParseInvitation(token)
	if err != nil {
		return Identity{}, err
	}
	if d.TLS == nil {
		d.TLS = invitation.tls(d.URL)
	}
	key, err := Key(dir)
	if err != nil {
		return Identity{}, err
	}
	public, err := key.PublicKey()
	if err != nil {
		return Identity{}, err
	}
	conn, err := d.connect(key, "", nats.Timeout(joinTimeout))
	if err != nil {
		return Identity{}, fmt.Errorf("reach the centre at %s: %w", d.URL, err)
	}
	defer conn.Close()
	joined, err := request[protocol.Joined](ctx, conn, "ec.join."+public, protocol.Join{Token: invitation.Secret, Facts: facts})
	if err != nil {
		return Identity{}, err
	}
	joined.URL = addresses(d.URL, joined.URL)
	return remember(dir, key, joined)
}

// joinTimeout bounds the connection for a join: an operator waits for it.
const joinTimeout = 5 * time.Second

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
	conn, err := d.connect(id.key, id.Host, append(d.tell(c), nats.Name(id.Host), nats.RetryOnFailedConnect(true))...)
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

// tell logs how the connection does, and nudges the agent when it is there.
func (d Dialer) tell(c *Client) []nats.Option {
	log := d.Logger
	if log == nil {
		log = slog.Default()
	}
	there := func(conn *nats.Conn) {
		log.Info("the centre is reached", "url", conn.ConnectedUrl())
		c.nudge()
	}
	return []nats.Option{
		nats.ConnectHandler(there), nats.ReconnectHandler(there),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { log.Warn("the centre is away; what runs goes on", "error", err) }),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { log.Debug("the centre is still away", "error", err) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if errors.Is(err, nats.ErrPermissionViolation) {
				err = fmt.Errorf("this host is not enrolled any more; if it was not removed on purpose, join again with --replace: %w", err)
			}
			log.Error("the centre refuses", "error", err)
		}),
	}
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
