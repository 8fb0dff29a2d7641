package image_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/image"
	"edgecloud/cloud/image/files"
	"edgecloud/controlplane"
	"edgecloud/fault"
	"edgecloud/store"
	"edgecloud/store/storetest"
	"edgecloud/work"
	"edgecloud/work/worktest"
)

var operator = &identity.Caller{Account: "op", User: "u", Role: identity.Admin, Operator: true, Dialect: "test", Operation: "test", RequestID: "r"}

// disk is a raw disk of its own content, with its checksum.
func disk(marker string) (content []byte, sum string) {
	content = make([]byte, 4096)
	copy(content, marker)
	content[510], content[511] = 0x55, 0xaa
	s := sha256.Sum256(content)
	return content, hex.EncodeToString(s[:])
}

// bench is a catalogue with its files.
type bench struct {
	t      testing.TB
	db     *store.DB
	clock  *storetest.Clock
	images *image.Images
	dir    string
}

func newBench(t testing.TB, db *store.DB, clock *storetest.Clock) *bench {
	b := &bench{t: t, db: db, clock: clock, dir: t.TempDir()}
	f, err := files.Open(files.Config{Dir: b.dir})
	require.NoError(t, err)
	b.images = image.New(db, f)
	return b
}

func (b *bench) reconcilers() []work.Reconciler {
	return []work.Reconciler{b.images.Lifecycle(), b.images.Reclaimer()}
}

func (b *bench) settle() {
	r := &work.Runner{DB: b.db, Reconcilers: b.reconcilers(), Logger: slog.New(slog.DiscardHandler)}
	for range 50 {
		_, err := r.RunDue(context.Background())
		require.NoError(b.t, err)
		if _, due, err := r.NextDue(context.Background()); err == nil && !due {
			return
		}
		b.clock.Advance(time.Minute)
	}
}

func (b *bench) upload(name, marker string, replace bool) string {
	content, sum := disk(marker)
	w := image.Import{NewImage: image.NewImage{Name: name, OSType: "linux", OSName: "Own"}, Bytes: int64(len(content)), SHA256: sum, Replace: replace}
	made, err := b.images.Import(context.Background(), operator, w)
	require.NoError(b.t, err)
	_, err = b.images.Upload(context.Background(), operator, made.UID, 0, content)
	require.NoError(b.t, err)
	return sum
}

func (b *bench) state() (out []string) {
	all, err := b.images.List(context.Background(), operator, image.Filter{Unfinished: true})
	require.NoError(b.t, err)
	for _, i := range all {
		_, f, err := b.images.Find(context.Background(), operator, i.UID)
		require.NoError(b.t, err)
		sum := "none"
		if f != nil {
			sum = f.SHA256
			require.FileExists(b.t, filepath.Join(b.dir, sum), "a row never speaks of a file that is not there")
		}
		out = append(out, fmt.Sprint(i.Name, " ", i.Status, " ", sum))
	}
	return out
}

func (b *bench) left() (all []string) {
	require.NoError(b.t, filepath.WalkDir(b.dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, strings.TrimPrefix(path, b.dir+"/"))
		}
		return err
	}))
	return all
}

func each(t *testing.T, f func(t *testing.T, b *bench)) {
	clock := storetest.NewClock()
	storetest.EachWith(t, store.Config{Now: clock.Now, Migrations: controlplane.Migrations()}, func(t *testing.T, db *store.DB) { f(t, newBench(t, db, clock)) })
}

func TestAnImageKeepsItsFileUntilTheNewOneIsHere(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		first := b.upload("own", "first", false)
		b.settle()
		require.Equal(t, []string{"own active " + first}, b.state())
		require.Equal(t, []string{first}, b.left())
		_, err := b.images.Import(t.Context(), operator, image.Import{NewImage: image.NewImage{Name: "own", OSType: "linux"}, Bytes: 1, SHA256: first})
		require.True(t, fault.Is(err, fault.Exists), "%v", err)
		second := b.upload("own", "second", true)
		require.Equal(t, []string{"own active " + first}, b.state())
		b.settle()
		require.Equal(t, []string{"own active " + second}, b.state())
		require.Equal(t, []string{second}, b.left(), "nothing needs the first any more")
		require.NoError(t, b.images.Withdraw(t.Context(), operator, "own"))
		b.settle()
		require.Empty(t, b.state())
		require.Empty(t, b.left())
	})
}

func TestAnUploadThatStopsIsGivenUp(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		content, sum := disk("slow")
		made, err := b.images.Import(t.Context(), operator, image.Import{NewImage: image.NewImage{Name: "slow", OSType: "linux"}, Bytes: int64(len(content)), SHA256: sum})
		require.NoError(t, err)
		_, err = b.images.Upload(t.Context(), operator, made.UID, 0, content[:100])
		require.NoError(t, err)
		_, err = b.images.Upload(t.Context(), &identity.Caller{Account: "a", Role: identity.Admin}, made.UID, 100, content[100:])
		require.True(t, fault.Is(err, fault.Denied), "%v", err)
		b.settle()
		b.clock.Advance(25 * time.Hour)
		b.settle()
		require.Equal(t, []string{"slow failed none"}, b.state())
		require.Empty(t, b.left())
		_, _, err = b.images.Usable(t.Context(), operator, "slow")
		require.True(t, fault.Is(err, fault.Conflict), "%v", err)
		_, _, err = b.images.Find(t.Context(), &identity.Caller{Account: "a"}, "slow")
		require.True(t, fault.Is(err, fault.NotFound), "tenants never see it: %v", err)
		b.upload("slow", "slow", false)
		b.settle()
		require.Equal(t, []string{"slow active " + sum}, b.state())
	})
}

// A crash at every point of an import by URL, and every step and call twice, change nothing of how it ends.
func TestEveryStepOfAnImportCanFailAndBeRepeated(t *testing.T) {
	content, sum := disk("crash")
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	}))
	defer srv.Close()
	worktest.Run(t, func(t *testing.T) *worktest.World {
		clock := storetest.NewClock()
		b := newBench(t, storetest.OpenSQLite(t, store.Config{Now: clock.Now, Migrations: controlplane.Migrations()}), clock)
		return &worktest.World{DB: b.db, Clock: clock, Reconcilers: b.reconcilers(), State: b.state, Leftovers: b.left,
			Create: func() {
				w := image.Import{NewImage: image.NewImage{Name: "own", Names: []string{"Own 1 64bit"}, OSType: "linux"}, URL: srv.URL, SHA256: sum}
				_, err := b.images.Import(context.Background(), operator, w)
				require.NoError(t, err)
			},
			Delete: func() {
				require.NoError(t, b.images.Withdraw(context.Background(), operator, "own"))
				require.NoError(t, b.images.Withdraw(context.Background(), operator, "Own 1 64bit"))
			}}
	})
}
