package daemons_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/engine/daemons"
)

func namespace(t *testing.T) *daemons.Namespace {
	t.Helper()
	require.NoError(t, daemons.Missing())
	dir := t.TempDir()
	n, err := daemons.NewNamespace(context.Background(), daemons.NamespaceConfig{Hostname: "cell", Dir: dir, Binds: map[string]string{"/run": dir + "/run"}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, n.Close()) })
	return n
}

func TestNamespaceIsItsOwnMachine(t *testing.T) {
	n, ctx := namespace(t), context.Background()
	out, err := daemons.Script(ctx, n, "hostname; ls /sys/class/net; touch /run/here")
	require.NoError(t, err)
	require.Equal(t, "cell\nlo", out)
	require.FileExists(t, n.Dir()+"/run/here")
	require.NoFileExists(t, "/run/here")
}

func TestCloseKillsWhatDetached(t *testing.T) {
	n, ctx := namespace(t), context.Background()
	_, err := daemons.Script(ctx, n, "setsid sleep 1000 </dev/null >/dev/null 2>&1 &")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		list, err := n.Processes("sleep")
		return err == nil && len(list) == 1 && list[0][1] == "1000"
	}, 5*time.Second, 10*time.Millisecond)
	began := time.Now()
	require.NoError(t, n.Close())
	require.Less(t, time.Since(began), 5*time.Second)
	_, err = os.Stat(n.NetPath())
	require.ErrorIs(t, err, os.ErrNotExist)
	list, err := n.Processes("sleep")
	require.NoError(t, err)
	require.Empty(t, list)
}

func TestAnchorReapsOrphans(t *testing.T) {
	n, ctx := namespace(t), context.Background()
	_, err := daemons.Script(ctx, n, "(setsid sleep 0.05 </dev/null >/dev/null 2>&1 &) ")
	require.NoError(t, err)
	err = daemons.WaitFor(ctx, 5*time.Second, "orphan reaped", func() error {
		_, err := daemons.Script(ctx, n, "[ $(ls -d /proc/[0-9]* | wc -l) -le 5 ] && ! grep -l '^State:.Z' /proc/[0-9]*/status")
		return err
	})
	require.NoError(t, err)
}

func TestScriptStopsAtItsFirstFailure(t *testing.T) {
	n := namespace(t)
	_, err := daemons.Script(context.Background(), n, "echo said >&2\nfalse\ntouch /run/after")
	require.ErrorContains(t, err, "said")
	require.NoFileExists(t, n.Dir()+"/run/after")
}
