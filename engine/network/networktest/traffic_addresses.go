package networktest

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

// furtherAddress gives a port that is in use a second address, which works in both directions from the same subnet and a routed one, and takes it away.
func (x *tenant) furtherAddress(t *testing.T) {
	const second = "10.1.0.88"
	ctx, e := t.Context(), x.f.Engine
	take(t, x.rb, second)
	require.False(t, ping(x.rb, "10.1.0.11", "-I", second), "the port has not got it yet")
	more := x.b
	more.Addresses = append(more.Addresses[:1:1], netip.MustParseAddr(second))
	require.NoError(t, e.EnsurePort(ctx, more))
	reaches(t, x.ra, second)
	reaches(t, x.rc, second)
	eventually(t, "it sends from its second address", func() bool { return ping(x.rb, "10.2.0.11", "-I", second) })
	require.True(t, ping(x.rb, "10.1.0.11", "-I", "10.1.0.12"), "and from its first one")
	require.NoError(t, e.EnsurePort(ctx, x.b))
	eventually(t, "it sends from it no more", func() bool { return !ping(x.rb, "10.1.0.11", "-I", second) })
	silent(t, x.rc, second)
	reaches(t, x.ra, "10.1.0.12")
	run(t, x.rb, "ip", "addr", "del", second+"/24", "dev", "eth0")
}
