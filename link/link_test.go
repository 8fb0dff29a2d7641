package link_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/link"
	"edgecloud/link/protocol"
	"edgecloud/link/spec"
	"edgecloud/store"
)

type fixture struct {
	*testing.T
	db  *store.DB
	s   *link.Service
	now time.Time
}

func open(t *testing.T) *fixture {
	f := &fixture{T: t, now: time.Unix(1_700_000_000, 0)}
	db, err := store.Open(t.Context(), store.Config{DSN: filepath.Join(t.TempDir(), "a.db"), Migrations: []store.MigrationSet{link.Migrations()},
		Now: func() time.Time { return f.now }})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	f.db, f.s = db, link.New(link.Config{DB: db})
	for _, h := range []string{"a", "b"} {
		f.write(func(ctx context.Context, tx *store.Tx) error {
			return f.s.Enrol(ctx, tx, h, "site", "key-"+h, spec.HostFacts{})
		})
	}
	return f
}

func (f *fixture) write(do func(ctx context.Context, tx *store.Tx) error) {
	f.Helper()
	require.NoError(f, f.db.Write(context.Background(), do))
}

func (f *fixture) put(uid string, bytes int64) (generation int64) {
	f.write(func(ctx context.Context, tx *store.Tx) (err error) {
		generation, err = link.Put(ctx, tx, "host.a", spec.KindVolume, uid, spec.Volume{UID: uid, Bytes: bytes})
		return err
	})
	return generation
}

func TestGenerationsGrowOnlyWithContent(t *testing.T) {
	f := open(t)
	first := f.put("v", 1)
	require.Equal(t, first, f.put("v", 1))
	second := f.put("v", 2)
	require.Greater(t, second, first)
	f.write(func(ctx context.Context, tx *store.Tx) error {
		return link.Delete(ctx, tx, "host.a", spec.KindVolume, "v")
	})
	pulled, err := f.s.Pull(t.Context(), "a", protocol.Pull{Target: "host.a", Since: second})
	require.NoError(t, err)
	require.Len(t, pulled.Items, 1)
	require.True(t, pulled.Items[0].Deleted)
	gone := pulled.Items[0].Generation
	tell := func(seq, generation int64) {
		_, err := f.s.Report(t.Context(), "a", protocol.Reports{Reports: []spec.Report{{Seq: seq, Kind: spec.KindVolume, UID: "v", Generation: generation, Phase: spec.Gone}}})
		require.NoError(t, err)
	}
	tell(1, second)
	f.write(func(ctx context.Context, tx *store.Tx) error {
		none, err := link.Gone(ctx, tx, "host.a", spec.KindVolume, "v")
		require.False(t, none, "that report was on an older generation")
		return err
	})
	tell(2, gone)
	f.write(func(ctx context.Context, tx *store.Tx) error {
		none, err := link.Gone(ctx, tx, "host.a", spec.KindVolume, "v")
		require.True(t, none)
		return err
	})
	require.Greater(t, f.put("v", 1), gone, "a generation is never used twice")
}

func TestPagesMissNothing(t *testing.T) {
	f := open(t)
	for i := range 700 {
		f.put(string(rune('a'+i%26))+string(rune('a'+i/26)), 1)
	}
	got, since := 0, int64(0)
	for {
		p, err := f.s.Pull(t.Context(), "a", protocol.Pull{Target: "host.a", Since: since})
		require.NoError(t, err)
		got, since = got+len(p.Items), p.Revision
		if !p.More {
			break
		}
	}
	require.Equal(t, 700, got)
}

func TestTheRoleMovesOnlyWhenItsLeaseHasRunOut(t *testing.T) {
	f := open(t)
	beat := func(host string) int64 {
		b, err := f.s.Heartbeat(t.Context(), host, protocol.Heartbeat{Site: true})
		require.NoError(t, err)
		return b.Role
	}
	require.Equal(t, int64(1), beat("a"))
	require.Zero(t, beat("b"))
	f.now = f.now.Add(20 * time.Second)
	require.Equal(t, int64(1), beat("a"))
	f.now = f.now.Add(31 * time.Second)
	require.Equal(t, int64(2), beat("b"), "a was silent for longer than its lease")
	require.Zero(t, beat("a"))
	_, err := f.s.Pull(t.Context(), "a", protocol.Pull{Target: "site.site", Role: 1})
	require.ErrorIs(t, err, protocol.ErrNotRole)
	_, err = f.s.Pull(t.Context(), "b", protocol.Pull{Target: "site.site", Role: 2})
	require.NoError(t, err)
}

func TestStaleReportsAreIgnored(t *testing.T) {
	f := open(t)
	var seen []int64
	s := link.New(link.Config{DB: f.db, Observers: map[string]link.Observer{spec.KindVolume: func(_ context.Context, _ *store.Tx, r spec.Report) error {
		seen = append(seen, r.Seq)
		return nil
	}}})
	for _, seq := range []int64{5, 3, 5, 9, 8} {
		_, err := s.Report(t.Context(), "a", protocol.Reports{Reports: []spec.Report{{Seq: seq, Kind: spec.KindVolume, UID: "v", Phase: spec.Applied}}})
		require.NoError(t, err)
	}
	require.Equal(t, []int64{5, 9}, seen)
}

// A thing that was destroyed on purpose and comes back (an engine from an older copy of its disk, a former holder of the site role) is destroyed again; what was
// never known is kept.
func TestWhatWasDestroyedOnPurposeStaysDestroyed(t *testing.T) {
	f := open(t)
	f.put("v", 1)
	f.write(func(ctx context.Context, tx *store.Tx) error {
		return link.Delete(ctx, tx, "host.a", spec.KindVolume, "v")
	})
	seq := int64(0)
	tell := func(uid string, phase spec.Phase, generation int64) {
		seq++
		_, err := f.s.Report(t.Context(), "a", protocol.Reports{Reports: []spec.Report{{Seq: seq, Kind: spec.KindVolume, UID: uid, Generation: generation, Phase: phase}}})
		require.NoError(t, err)
	}
	tombstone := func() (generation int64) {
		pulled, err := f.s.Pull(t.Context(), "a", protocol.Pull{Target: "host.a"})
		require.NoError(t, err)
		for _, i := range pulled.Items {
			require.True(t, i.Deleted && i.UID == "v", "%v", i)
			generation = i.Generation
		}
		return generation
	}
	first := tombstone()
	tell("v", spec.Gone, first)
	require.Zero(t, tombstone())
	tell("v", spec.Orphan, first+10)
	tell("never known", spec.Orphan, 0)
	second := tombstone()
	require.Greater(t, second, first+10, "a ledger that is ahead must take it")
	tell("v", spec.Gone, second)
	require.Zero(t, tombstone())
	back := f.put("v", 2)
	tell("v", spec.Orphan, 0)
	f.write(func(ctx context.Context, tx *store.Tx) error {
		generation, err := link.Get(ctx, tx, "host.a", spec.KindVolume, "v", &spec.Volume{})
		require.Equal(t, back, generation, "what is wanted again is not touched by a late report")
		return err
	})
}
