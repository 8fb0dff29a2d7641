//go:build terraform

package terraform

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/controlplane/controlplanetest"
	"edgecloud/store"
)

const (
	terraformVersion = "v1.5.7"
	providerVersion  = "v1.52.1"
)

// cloud is a simulated cloud behind a proxy that leads every name to it.
type cloud struct {
	*controlplanetest.Cloud
	env []string
}

func start(t *testing.T) *cloud {
	t.Helper()
	c := controlplanetest.Start(t, nil)
	server := httptest.NewTLSServer(c.Control)
	t.Cleanup(server.Close)
	return &cloud{Cloud: c, env: append(os.Environ(),
		"HTTPS_PROXY=http://"+proxy(t, server.Listener.Addr().String()), "NO_PROXY=", "HW_INSECURE=true", "HW_CLOUD=edgecloud.localhost",
		"HW_REGION_NAME=region-1", "HW_ACCESS_KEY="+c.Admin.Key.ID, "HW_SECRET_KEY="+c.Admin.Key.Secret,
		"HW_DOMAIN_NAME="+c.Admin.Account.Name, "HW_MAX_RETRIES=0", "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1")}
}

// proxy answers CONNECT for any name with a tunnel to one address.
func proxy(t *testing.T, to string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go tunnel(client, to)
		}
	}()
	return listener.Addr().String()
}

func tunnel(client net.Conn, to string) {
	defer client.Close()
	reader := bufio.NewReader(client)
	request, err := http.ReadRequest(reader)
	if err != nil || request.Method != http.MethodConnect {
		return
	}
	server, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer server.Close()
	if _, err := io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return
	}
	go func() { _, _ = io.Copy(server, reader) }()
	_, _ = io.Copy(client, server)
}

// tool gives the path of what scripts/terraform.sh has built.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", ".cache", "tools", name))
	require.NoError(t, err)
	require.FileExists(t, path, "build it with scripts/terraform.sh")
	return path
}

func (c *cloud) command(t *testing.T, limit time.Duration, path string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = c.env
	return cmd
}

// lines cuts output to its last lines.
func lines(out []byte, most int) string {
	all := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Join(all[max(0, len(all)-most):], "\n")
}

// nothingLeft demands that no row of a tenant's resource is there any more, once the hosts have confirmed the deletions.
func (c *cloud) nothingLeft(t *testing.T) {
	t.Helper()
	controlplanetest.Eventually(t, "everything is gone", func() bool {
		var left []string
		require.NoError(t, c.Control.DB.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.NewRaw(`SELECT * FROM (SELECT 'instance' FROM instances UNION ALL SELECT 'volume' FROM volumes UNION ALL SELECT 'port' FROM ports UNION ALL SELECT 'public ip' FROM public_ips
				UNION ALL SELECT 'lease' FROM line_addresses UNION ALL SELECT 'network' FROM networks UNION ALL SELECT 'key' FROM key_pairs
				UNION ALL SELECT 'quota ' || name FROM quota_use WHERE used <> 0 AND name NOT LIKE 'security%') AS kept`).Scan(ctx, &left)
		}))
		return len(left) == 0
	})
}
