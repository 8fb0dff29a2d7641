package agent_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/agent"
	"edgecloud/link"
	"edgecloud/link/linktest"
	"edgecloud/link/memory"
	"edgecloud/link/natslink"
	"edgecloud/link/protocol"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// Over a link that loses, repeats, delays and reorders, the ledger ends equal to the specs, and the centre's last report on each thing is the newest: the
// observer of newCloud refuses one that is older than what it has.
func TestABadLinkConverges(t *testing.T) {
	for name, connect := range map[string]func(c *cloud) protocol.Transport{
		"memory": func(c *cloud) protocol.Transport { c.net = memory.New(c.service); return c.net.Connect(hostUID) },
		"nats":   overNATS,
	} {
		for seed := range uint64(15) {
			t.Run(fmt.Sprint(name, seed), func(t *testing.T) { badLink(t, connect, seed) })
		}
	}
}

func overNATS(c *cloud) protocol.Transport {
	s, err := natslink.Start(natslink.Config{Service: c.service})
	require.NoError(c.t, err)
	c.t.Cleanup(s.Close)
	id, err := natslink.Local(c.t.TempDir(), hostUID, siteUID)
	require.NoError(c.t, err)
	public, err := id.PublicKey()
	require.NoError(c.t, err)
	c.write(func(ctx context.Context, tx *store.Tx) error {
		return c.service.Enrol(ctx, tx, hostUID, siteUID, public, spec.HostFacts{})
	})
	l, err := natslink.Connect(natslink.Dialer{Server: s}, id)
	require.NoError(c.t, err)
	c.t.Cleanup(func() { l.Close() })
	return l
}

func badLink(t *testing.T, connect func(c *cloud) protocol.Transport, seed uint64) {
	c := newCloud(t)
	faulty := linktest.Wrap(connect(c), seed)
	a := c.agent(func(cfg *agent.Config) { cfg.Transport = faulty })
	defer a.Close()
	random := rand.New(rand.NewPCG(seed, 3))
	for range 40 {
		n := random.IntN(4)
		switch random.IntN(4) {
		case 0:
			c.create(n)
		case 1:
			c.remove(n)
		case 2:
			_ = a.PullOnce(t.Context())
			for a.ApplyNext(t.Context()) {
			}
		}
		_ = a.HeartbeatOnce(t.Context())
		_ = a.ReportOnce(t.Context())
	}
	faulty.Heal()
	require.False(t, step(t, a))
	require.True(t, a.Idle())
	live := 0
	for _, i := range a.Ledger().Items() {
		require.False(t, i.Deleted, "%s %s was not acknowledged", i.Kind, i.UID)
		c.write(func(ctx context.Context, tx *store.Tx) error {
			generation, err := link.Generation(ctx, tx, spec.HostTarget(hostUID), i.Kind, i.UID)
			require.Equal(t, generation, i.Generation)
			return err
		})
		r := c.report(i.Kind, i.UID)
		require.Equal(t, spec.Applied, r.Phase, r.Error)
		require.Equal(t, i.Generation, r.Generation)
		if i.Kind == spec.KindInstance {
			live++
		}
	}
	machines, err := c.host.Hypervisor().List(t.Context())
	require.NoError(t, err)
	require.Len(t, machines, live)
}
