package natslink_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"edgecloud/link"
	"edgecloud/link/natslink"
	"edgecloud/link/protocol"
	"edgecloud/link/spec"
	"edgecloud/store"
)

func centre(t *testing.T) (*store.DB, *link.Service) {
	db, err := store.Open(t.Context(), store.Config{DSN: filepath.Join(t.TempDir(), "a.db"), Migrations: []store.MigrationSet{link.Migrations()}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db, link.New(link.Config{DB: db})
}

func write(t *testing.T, db *store.DB, f func(ctx context.Context, tx *store.Tx) error) {
	t.Helper()
	require.NoError(t, db.Write(context.Background(), f))
}

func certificate(t *testing.T) (serverTLS, clientTLS *tls.Config) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true,
		BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	require.NoError(t, err)
	parsed, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, &tls.Config{RootCAs: pool}
}

func start(t *testing.T, cfg natslink.Config) *natslink.Server {
	s, err := natslink.Start(cfg)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

func TestJoinOverTLSPullReportAndBeConfined(t *testing.T) {
	db, service := centre(t)
	serverTLS, clientTLS := certificate(t)
	s := start(t, natslink.Config{Service: service, Listen: "127.0.0.1:0", TLS: serverTLS})
	d := natslink.Dialer{URL: "tls://" + s.Addr().String(), TLS: clientTLS}
	var token, other string
	write(t, db, func(ctx context.Context, tx *store.Tx) (err error) {
		if token, err = link.NewToken(ctx, tx, "site", "a", time.Hour); err != nil {
			return err
		}
		if other, err = link.NewToken(ctx, tx, "site", "b", time.Hour); err != nil {
			return err
		}
		_, err = link.Put(ctx, tx, spec.HostTarget("a"), spec.KindVolume, "v", spec.Volume{UID: "v", Bytes: 1})
		return err
	})
	dir := t.TempDir()
	_, err := natslink.Join(t.Context(), d, dir, "wrong", spec.HostFacts{})
	require.ErrorIs(t, err, protocol.ErrToken)
	id, err := natslink.Join(t.Context(), d, dir, token, spec.HostFacts{})
	require.NoError(t, err)
	require.Equal(t, "a", id.Host)
	info, err := os.Stat(filepath.Join(dir, "nkey"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	_, err = natslink.Join(t.Context(), d, t.TempDir(), token, spec.HostFacts{})
	require.ErrorIs(t, err, protocol.ErrToken, "a token serves one key")
	_, err = natslink.Join(t.Context(), d, t.TempDir(), other, spec.HostFacts{})
	require.NoError(t, err)

	id, err = natslink.Load(dir)
	require.NoError(t, err)
	c, err := natslink.Connect(d, id)
	require.NoError(t, err)
	defer c.Close()
	got, err := c.Pull(t.Context(), protocol.Pull{Target: spec.HostTarget("a")})
	require.NoError(t, err)
	require.Len(t, got.Items, 1)
	_, err = c.Pull(t.Context(), protocol.Pull{Target: spec.HostTarget("b")})
	require.ErrorIs(t, err, protocol.ErrDenied)
	_, err = c.Pull(t.Context(), protocol.Pull{Target: spec.SiteTarget("site"), Role: 1})
	require.ErrorIs(t, err, protocol.ErrNotRole)
	answer, err := c.Report(t.Context(), protocol.Reports{Reports: []spec.Report{{Seq: 7, Kind: spec.KindVolume, UID: "v", Phase: spec.Applied}}})
	require.NoError(t, err)
	require.Equal(t, int64(7), answer.Seq)
	confined(t, dir, d)

	write(t, db, func(ctx context.Context, tx *store.Tx) error { return link.Revoke(ctx, tx, "a") })
	require.NoError(t, s.Kick("a"))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err = c.Heartbeat(ctx, protocol.Heartbeat{})
	require.ErrorIs(t, err, protocol.ErrAway)
}

// confined tries the subjects of other hosts with a host's own key.
func confined(t *testing.T, dir string, d natslink.Dialer) {
	key, err := natslink.Key(dir)
	require.NoError(t, err)
	public, err := key.PublicKey()
	require.NoError(t, err)
	refused := make(chan error, 100)
	conn, err := nats.Connect(d.URL, nats.Secure(d.TLS), nats.Nkey(public, key.Sign), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { refused <- err }))
	require.NoError(t, err)
	defer conn.Close()
	for _, subject := range []string{"ec.pull.b", "ec.report.b", "ec.heartbeat.b", "ec.nudge.b", "ec.open.b", "ec.down.b.x", "ec.join.x", "_INBOX.b.x", "$SYS.REQ.SERVER.PING"} {
		require.NoError(t, conn.Publish(subject, []byte("{}")))
		require.NoError(t, conn.Flush())
		require.ErrorIs(t, <-refused, nats.ErrPermissionViolation, subject)
	}
	for _, subject := range []string{"ec.>", "ec.report.*", "ec.nudge.b", "_INBOX.>", "_INBOX.b.>", "ec.up.a.>", ">"} {
		_, err := conn.SubscribeSync(subject)
		require.NoError(t, err)
		require.NoError(t, conn.Flush())
		require.ErrorIs(t, <-refused, nats.ErrPermissionViolation, subject)
	}
}

func local(t *testing.T, db *store.DB, service *link.Service, s *natslink.Server) *natslink.Client {
	id, err := natslink.Local(t.TempDir(), "a", "site")
	require.NoError(t, err)
	public, err := id.PublicKey()
	require.NoError(t, err)
	write(t, db, func(ctx context.Context, tx *store.Tx) error {
		return service.Enrol(ctx, tx, "a", "site", public, spec.HostFacts{})
	})
	c, err := natslink.Connect(natslink.Dialer{Server: s}, id)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

func TestInProcessNudgesAndStreams(t *testing.T) {
	db, service := centre(t)
	began := time.Now()
	s := start(t, natslink.Config{Service: service})
	t.Logf("started in %v", time.Since(began))
	c := local(t, db, service, s)
	for len(c.Nudges()) > 0 {
		<-c.Nudges()
	}
	_, err := c.Heartbeat(t.Context(), protocol.Heartbeat{})
	require.NoError(t, err)
	write(t, db, func(ctx context.Context, tx *store.Tx) error {
		_, err := link.Put(ctx, tx, spec.HostTarget("a"), spec.KindVolume, "v", spec.Volume{UID: "v"})
		return err
	})
	select {
	case <-c.Nudges():
	case <-time.After(5 * time.Second):
		t.Fatal("no nudge")
	}
	_, err = s.Dial(t.Context(), "a", "instance", "vm")
	require.Error(t, err, "nobody serves")
	c.Serve(func(_ context.Context, kind, uid string) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			defer far.Close()
			_, _ = far.Write([]byte(kind + uid))
			_, _ = io.Copy(far, far)
		}()
		return near, nil
	})
	conn, err := s.Dial(t.Context(), "a", "instance", "vm")
	require.NoError(t, err)
	hello := make([]byte, len("instancevm"))
	_, err = io.ReadFull(conn, hello)
	require.NoError(t, err)
	require.Equal(t, "instancevm", string(hello))
	sent := make([]byte, 3<<20)
	_, _ = rand.Read(sent)
	go func() { _, _ = conn.Write(sent) }()
	got := make([]byte, len(sent))
	_, err = io.ReadFull(conn, got)
	require.NoError(t, err)
	require.Equal(t, sent, got)
	require.NoError(t, conn.Close())
}
