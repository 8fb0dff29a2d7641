package real_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A custom image of one guest starts another one, on another host, with what the first one had written; and its file goes with the last one that needs it.
func TestACustomImageStartsElsewhere(t *testing.T) {
	s := newSite(t, 2, nil)
	u := s.tenant()
	h := u.settle("image", "192.168.0.0/16", "192.168.8.0/24")
	first := u.create(h, 1, map[string]any{"networkCapacityInMbps": 50})[0]
	a := u.await("RUNNING", first)
	u.run(a, password, "echo written by the first >/root/kept; sync")
	refusal := u.try(http.MethodPost, "/v2/vm/image", map[string]any{"imageName": "mine", "instanceId": first}, nil)
	require.ErrorContains(t, refusal, "stopped")
	u.call(http.MethodPut, "/v2/vm/instance/"+first+"?stop", nil, nil)
	u.await("STOPPED", first)

	asked := time.Now()
	var made struct {
		ID string `json:"imageId"`
	}
	u.call(http.MethodPost, "/v2/vm/image", map[string]any{"imageName": "mine", "instanceId": first}, &made)
	u.eventually("the image is made", func() error {
		var got struct{ Image struct{ Status string } }
		if err := u.try(http.MethodGet, "/v2/vm/image/"+made.ID, nil, &got); err != nil || got.Image.Status != "SUCCEEDED" {
			return fmt.Errorf("it is %s: %w", got.Image.Status, err)
		}
		return nil
	})
	_, file, err := u.box.Control.Images.Find(t.Context(), u.operator(), strings.TrimPrefix(made.ID, "im-"))
	require.NoError(t, err)
	kept := filepath.Join(u.box.FilesDir(), file.SHA256)
	info, err := os.Stat(kept)
	require.NoError(t, err)
	t.Logf("an image of %d MiB made in %s", info.Size()>>20, since(asked))
	u.await("STOPPED", first)
	u.call(http.MethodPut, "/v2/vm/instance/"+first+"?start", nil, nil)
	a = u.await("RUNNING", first)

	second := u.create(h, 1, map[string]any{"networkCapacityInMbps": 50, "imageId": made.ID, "imageType": "bec"})[0]
	b := u.await("RUNNING", second)
	require.NotEqual(t, u.hostOf(a), u.hostOf(b), "the first host has its room taken")
	require.Equal(t, "written by the first", u.run(b, password, "cat /root/kept"))
	u.call(http.MethodDelete, "/v2/vm/image/"+made.ID, nil, nil)
	require.FileExists(t, kept, "the second guest's disk starts from it")
	for _, id := range []string{first, second} {
		u.call(http.MethodDelete, "/v2/vm/instance/"+id, nil, nil)
	}
	s.nothingLeft()
	u.leave(h)
	u.eventually("the image's file is gone", func() error {
		if _, err := os.Stat(kept); !os.IsNotExist(err) {
			return fmt.Errorf("%s is still there", kept)
		}
		return nil
	})
}
