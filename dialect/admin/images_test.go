package admin_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/image"
	"edgecloud/controlplane/controlplanetest"
	"edgecloud/engine/sim"
)

// piece sends a piece of an upload.
func (c client) piece(status int, image string, offset string, content []byte) object {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), "PUT", c.url+"/admin/v1/images/"+image+"/content?offset="+offset, bytes.NewReader(content))
	require.NoError(c.t, err)
	r.Header.Set("Content-Type", "application/octet-stream")
	r.Header.Set("Authorization", "Bearer "+c.token)
	return c.answer(status, r)
}

func (c client) until(image, status string) (got object) {
	c.t.Helper()
	controlplanetest.Eventually(c.t, "the image is "+status, func() bool {
		got = c.call(200, "GET", "/images/"+image, nil)
		return got["status"] == status && (status == "active" || got["error"] != nil)
	})
	return got
}

func blank(t *testing.T, name string) (content []byte, sum string) {
	s, content, err := sim.BlankImage("", name, 3<<30)
	require.NoError(t, err)
	return content, s.SHA256
}

func sumOf(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

func TestAnImageIsUploaded(t *testing.T) {
	op, cloud := operator(t)
	content, sum := blank(t, "mine")
	want := object{"name": "mine", "bytes": len(content), "sha256": sum, "osType": "linux", "osName": "Own", "names": []any{"Own 1 64bit"}, "minMemoryMiB": 256}
	made := op.call(202, "POST", "/images", want)
	require.Equal(t, "importing", made["status"])
	require.Equal(t, made["id"], op.call(202, "POST", "/images", want)["id"], "the same upload goes on")
	op.call(409, "POST", "/images", object{"name": "mine", "bytes": 5, "sha256": sum, "osType": "linux"})
	half := op.piece(200, "mine", "0", content[:256])
	require.EqualValues(t, 50, half["progress"])
	op.piece(409, "mine", "300", content[300:])
	op.piece(400, "mine", "500", content)
	op.piece(400, "mine", "256", nil)
	op.piece(200, "mine", "256", content[256:])
	done := op.until("mine", "active")
	require.Equal(t, []any{"Own 1 64bit"}, done["names"])
	require.EqualValues(t, 3<<30, done["virtualBytes"])
	require.EqualValues(t, 3, done["minDiskGiB"])
	require.NotContains(t, done, "received")
	op.piece(409, "mine", "0", content)
	op.call(409, "POST", "/images", want)

	other, sum := blank(t, "other")
	op.call(409, "POST", "/images", object{"name": "fresh", "bytes": len(other), "sha256": sum, "osType": "linux", "names": []any{"Own 1 64bit"}})
	op.call(202, "POST", "/images", object{"name": "Own 1 64bit", "bytes": len(other), "sha256": sum, "osType": "linux", "replace": true})
	i, f, err := cloud.Control.Images.Find(t.Context(), &identity.Caller{Account: cloud.Admin.Account.UID, Operator: true}, "Own 1 64bit")
	require.NoError(t, err)
	require.Equal(t, image.Active, i.Status, "it keeps its file until the new one is here")
	require.Equal(t, done["sha256"], f.SHA256)
	require.Equal(t, "importing", op.call(200, "GET", "/images/"+i.UID, nil)["status"])
	op.piece(200, i.UID, "0", other)
	require.Equal(t, sum, op.until(i.UID, "active")["sha256"])
	require.Equal(t, i.UID, op.call(200, "GET", "/images/"+i.Slug, nil)["id"])
	left, err := os.ReadDir(filepath.Join(cloud.FilesDir(), "incoming"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestAnImageIsFetched(t *testing.T) {
	op, _ := operator(t)
	content, _ := blank(t, "fetched")
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write(content)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	var calls atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away" || r.URL.Path == "/fetched" && calls.Add(1) == 1 {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(packed.Bytes()))
	}))
	defer srv.Close()
	sum := sumOf(packed.Bytes())
	op.call(202, "POST", "/images", object{"name": "fetched", "url": srv.URL + "/fetched", "sha256": sum, "osType": "linux"})
	done := op.until("fetched", "active")
	require.Equal(t, sumOf(content), done["sha256"])
	require.EqualValues(t, 2, calls.Load(), "a server in trouble is asked again")

	op.call(202, "POST", "/images", object{"name": "wrong", "url": srv.URL + "/wrong", "sha256": sumOf(nil), "osType": "linux"})
	require.Contains(t, op.until("wrong", "failed")["error"], "checksum")
	op.call(202, "POST", "/images", object{"name": "wrong", "url": srv.URL + "/right", "sha256": sum, "osType": "linux"})
	require.NotContains(t, op.until("wrong", "active"), "error")
	op.call(202, "POST", "/images", object{"name": "away", "url": srv.URL + "/away", "sha256": sum, "osType": "linux"})
	op.call(204, "DELETE", "/images/away", nil)
	op.call(404, "GET", "/images/away", nil)
}

func TestBadImportsChangeNothing(t *testing.T) {
	op, cloud := operator(t)
	before := op.call(200, "GET", "/images", nil)
	sum := sumOf([]byte("x"))
	for field, body := range map[string]object{
		"url":      {"name": "a", "osType": "linux", "sha256": sum, "url": "file:///etc/shadow"},
		"sha256":   {"name": "a", "osType": "linux", "url": "http://a/b"},
		"osType":   {"name": "a", "osType": "beos", "sha256": sum, "url": "http://a/b"},
		"name":     {"osType": "linux", "sha256": sum, "url": "http://a/b"},
		"bytes":    {"name": "a", "osType": "linux", "sha256": sum, "bytes": int64(1) << 50},
		"names":    {"name": "a", "osType": "linux", "sha256": sum, "bytes": 5, "names": []any{"a"}},
		"url, and": {"name": "a", "osType": "linux", "sha256": sum, "bytes": 5, "url": "http://a/b"},
	} {
		e := op.call(400, "POST", "/images", body)["error"].(object)
		require.Contains(t, field+e["message"].(string), e["field"], "%v", e)
		require.NotEmpty(t, e["field"])
	}
	require.Equal(t, before, op.call(200, "GET", "/images", nil))

	backed := make([]byte, 512)
	copy(backed, "QFI\xfb\x00\x00\x00\x03")
	binary.BigEndian.PutUint64(backed[8:], 200)
	binary.BigEndian.PutUint32(backed[16:], 11)
	binary.BigEndian.PutUint64(backed[24:], 1<<30)
	copy(backed[200:], "/etc/shadow")
	op.call(202, "POST", "/images", object{"name": "spy", "osType": "linux", "sha256": sumOf(backed), "bytes": len(backed)})
	op.piece(200, "spy", "0", backed)
	require.Contains(t, op.until("spy", "failed")["error"], "/etc/shadow")
	entries, err := os.ReadDir(filepath.Join(cloud.FilesDir(), "incoming"))
	require.NoError(t, err)
	require.Empty(t, entries)
	require.NoFileExists(t, filepath.Join(cloud.FilesDir(), sumOf(backed)))
}
