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

// Config says how the embedded server is reached.
type Config struct {
	Service *link.Service
	Listen  string      // host:port for remote agents; empty: in-process only
	TLS     *tls.Config // required with Listen
	Logger  *slog.Logger
}

// Server is the embedded NATS server and the centre's side of the link.
type Server struct {
	cfg    Config
	nats   *server.Server
	centre string // public nkey of the centre's own connection
	conn   *nats.Conn
	ctx    context.Context
	stop   context.CancelFunc
	work   sync.WaitGroup
}

const startTimeout = 5 * time.Second

// Start starts the server and answers agents until Close.
func Start(cfg Config) (*Server, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Listen != "" && cfg.TLS == nil {
		return nil, fmt.Errorf("natslink: remote agents need TLS")
	}
	s := &Server{cfg: cfg}
	s.ctx, s.stop = context.WithCancel(context.Background())
	own, err := nkeys.CreateUser()
	if err != nil {
		return nil, fmt.Errorf("natslink: making the centre's key: %w", err)
	}
	if s.centre, err = own.PublicKey(); err != nil {
		return nil, err
	}
	opts, err := s.options()
	if err != nil {
		return nil, err
	}
	if s.nats, err = server.NewServer(opts); err != nil {
		return nil, fmt.Errorf("natslink: %w", err)
	}
	s.nats.Start()
	if !s.nats.ReadyForConnections(startTimeout) {
		s.nats.Shutdown()
		return nil, fmt.Errorf("natslink: the server did not get ready on %q", cfg.Listen)
	}
	s.conn, err = nats.Connect("", nats.InProcessServer(s.nats), nats.Nkey(s.centre, own.Sign), nats.Name("centre"), nats.MaxReconnects(-1),
		nats.CustomInboxPrefix("_INBOX.centre"))
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

func (s *Server) options() (*server.Options, error) {
	o := &server.Options{ServerName: "edgecloud", NoSigs: true, NoLog: true, DontListen: true, AlwaysEnableNonce: true, MaxPayload: maxMessage,
		CustomClientAuthentication: s, AuthTimeout: 5, PingInterval: 2 * time.Minute}
	if s.cfg.Listen == "" {
		return o, nil
	}
	host, port, err := net.SplitHostPort(s.cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("natslink: listen: %w", err)
	}
	if o.Port, err = strconv.Atoi(port); err != nil {
		return nil, fmt.Errorf("natslink: listen: %w", err)
	}
	if o.Port == 0 {
		o.Port = server.RANDOM_PORT
	}
	o.Host, o.DontListen, o.TLSConfig, o.TLS, o.TLSTimeout = host, false, s.cfg.TLS, true, 5
	return o, nil
}

// Addr is the address that remote agents connect to; nil without Listen.
func (s *Server) Addr() net.Addr { return s.nats.Addr() }

// Close ends all connections.
func (s *Server) Close() {
	s.stop()
	if s.conn != nil {
		s.conn.Close()
	}
	s.work.Wait()
	s.nats.Shutdown()
	s.nats.WaitForShutdown()
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
	h, known, err := s.cfg.Service.HostOfKey(s.ctx, o.Nkey)
	if err != nil {
		s.cfg.Logger.Error("looking a host's key up failed", "error", err)
		return false
	}
	if !known {
		c.RegisterUser(&server.User{Username: "join", Permissions: may([]string{"ec.join." + o.Nkey}, []string{"_INBOX." + o.Nkey + ".>"})})
		return true
	}
	c.RegisterUser(&server.User{Username: h.UID, Permissions: may(
		[]string{"ec.pull." + h.UID, "ec.report." + h.UID, "ec.heartbeat." + h.UID, "ec.up." + h.UID + ".>", "_INBOX.centre.>"},
		[]string{"ec.nudge." + h.UID, "ec.open." + h.UID, "ec.down." + h.UID + ".>", "_INBOX." + h.UID + ".>"})})
	return true
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

// Kick closes a host's connections, after link.Revoke.
func (s *Server) Kick(host string) error {
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
	return s.cfg.Service.Join(ctx, j)
}
