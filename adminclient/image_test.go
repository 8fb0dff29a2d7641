package adminclient_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/adminclient"
	"edgecloud/contract/scalar"
	"edgecloud/controlplane/controlplanetest"
	wire "edgecloud/dialect/admin/wire/catalogue"
)

func connect(t *testing.T, breaks func(r *http.Request) bool) *adminclient.Client {
	cloud := controlplanetest.Start(t, nil)
	to, err := url.Parse(cloud.URL["admin"])
	require.NoError(t, err)
	proxy := httputil.NewSingleHostReverseProxy(to)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if breaks(r) {
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	return &adminclient.Client{URL: srv.URL, AccessKey: cloud.Admin.Key.ID, SecretKey: cloud.Admin.Key.Secret, Now: time.Now}
}

// write makes a raw disk of random bytes and gives its path and checksum.
func write(t *testing.T, size int) (path, sum string) {
	content := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(content)
	content[510], content[511] = 0x55, 0xaa
	path = filepath.Join(t.TempDir(), "disk.raw")
	require.NoError(t, os.WriteFile(path, content, 0o600))
	s := sha256.Sum256(content)
	return path, "sha256:" + hex.EncodeToString(s[:])
}

func TestAFileIsSentInPiecesOverABrokenLine(t *testing.T) {
	var pieces atomic.Int64
	c := connect(t, func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/content") && pieces.Add(1) == 2 })
	path, sum := write(t, 9<<20)
	var steps []string
	tell := func(p adminclient.Progress) {
		if len(steps) == 0 || steps[len(steps)-1] != p.Step {
			steps = append(steps, p.Step)
		}
		require.LessOrEqual(t, p.Done, p.Total)
	}
	want := wire.ImportImageRequest{Name: "sent", OSType: "linux", Names: []string{"Sent 1 64bit"}}
	image, err := c.ImportImage(t.Context(), path, sum, want, tell)
	require.NoError(t, err)
	require.Equal(t, "active", image.Status)
	require.Equal(t, sum, "sha256:"+*image.Sha256)
	require.EqualValues(t, 9<<20, scalar.Value(image.Bytes))
	require.EqualValues(t, 4, pieces.Load(), "three, one of them twice")
	require.Equal(t, "reading", steps[0])
	require.Equal(t, "done", steps[len(steps)-1])
	require.Contains(t, steps, "uploading")

	_, err = c.ImportImage(t.Context(), path, sum, want, tell)
	require.ErrorContains(t, err, "replace")
	var said *adminclient.Error
	require.ErrorAs(t, err, &said)
	require.Equal(t, 409, said.Status)
	require.Equal(t, "name", said.Field)
}

func TestImportsThatCannotGoWellSaySoBeforeOrAfter(t *testing.T) {
	c := connect(t, func(*http.Request) bool { return false })
	path, sum := write(t, 1<<20)
	none := func(adminclient.Progress) {}
	want := wire.ImportImageRequest{Name: "bad", OSType: "linux"}
	for source, checksum := range map[string]string{path: "sha256:" + strings.Repeat("0", 64), filepath.Join(t.TempDir(), "none"): "", "http://127.0.0.1:1/x": "", "https://a/b": "md5:x"} {
		_, err := c.ImportImage(t.Context(), source, checksum, want, none)
		require.Error(t, err, source)
	}
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	_, err := c.ImportImage(t.Context(), srv.URL, sum, want, none)
	require.ErrorContains(t, err, "404")
}

func TestTheBarShowsEachStepOnce(t *testing.T) {
	var out bytes.Buffer
	b := adminclient.Bar{Out: &out}
	for _, p := range []adminclient.Progress{{Step: "reading", Total: 10}, {Step: "reading", Done: 10, Total: 10}, {Step: "done", Done: 10, Total: 10}} {
		b.Tell(p)
	}
	require.Equal(t, "reading\ndone\n", out.String())
	out.Reset()
	b = adminclient.Bar{Out: &out, Terminal: true}
	b.Tell(adminclient.Progress{Step: "fetching", Done: 1 << 20, Total: 4 << 20})
	b.Tell(adminclient.Progress{Step: "fetching", Done: 1 << 20})
	b.End()
	require.Equal(t, "\rfetching   [#######.......................]  25% of 4 MiB", out.String()[:len("\rfetching   [#######.......................]  25% of 4 MiB")])
	require.Contains(t, out.String(), "1 MiB")
}
