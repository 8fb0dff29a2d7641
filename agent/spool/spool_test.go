package spool_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"edgecloud/agent/spool"
)

func round(k int) string { return fmt.Sprintf(`{"n":%d,"pad":%q}`, k, strings.Repeat("x", 100<<10)) }

func drain(t require.TestingT, s *spool.Spool) (all []string) {
	for s.Waiting() {
		some, err := s.Take(1 << 20)
		require.NoError(t, err)
		for _, r := range some {
			all = append(all, string(r.Data))
			require.NoError(t, s.Done(r.ID))
		}
	}
	return all
}

func TestRoundsSurviveTheAgent(t *testing.T) {
	dir := t.TempDir()
	s, err := spool.Open(dir, 0)
	require.NoError(t, err)
	var want []string
	for k := range 25 { // two full segments and an open one
		want = append(want, round(k))
		require.NoError(t, s.Put([]byte(round(k))))
	}
	taken, err := s.Take(1)
	require.NoError(t, err)
	require.Len(t, taken, 1)
	require.NoError(t, s.Close())
	// The agent is killed in the middle of a line.
	open, err := filepath.Glob(filepath.Join(dir, "*.open"))
	require.NoError(t, err)
	require.Len(t, open, 1)
	f, err := os.OpenFile(open[0], os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(`{"n":99,"pa`)
	require.NoError(t, err)
	require.NoError(t, f.Close())

	again, err := spool.Open(dir, 0)
	require.NoError(t, err)
	require.NoError(t, again.Put([]byte(`{"n":25}`)))
	require.Equal(t, append(want, `{"n":25}`), drain(t, again))
	require.NoError(t, again.Close())
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 1, "what was taken is gone from the disk")
}

func TestTheOldestGoAtTheBound(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		s, err := spool.Open(dir, 3<<20)
		require.NoError(t, err)
		const last = 99
		for k := range last + 1 {
			text := fmt.Sprintf(`{"n":%d,"pad":"%s"}`, k, noise(k, 100<<10)) // what cannot be packed
			require.NoError(t, s.Put([]byte(text)))
		}
		require.Positive(t, s.Lost())
		all := drain(t, s)
		require.Less(t, len(all), 60)
		require.Contains(t, all[len(all)-1], fmt.Sprintf(`{"n":%d,`, last))
		require.NoError(t, s.Close())
	}
}

func noise(seed, n int) string {
	b, x := make([]byte, n), uint64(seed)*2654435761+1
	for k := range b {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b[k] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"[x%64]
	}
	return string(b)
}

// TestAnyOrder takes, answers and restarts at random: every round comes out, each after its forerunner, and none that was answered comes again.
func TestAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "spool")
		require.NoError(t, err)
		defer os.RemoveAll(dir)
		s, err := spool.Open(dir, 0)
		require.NoError(t, err)
		put := 0
		answered := map[string]bool{}
		var flight []spool.Round
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				require.NoError(t, s.Put([]byte(round(put))))
				put++
			},
			"take": func(t *rapid.T) {
				flight, err = s.Take(rapid.IntRange(1, 1<<20).Draw(t, "bytes"))
				require.NoError(t, err)
				for _, r := range flight {
					require.False(t, answered[string(r.Data)])
				}
			},
			"answer": func(t *rapid.T) {
				for _, r := range flight {
					require.NoError(t, s.Done(r.ID))
					answered[string(r.Data)] = true
				}
				flight = nil
			},
			"restart": func(t *rapid.T) {
				require.NoError(t, s.Close())
				s, err = spool.Open(dir, 0)
				require.NoError(t, err)
				flight, answered = nil, map[string]bool{} // those of a segment that is not done may come again
			},
		})
		seen := map[string]bool{}
		for _, r := range drain(t, s) {
			require.False(t, seen[r])
			seen[r] = true
		}
		require.False(t, s.Waiting())
	})
}
