package ledger_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"edgecloud/agent/ledger"
	"edgecloud/link/protocol"
)

func item(uid string, generation int64, body string) protocol.Item {
	return protocol.Item{Key: protocol.Key{Kind: "volume", UID: uid}, Generation: generation, Body: json.RawMessage(body)}
}

func tombstone(uid string, generation int64) protocol.Item {
	return protocol.Item{Key: protocol.Key{Kind: "volume", UID: uid}, Generation: generation, Deleted: true}
}

func TestOldGenerationsAndOtherContentAreRefused(t *testing.T) {
	l := ledger.Memory()
	changed, refused, err := l.Accept("host.a", []protocol.Item{item("v", 5, `{"bytes":1}`)}, 5)
	require.NoError(t, err)
	require.Len(t, changed, 1)
	require.Empty(t, refused)
	for name, offered := range map[string]protocol.Item{
		"older": item("v", 4, `{"bytes":2}`), "other content": item("v", 5, `{"bytes":2}`), "older tombstone": tombstone("v", 3), "tombstone of the same": tombstone("v", 5),
	} {
		changed, refused, err = l.Accept("host.a", []protocol.Item{offered}, 6)
		require.NoError(t, err, name)
		require.Empty(t, changed, name)
		require.Equal(t, []ledger.Refusal{{Key: offered.Key, Have: 5, Refused: offered.Generation}}, refused, name)
	}
	changed, refused, err = l.Accept("host.a", []protocol.Item{item("v", 5, `{"bytes":1}`)}, 6)
	require.NoError(t, err)
	require.Empty(t, changed)
	require.Empty(t, refused)
	_, _, err = l.Accept("host.a", []protocol.Item{tombstone("v", 7)}, 7)
	require.NoError(t, err)
	got, ok := l.Get(protocol.Key{Kind: "volume", UID: "v"})
	require.True(t, ok)
	require.True(t, got.Deleted)
	require.JSONEq(t, `{"bytes":1}`, string(got.Body), "a tombstone keeps the last body")
}

// Cut at every byte, the file opens with the state after some prefix of the writes, and takes new writes.
func TestCutAtEveryByte(t *testing.T) {
	dir := t.TempDir()
	l, err := ledger.Open(dir)
	require.NoError(t, err)
	var states [][]ledger.Item
	states = append(states, l.Items())
	for g := int64(1); g <= 6; g++ {
		_, _, err := l.Accept("host.a", []protocol.Item{item(fmt.Sprint("v", g%3), g, fmt.Sprintf(`{"bytes":%d}`, g))}, g)
		require.NoError(t, err)
		states = append(states, l.Items())
	}
	require.NoError(t, l.Close())
	whole, err := os.ReadFile(filepath.Join(dir, "ledger"))
	require.NoError(t, err)
	seen := 0
	for n := 0; n <= len(whole); n++ {
		cut := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(cut, "ledger"), append(whole[:n:n], 0xff, 0, 0), 0o600))
		l, err := ledger.Open(cut)
		require.NoError(t, err, n)
		for seen+1 < len(states) && len(l.Items()) > 0 && fmt.Sprint(l.Items()) == fmt.Sprint(states[seen+1]) {
			seen++
		}
		require.Equal(t, fmt.Sprint(states[seen]), fmt.Sprint(l.Items()), n)
		require.Equal(t, int64(seen), l.Cursor("host.a"), "the cursor is never ahead of the items")
		_, _, err = l.Accept("host.a", []protocol.Item{item("new", 100, `{}`)}, 100)
		require.NoError(t, err)
		require.NoError(t, l.Close())
		l, err = ledger.Open(cut)
		require.NoError(t, err)
		require.Len(t, l.Items(), len(states[seen])+1)
		require.NoError(t, l.Close())
	}
	require.Equal(t, len(states)-1, seen)
}

// A ledger on disk, opened again at any moment, tells what the one in memory tells; numbers are never given twice.
func TestDiskIsMemory(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		dir, err := os.MkdirTemp("", "ledger")
		require.NoError(r, err)
		defer os.RemoveAll(dir)
		disk, err := ledger.Open(dir)
		require.NoError(r, err)
		memory := ledger.Memory()
		last := int64(0)
		for step := range rapid.IntRange(1, 60).Draw(r, "steps") {
			uid := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(r, "uid")
			key := protocol.Key{Kind: "volume", UID: uid}
			generation := rapid.Int64Range(1, 40).Draw(r, "generation")
			both := []*ledger.Ledger{disk, memory}
			switch rapid.IntRange(0, 6).Draw(r, "what") {
			case 0, 1:
				for _, l := range both {
					_, _, err := l.Accept("host.a", []protocol.Item{item(uid, generation, fmt.Sprintf(`{"bytes":%d}`, generation))}, int64(step))
					require.NoError(r, err)
				}
			case 2:
				for _, l := range both {
					_, _, err := l.Accept("host.a", []protocol.Item{tombstone(uid, generation)}, int64(step))
					require.NoError(r, err)
				}
			case 3:
				for _, l := range both {
					require.NoError(r, l.Drop(key, generation))
				}
			case 4:
				for _, l := range both {
					require.NoError(r, l.SetFacts(key, ledger.Facts{Restart: generation, Made: true}))
				}
			case 5:
				first, err := disk.Seq(3)
				require.NoError(r, err)
				require.Greater(r, first, last)
				last = first + 2
			case 6:
				require.NoError(r, disk.Close())
				disk, err = ledger.Open(dir)
				require.NoError(r, err)
			}
			require.Equal(r, fmt.Sprint(memory.Items()), fmt.Sprint(disk.Items()))
			require.Equal(r, memory.Facts(key), disk.Facts(key))
			require.Equal(r, memory.Cursor("host.a"), disk.Cursor("host.a"))
		}
		require.NoError(r, disk.Close())
	})
}

func TestCompactionKeepsAllAndStaysSmall(t *testing.T) {
	dir := t.TempDir()
	l, err := ledger.Open(dir)
	require.NoError(t, err)
	require.NoError(t, l.SetRole(ledger.Role{Site: "s", Epoch: 3}))
	key := protocol.Key{Kind: "volume", UID: "v"}
	for g := range int64(3000) {
		require.NoError(t, l.SetFacts(key, ledger.Facts{Made: g%2 == 0}))
	}
	_, _, err = l.Accept("host.a", []protocol.Item{item("v", 9, `{}`)}, 9)
	require.NoError(t, err)
	info, err := os.Stat(filepath.Join(dir, "ledger"))
	require.NoError(t, err)
	require.Less(t, info.Size(), int64(200_000))
	_, err = ledger.Open(dir)
	require.ErrorContains(t, err, "another agent")
	require.NoError(t, l.Close())
	l, err = ledger.Open(dir)
	require.NoError(t, err)
	require.Equal(t, ledger.Role{Site: "s", Epoch: 3}, l.Role())
	require.Len(t, l.Items(), 1)
	require.NoError(t, l.Close())
}
