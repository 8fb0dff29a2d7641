package files_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/image/files"
	"edgecloud/fault"
)

const limit = 1 << 20

func open(t *testing.T) (*files.Store, string) {
	dir := t.TempDir()
	s, err := files.Open(files.Config{Dir: dir, Limit: limit})
	require.NoError(t, err)
	return s, dir
}

// disk is a raw disk that a BIOS would take.
func disk(size int, marker string) []byte {
	b := make([]byte, size)
	copy(b, marker)
	b[510], b[511] = 0x55, 0xaa
	return b
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

func pack(t *testing.T, b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, err := z.Write(b)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return out.Bytes()
}

func names(t *testing.T, dir string) (all []string) {
	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	}))
	return all
}

func invalid(t *testing.T, err error, says string) {
	t.Helper()
	require.ErrorContains(t, err, says)
	require.True(t, fault.Is(err, fault.Invalid), "%v", err)
}

func TestAnUploadArrivesInPiecesAndIsKeptByItsContent(t *testing.T) {
	s, dir := open(t)
	content := disk(4096, "pieces")
	n, err := s.Write("one", 0, content[:1000])
	require.NoError(t, err)
	require.EqualValues(t, 1000, n)
	_, err = s.Write("one", 2000, content[2000:])
	require.True(t, fault.Is(err, fault.Conflict), "a gap")
	for range 2 { // a piece whose answer was lost comes again
		n, err = s.Write("one", 1000, content[1000:])
		require.NoError(t, err)
		require.EqualValues(t, 4096, n)
	}
	_, err = s.Write("one", 4096, make([]byte, limit))
	invalid(t, err, "larger than")
	_, err = s.Settle(t.Context(), "one", sum([]byte("other")))
	invalid(t, err, "checksum")
	for range 2 { // a crash before the row was written
		got, err := s.Settle(t.Context(), "one", sum(content))
		require.NoError(t, err)
		require.Equal(t, files.Settled{SHA256: sum(content), Format: "raw", Bytes: 4096, VirtualBytes: 4096}, got)
	}
	require.NoError(t, s.Drop("one"))
	require.Equal(t, []string{sum(content)}, names(t, dir))
	kept, err := os.ReadFile(filepath.Join(dir, sum(content)))
	require.NoError(t, err)
	require.Equal(t, content, kept)
	require.NoError(t, s.Remove(sum(content)))
	require.Error(t, s.Remove("../"+sum(content)))
	require.Empty(t, names(t, dir))
}

func TestPackedFilesAreUnpackedWithinTheLimit(t *testing.T) {
	s, dir := open(t)
	content := disk(8192, "packed")
	_, err := s.Write("z", 0, pack(t, content))
	require.NoError(t, err)
	got, err := s.Settle(t.Context(), "z", sum(pack(t, content)))
	require.NoError(t, err)
	require.Equal(t, files.Settled{SHA256: sum(content), Format: "raw", Bytes: 8192, VirtualBytes: 8192}, got)
	for name, c := range map[string]struct {
		content []byte
		says    string
	}{
		"bomb":  {pack(t, disk(2*limit, "bomb")), "larger than"},
		"cut":   {pack(t, disk(8192, "cut"))[:40], "unpacked"},
		"twice": {pack(t, pack(t, content)), "twice"},
		"page":  {[]byte("<html>no such image</html>"), "neither qcow2 nor a raw disk"},
	} {
		_, err := s.Write(name, 0, c.content)
		require.NoError(t, err)
		_, err = s.Settle(t.Context(), name, "")
		invalid(t, err, c.says)
		require.NoError(t, s.Drop(name))
	}
	require.NoError(t, s.Drop("z"))
	require.Equal(t, []string{sum(content)}, names(t, dir))
}

func TestSweepRemovesWhatACrashLeft(t *testing.T) {
	s, dir := open(t)
	for _, uid := range []string{"waits", "gone"} {
		_, err := s.Write(uid, 0, []byte("part"))
		require.NoError(t, err)
	}
	known, lost := sum([]byte("known")), sum([]byte("lost"))
	for _, name := range []string{known, lost, "incoming/waits.disk", "not-ours"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
	}
	waits := func(uid string) bool { return uid == "waits" }
	is := func(sum string) bool { return sum == known }
	require.NoError(t, s.Sweep(time.Now(), waits, is))
	require.ElementsMatch(t, []string{known, lost, "incoming/waits", "not-ours"}, names(t, dir), "what is young may have its row in a moment")
	require.NoError(t, s.Sweep(time.Now().Add(25*time.Hour), waits, is))
	require.ElementsMatch(t, []string{known, "incoming/waits", "not-ours"}, names(t, dir))
}

func TestAFetchGoesOnWhereItBroke(t *testing.T) {
	s, _ := open(t)
	content := disk(64<<10, "fetched")
	var asked atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 {
			w.Header().Set("Content-Length", strconv.Itoa(len(content)))
			_, _ = w.Write(content[:30000])
			panic(http.ErrAbortHandler) // the line breaks
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	}))
	defer srv.Close()
	err := s.Fetch(t.Context(), "f", srv.URL, files.Operator)
	require.Error(t, err)
	require.False(t, fault.Is(err, fault.Invalid), "worth another try")
	received, total := s.Progress("f")
	require.Positive(t, received)
	require.EqualValues(t, len(content), total)
	for range 2 {
		require.NoError(t, s.Fetch(t.Context(), "f", srv.URL, files.Operator))
	}
	require.EqualValues(t, 3, asked.Load())
	_, err = s.Settle(t.Context(), "f", sum(content))
	require.NoError(t, err)
}

func TestAFetchThatCannotSucceedSaysWhy(t *testing.T) {
	s, _ := open(t)
	mux := http.NewServeMux()
	mux.HandleFunc("/file", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "file:///etc/shadow", http.StatusFound)
	})
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	mux.HandleFunc("/secret", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://user:secret@"+r.Host+"/", http.StatusFound)
	})
	mux.HandleFunc("/huge", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "99999999") })
	mux.HandleFunc("/endless", func(w http.ResponseWriter, _ *http.Request) {
		for range 40 {
			_, _ = w.Write(make([]byte, 64<<10))
		}
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()
	for path, says := range map[string]string{"/file": "http://", "/loop": "redirects", "/secret": "password", "/huge": "larger than", "/endless": "larger than", "/none": "404"} {
		invalid(t, s.Fetch(t.Context(), "bad", srv.URL+path, files.Operator), says)
		require.NoError(t, s.Drop("bad"))
	}
	for _, address := range []string{"file:///etc/shadow", "ftp://a/b", "http://", "http://u:p@host/", "gopher://x", "://"} {
		invalid(t, s.Fetch(t.Context(), "bad", address, files.Operator), "")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.Fetch(ctx, "bad", srv.URL, files.Operator), context.Canceled)
}

func TestATenantsURLReachesNothingOfTheOperators(t *testing.T) {
	var inside atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { inside.Add(1) }))
	defer srv.Close()
	s, _ := open(t)
	port := srv.Listener.Addr().String()[len("127.0.0.1:"):]
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "169.254.169.254", "10.0.0.1", "100.64.0.1", "192.0.2.1", "[fe80::1]", "[fd00::1]", "[64:ff9b::7f00:1]"} {
		invalid(t, s.Fetch(t.Context(), "t", fmt.Sprintf("http://%s:%s/", host, port), files.Tenant), "not public")
	}
	require.Zero(t, inside.Load())
	own, err := files.Open(files.Config{Dir: t.TempDir(), Tenants: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	require.NoError(t, err)
	require.NoError(t, own.Fetch(t.Context(), "t", srv.URL, files.Tenant))
	require.EqualValues(t, 1, inside.Load())
}

func TestTheDiskIsNeverFilled(t *testing.T) {
	content := disk(4096, "much")
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(content) }))
	defer srv.Close()
	s, err := files.Open(files.Config{Dir: t.TempDir(), Reserve: 1 << 60})
	require.NoError(t, err)
	_, failed := s.Write("upload", 0, content)
	for what, err := range map[string]error{"an upload": failed, "a fetch": s.Fetch(t.Context(), "url", srv.URL, files.Operator), "a host's file": s.Receive(t.Context(), "host", bytes.NewReader(content))} {
		require.True(t, fault.Is(err, fault.Capacity), "%s: %v", what, err)
	}
}
