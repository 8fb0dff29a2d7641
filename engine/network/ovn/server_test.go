package ovn_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/engine/network"
	"edgecloud/engine/network/networktest"
	"edgecloud/engine/network/ovn"
)

// startNorthbound runs a northbound database alone: what the rows are does not depend on who reads them.
func startNorthbound(t testing.TB) string {
	t.Helper()
	return startDatabase(t, "/usr/share/ovn/ovn-nb.ovsschema")
}

func startDatabase(t testing.TB, schema string) string {
	t.Helper()
	for _, program := range []string{"ovsdb-server", "ovsdb-tool"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%s is missing: apt-get install openvswitch-switch ovn-common", program)
		}
	}
	// Not t.TempDir: unix socket paths end at 107 bytes.
	dir, err := os.MkdirTemp("", "ecnb")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	out, err := exec.Command("ovsdb-tool", "create", dir+"/nb.db", schema).CombinedOutput()
	require.NoError(t, err, string(out))
	serve(t, dir)
	return "unix:" + filepath.Join(dir, "nb")
}

// serve starts ovsdb-server on the database of a folder, until the test ends or the result is called.
func serve(t testing.TB, dir string) (stop func()) {
	t.Helper()
	cmd := exec.Command("ovsdb-server", "--remote=punix:"+dir+"/nb", "--unixctl="+dir+"/ctl", "--log-file="+dir+"/log", "-vconsole:off", dir+"/nb.db")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, cmd.Start())
	stop = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	t.Cleanup(stop)
	require.Eventually(t, func() bool {
		c, err := net.Dial("unix", dir+"/nb")
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	}, time.Minute, 10*time.Millisecond)
	return stop
}

func openEngine(t testing.TB, endpoint string) *ovn.Engine {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	e, err := ovn.Open(ctx, ovn.Options{Endpoint: endpoint, GatewayChassis: []string{"a"}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e
}

func TestSuite(t *testing.T) {
	networktest.Suite(t, "ovn", func(t *testing.T) network.Network { return openEngine(t, startNorthbound(t)) })
}
