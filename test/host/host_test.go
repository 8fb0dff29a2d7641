package host_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/test/host"
)

func TestPingAcrossGeneve(t *testing.T) {
	began := time.Now()
	f := host.NewFabric(t)
	a, b := f.Host(t, "a"), f.Host(t, "b")
	t.Logf("fabric and two hosts in %s", time.Since(began))
	ctx := context.Background()
	_, err := f.NBCtl(ctx, "ls-add", "sw", "--",
		"lsp-add", "sw", "p1", "--", "lsp-set-addresses", "p1", "02:00:00:00:00:01 192.168.0.11", "--",
		"lsp-add", "sw", "p2", "--", "lsp-set-addresses", "p2", "02:00:00:00:00:02 192.168.0.12")
	require.NoError(t, err)
	p1 := a.Port(t, "p1", "02:00:00:00:00:01", "192.168.0.11/24", "", "p1")
	p2 := b.Port(t, "p2", "02:00:00:00:00:02", "192.168.0.12/24", "", "p2")
	p1.Reaches(t, "192.168.0.12", time.Minute)
	p2.Reaches(t, "192.168.0.11", time.Minute)
	t.Logf("reached after %s", time.Since(began))
}
