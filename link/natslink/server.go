package natslink

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"edgecloud/link"
	"edgecloud/link/protocol"
)

// Config says how the centre's side is reached.
type Config struct {
	Service   *link.Service
	Listen    string      // host:port of the embedded server for remote agents; empty: in-process only
	TLS       *tls.Config // required with Listen; its chain carries the authority, so that a joining host can find the one that its token names
	Cluster   *Cluster    // a NATS of its own instead of the embedded server
	URL       string      // where agents find the server, several with commas; told to hosts that join
	Authority []byte      // PEM of who proves it to them; empty: an authority that every system knows
	Web       []byte      // PEM of who proves the server of image files to them; empty: likewise
	Logger    *slog.Logger
}

// Server is the centre's side of the link, with the embedded NATS server unless there is a cluster.
type Server struct {
	cfg    Config
	nats   *server.Server // nil with a cluster
	centre string         // public nkey of the centre's own connection
	conn   *nats.Conn
	ctx    context.Context
	stop   context.CancelFunc
	work   sync.WaitGroup
}

const startTimeout = 5 * time.Second

// Start answers agents until Close.
func Start(cfg Config) (*Server, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Listen != "" && cfg.TLS == nil {
		return nil, fmt.Errorf("natslink: remote agents need TLS")
	}
	s := &Server{cfg: cfg}
	s.ctx, s.stop = context.WithCancel(context.Background())
	var err error
	if cfg.Cluster != nil {
		err = s.joinCluster()
	} else {
		err = s.embed()
	}
	if err == nil {
		err = s.serve()
	}
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("natslink: %w", err)
	}
	s.work.Go(func() { _ = s.cfg.Service.Nudges(s.ctx, s.Nudge) })
	return s, nil
}

// embed starts the embedded server and connects to it.
func (s *Server) embed() error {
	own, err := nkeys.CreateUser()
	if err != nil {
		return fmt.Errorf("making the centre's key: %w", err)
	}
	if s.centre, err = own.PublicKey(); err != nil {
		return err
	}
	opts, err := s.options()
	if err != nil {
		return err
	}
	if s.nats, err = server.NewServer(opts); err != nil {
		return err
	}
	if s.cfg.Listen != "" { // the server itself would only log it
		l, err := net.Listen("tcp", s.cfg.Listen)
		if err != nil {
			return err
		}
		_ = l.Close() // it was only to see
	}
	s.nats.Start()
	if !s.nats.ReadyForConnections(startTimeout) {
		return fmt.Errorf("the server did not get ready on %q", s.cfg.Listen)
	}
	s.conn, err = nats.Connect("", append(s.centreOptions(own), nats.InProcessServer(s.nats))...)
	return err
}

// centreOptions are those of the centre's own connection.
func (s *Server) centreOptions(own nkeys.KeyPair) []nats.Option {
	return []nats.Option{nats.Nkey(s.centre, own.Sign), nats.Name("centre"), nats.MaxReconnects(-1), nats.CustomInboxPrefix("_INBOX.centre")}
}

func (s *Server) options() (*server.Options, error) {
	o := &server.Options{ServerName: "edgecloud", NoSigs: true, NoLog: true, DontListen: true, AlwaysEnableNonce: true, MaxPayload: maxMessage,
		CustomClientAuthentication: s, AuthTimeout: 5, PingInterval: 2 * time.Minute}
	if s.cfg.Listen == "" {
		return o, nil
	}
	host, port, err := net.SplitHostPort(s.cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", s.cfg.Listen, err)
	}
	if o.Port, err = strconv.Atoi(port); err != nil {
		return nil, fmt.Errorf("listen %s: %w", s.cfg.Listen, err)
	}
	if o.Port == 0 {
		o.Port = server.RANDOM_PORT
	}
	o.Host, o.DontListen, o.TLSConfig, o.TLS, o.TLSTimeout = host, false, s.cfg.TLS, true, 5
	return o, nil
}

// Addr is the address that remote agents connect to; nil without Listen.
func (s *Server) Addr() net.Addr {
	if s.nats == nil {
		return nil
	}
	return s.nats.Addr()
}

// Connected tells whether the centre reaches its NATS server now.
func (s *Server) Connected() bool { return s.conn.IsConnected() }

// Close ends all connections.
func (s *Server) Close() {
	s.stop()
	if s.conn != nil {
		s.conn.Close()
	}
	s.work.Wait()
	if s.nats != nil {
		s.nats.Shutdown()
		s.nats.WaitForShutdown()
	}
}

// Check authenticates a connection (server.Authentication): the nonce signed with the nkey, and what that key may do.
func (s *Server) Check(c server.ClientAuthentication) bool {
	o := c.GetOpts()
	if !signed(o.Nkey, o.Sig, c.GetNonce()) {
		return false
	}
	if o.Nkey == s.centre {
		c.RegisterUser(&server.User{Username: "centre"})
		return true
	}
	name, allowed, err := s.permissions(o.Nkey)
	if err != nil {
		s.cfg.Logger.Error("looking a host's key up failed", "error", err)
		return false
	}
	c.RegisterUser(&server.User{Username: name, Permissions: may(allowed.publish, allowed.subscribe)})
	return true
}

// allowance is what a key may do.
type allowance struct{ publish, subscribe []string }

// permissions asks the database whose key it is. A host may use its own subjects; a key that nobody knows may only ask to join.
func (s *Server) permissions(key string) (name string, a allowance, err error) {
	h, known, err := s.cfg.Service.HostOfKey(s.ctx, key)
	if err != nil {
		return "", a, err
	}
	if !known {
		return "join", allowance{[]string{"ec.join." + key}, []string{"_INBOX." + key + ".>"}}, nil
	}
	return h.UID, allowance{ // joining again belongs to it: the answer to the first time may have been lost
		publish:   []string{"ec.pull." + h.UID, "ec.report." + h.UID, "ec.heartbeat." + h.UID, "ec.up." + h.UID + ".>", "_INBOX.centre.>", "ec.join." + key},
		subscribe: []string{"ec.nudge." + h.UID, "ec.open." + h.UID, "ec.down." + h.UID + ".>", "_INBOX." + h.UID + ".>", "_INBOX." + key + ".>"},
	}, nil
}

func may(publish, subscribe []string) *server.Permissions {
	return &server.Permissions{Publish: &server.SubjectPermission{Allow: publish}, Subscribe: &server.SubjectPermission{Allow: subscribe}}
}

func signed(key, sig string, nonce []byte) bool {
	if len(nonce) == 0 {
		return false
	}
	raw, err := base64.RawURLEncoding.DecodeString(sig)
	if err != nil {
		if raw, err = base64.StdEncoding.DecodeString(sig); err != nil {
			return false
		}
	}
	public, err := nkeys.FromPublicKey(key)
	return err == nil && public.Verify(nonce, raw) == nil
}

// Invite gives the text of a join token with a secret of link.NewToken, and where the host joins.
func (s *Server) Invite(secret string) (token, url string) {
	return Invitation{Secret: secret, Pin: Pin(s.cfg.Authority)}.String(), s.cfg.URL
}

// Kick closes a host's connections, after link.Revoke. On a cluster they end when their permission does (see Cluster); the database refuses all they ask
// from the moment of the revocation.
func (s *Server) Kick(host string) error {
	if s.nats == nil {
		return nil
	}
	h, err := s.cfg.Service.HostByUID(s.ctx, host)
	if err != nil {
		return err
	}
	const page = 10_000
	for offset := 0; ; offset += page {
		list, err := s.nats.Connz(&server.ConnzOptions{Username: true, Limit: page, Offset: offset})
		if err != nil {
			return fmt.Errorf("natslink: listing connections: %w", err)
		}
		for _, c := range list.Conns {
			if !strings.Contains(c.AuthorizedUser, h.PublicKey) {
				continue
			}
			if err := s.nats.DisconnectClientByID(c.Cid); err != nil {
				return fmt.Errorf("natslink: closing a connection of %s: %w", host, err)
			}
		}
		if len(list.Conns) < page {
			return nil
		}
	}
}

// Nudge signals a host's agent.
func (s *Server) Nudge(host string) { _ = s.conn.Publish("ec.nudge."+host, nil) }

// serve answers the calls: one goroutine each, bounded, so that one slow transaction holds nobody up.
func (s *Server) serve() error {
	slots := make(chan struct{}, 256)
	for call, answer := range map[string]func(context.Context, string, []byte) (any, error){
		"join": s.join, "pull": answerTo(s.cfg.Service.Pull), "report": answerTo(s.cfg.Service.Report), "heartbeat": answerTo(s.cfg.Service.Heartbeat)} {
		_, err := s.conn.QueueSubscribe("ec."+call+".*", "centre", func(m *nats.Msg) {
			slots <- struct{}{}
			s.work.Go(func() {
				defer func() { <-slots }()
				s.answer(m, len("ec."+call+"."), answer)
			})
		})
		if err != nil {
			return err
		}
	}
	return s.conn.Flush()
}

func (s *Server) answer(m *nats.Msg, prefix int, answer func(context.Context, string, []byte) (any, error)) {
	ctx, cancel := context.WithTimeout(s.ctx, 30*time.Second)
	defer cancel()
	data, err := unpack(m.Data)
	var value any
	if err == nil {
		value, err = answer(ctx, m.Subject[prefix:], data)
	}
	if err := m.Respond(packAnswer(value, err)); err != nil && s.ctx.Err() == nil {
		s.cfg.Logger.Warn("answering an agent failed", "subject", m.Subject, "error", err)
	}
}

func (s *Server) join(ctx context.Context, key string, data []byte) (any, error) {
	j, err := decode[protocol.Join](data)
	if err != nil {
		return nil, err
	}
	j.PublicKey = key // proven by the connection
	joined, err := s.cfg.Service.Join(ctx, j)
	joined.URL, joined.CA, joined.Web = s.cfg.URL, string(s.cfg.Authority), string(s.cfg.Web)
	return joined, err
}
