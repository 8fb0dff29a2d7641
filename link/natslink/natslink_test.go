package natslink_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
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

func certificate(t *testing.T) (serverTLS, clientTLS *tls.Config, authority []byte) {
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
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, &tls.Config{RootCAs: pool},
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func start(t *testing.T, cfg natslink.Config) *natslink.Server {
	s, err := natslink.Start(cfg)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// cluster starts a NATS server of its own with the configuration that an operator would include.
func cluster(t *testing.T, serverTLS *tls.Config) (url string, keys natslink.Keys) {
	keys, err := natslink.ClusterKeys(filepath.Join(t.TempDir(), "link"))
	require.NoError(t, err)
	text, err := keys.Config(natslink.DefaultAccount)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "nats.conf")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	o, err := server.ProcessConfigFile(path)
	require.NoError(t, err)
	o.Host, o.Port, o.TLS, o.TLSConfig, o.NoSigs, o.NoLog = "127.0.0.1", server.RANDOM_PORT, true, serverTLS, true, true
	n, err := server.NewServer(o)
	require.NoError(t, err)
	n.Start()
	t.Cleanup(n.Shutdown)
	require.True(t, n.ReadyForConnections(5*time.Second))
	return "tls://" + n.Addr().String(), keys
}

func TestJoinOverTLSPullReportAndBeConfined(t *testing.T) {
	serverTLS, clientTLS, authority := certificate(t)
	t.Run("embedded", func(t *testing.T) {
		db, service := centre(t)
		s := start(t, natslink.Config{Service: service, Listen: "127.0.0.1:0", TLS: serverTLS, Authority: authority})
		joinAndBeConfined(t, db, s, natslink.Dialer{URL: "tls://" + s.Addr().String(), TLS: clientTLS}, authority)
	})
	t.Run("cluster", func(t *testing.T) {
		db, service := centre(t)
		url, keys := cluster(t, serverTLS)
		s := start(t, natslink.Config{Service: service, URL: url, Authority: authority,
			Cluster: &natslink.Cluster{URL: url, TLS: clientTLS, Account: natslink.DefaultAccount, Keys: keys}})
		joinAndBeConfined(t, db, s, natslink.Dialer{URL: url, TLS: clientTLS}, authority)
	})
}

// joinAndBeConfined is a host's life with the link: it joins, does its own work, is kept from everything else, and is removed.
func joinAndBeConfined(t *testing.T, db *store.DB, s *natslink.Server, d natslink.Dialer, authority []byte) {
	var token, other, late string
	write(t, db, func(ctx context.Context, tx *store.Tx) (err error) {
		for into, k := range map[*string]link.Token{&token: {Site: "site", Host: "a", Life: time.Hour}, &other: {Site: "site", Host: "b", Name: "second", Life: time.Hour},
			&late: {Site: "site", Host: "c", Life: -time.Second}} {
			secret, err := link.NewToken(ctx, tx, k)
			if err != nil {
				return err
			}
			*into = natslink.Invitation{Secret: secret, Pin: natslink.Pin(authority)}.String()
		}
		_, err = link.Put(ctx, tx, spec.HostTarget("a"), spec.KindVolume, "v", spec.Volume{UID: "v", Bytes: 1})
		return err
	})
	dir, stranger := t.TempDir(), natslink.Dialer{URL: d.URL} // knows nothing but the token
	id, err := natslink.Join(t.Context(), stranger, dir, token, spec.HostFacts{Name: "own"})
	require.NoError(t, err)
	require.Equal(t, protocol.Joined{Host: "a", Site: "site", Name: "own", URL: d.URL, CA: string(authority)}, id.Joined)
	again, err := natslink.Join(t.Context(), stranger, dir, token, spec.HostFacts{Name: "own"})
	require.NoError(t, err, "the first answer may have been lost")
	require.Equal(t, id.Joined, again.Joined)
	info, err := os.Stat(filepath.Join(dir, "nkey"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	for text, says := range map[string]string{token: "another host has used it", late: "it expired at", natslink.Invitation{Secret: "guessed"}.String(): "nobody has given it out",
		"guessed": "does not look like one", token[:len(token)-1]: "cut off"} {
		_, err = natslink.Join(t.Context(), d, t.TempDir(), text, spec.HostFacts{})
		require.ErrorIs(t, err, protocol.ErrToken)
		require.ErrorContains(t, err, says)
	}
	second, err := natslink.Join(t.Context(), stranger, t.TempDir(), other, spec.HostFacts{Name: "own"})
	require.NoError(t, err)
	require.Equal(t, "second", second.Name)

	id, err = natslink.Load(dir)
	require.NoError(t, err)
	d, err = id.Dialer()
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
	_, err = c.Heartbeat(t.Context(), protocol.Heartbeat{})
	require.ErrorIs(t, err, protocol.ErrDenied, "from the moment of the revocation, although the connection is there")
	require.NoError(t, s.Kick("a"))
	if s.Addr() == nil {
		return // a cluster closes the connection when the permit has run out
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err = c.Heartbeat(ctx, protocol.Heartbeat{})
	require.ErrorIs(t, err, protocol.ErrAway)
}

// The token names the authority: whoever else answers at the address does not get the secret.
func TestAnImpostorGetsNoToken(t *testing.T) {
	_, service := centre(t)
	serverTLS, _, _ := certificate(t)
	_, _, other := certificate(t)
	s := start(t, natslink.Config{Service: service, Listen: "127.0.0.1:0", TLS: serverTLS})
	url := "tls://" + s.Addr().String()
	for _, token := range []natslink.Invitation{{Secret: "secret", Pin: natslink.Pin(other)}, {Secret: "secret"}} {
		_, err := natslink.Join(t.Context(), natslink.Dialer{URL: url}, t.TempDir(), token.String(), spec.HostFacts{})
		require.Error(t, err)
		require.Regexp(t, "unknown authority|another hash", err.Error())
	}
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
