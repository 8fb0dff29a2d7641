package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"
)

// selfSigned makes a certificate for loopback, and the file that proves it.
func selfSigned(t *testing.T) (config *tls.Config, file string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	require.NoError(t, err)
	file = writeFile(t, "nats-ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, file
}

// natsServer is the operator's NATS: it includes what the centre has written.
func natsServer(t *testing.T, port int, config *tls.Config, include string) *server.Server {
	o, err := server.ProcessConfigFile(include)
	require.NoError(t, err)
	o.Host, o.Port, o.TLS, o.TLSConfig, o.NoSigs, o.NoLog = "127.0.0.1", port, true, config, true, true
	n, err := server.NewServer(o)
	require.NoError(t, err)
	n.Start()
	require.True(t, n.ReadyForConnections(10*time.Second))
	return n
}

// TestANATSClusterOfTheOperators carries the link over a NATS server that edgecloud does not run.
func TestANATSClusterOfTheOperators(t *testing.T) {
	config, authority := selfSigned(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := l.Addr().(*net.TCPAddr).Port
	require.NoError(t, l.Close())
	url := "tls://" + l.Addr().String()
	c := &centre{t: t, dir: filepath.Join(t.TempDir(), "centre"), args: []string{"--listen", "127.0.0.1:0", "--link-cluster", url, "--link-cluster-ca", authority, "--http", "--log-level", "warn"}}
	out, code := run(t, append([]string{"control", "--data", c.dir}, c.args...)...)
	require.Equal(t, 1, code)
	require.Contains(t, out, "reach the NATS cluster at "+url)
	include := filepath.Join(c.dir, "link", "nats-auth.conf")
	n := natsServer(t, port, config, include)
	c.start()
	c.furnish()
	began := time.Now()
	h := joinHost(t, c, "host-1")
	c.heard(began, "host-1")
	vm, _ := c.order("first")

	n.Shutdown()
	n.WaitForShutdown()
	c.ready(503)
	n = natsServer(t, port, config, include)
	defer n.Shutdown()
	c.ready(200)
	c.heard(time.Now(), "host-1")
	running(t, c.process, vm)
	require.NoError(t, h.end(t, syscall.SIGTERM))
	require.NoError(t, c.end(t, syscall.SIGTERM))
}

// ready waits until the centre says that it can serve, or cannot.
func (c *centre) ready(status int) {
	eventually(c.t, "readiness", patience, func() error {
		r, err := http.Get(c.env.Admin + "/admin/v1/ready")
		if err != nil {
			return err
		}
		defer r.Body.Close()
		if r.StatusCode != status {
			return fmt.Errorf("it answers %d", r.StatusCode)
		}
		return nil
	})
}
