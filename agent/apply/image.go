package apply

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"

	"edgecloud/agent/ledger"
	"edgecloud/engine/disk"
	"edgecloud/link/spec"
)

func (a *Applier) image(ctx context.Context, item ledger.Item) (Result, error) {
	if item.Deleted {
		err := a.Pool.RemoveImage(ctx, item.UID)
		if errors.Is(err, disk.ErrInUse) {
			err = &Wait{Reason: "a volume still starts from the image"}
		}
		return Result{}, err
	}
	s, err := decode[spec.Image](item)
	if err != nil {
		return Result{}, err
	}
	if s.Volume != "" {
		return a.capture(ctx, item, s)
	}
	return Result{}, a.Pool.EnsureImage(ctx, s, func(ctx context.Context) (io.ReadCloser, error) { return a.open(ctx, s.URL) })
}

// capture makes an image of a volume, once: what was made and is gone was lost, since the volume has changed.
func (a *Applier) capture(ctx context.Context, item ledger.Item, s spec.Image) (Result, error) {
	if a.Ledger.Facts(item.Key).Made {
		there, err := a.Pool.Images(ctx)
		if err == nil && !slices.Contains(there, s.UID) {
			err = ErrLost
		}
		if err != nil {
			return Result{}, err
		}
	} else if s.Snapshot == "" {
		if err := a.unused(ctx, s.Volume, true); err != nil {
			return Result{}, err
		}
	}
	made, err := a.Pool.Capture(ctx, s.UID, s.Volume, s.Snapshot)
	if err != nil {
		return Result{}, err
	}
	if err := a.Ledger.SetFacts(item.Key, ledger.Facts{Made: true}); err != nil {
		return Result{}, err
	}
	return Result{Facts: spec.ImageFacts{Bytes: made.Bytes, SHA256: made.SHA256}}, nil
}

// open reads a file:// or http(s):// URL; a broken HTTP body is resumed where it ended.
func (a *Applier) open(ctx context.Context, address string) (io.ReadCloser, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("the image's URL: %w", err)
	}
	switch u.Scheme {
	case "file":
		return os.Open(u.Path)
	case "http", "https":
		client := a.HTTP
		if client == nil {
			client = http.DefaultClient
		}
		r := &resumer{ctx: ctx, client: client, url: address}
		return r, r.connect()
	}
	return nil, fmt.Errorf("the image's URL %q is neither http(s) nor file", address)
}

// resumes bounds how often one fetch goes on after a break without having received a byte in between.
const resumes = 5

type resumer struct {
	ctx    context.Context
	client *http.Client
	url    string
	body   io.ReadCloser
	at     int64
	etag   string
	failed int
}

func (r *resumer) connect() error {
	req, err := http.NewRequestWithContext(r.ctx, http.MethodGet, r.url, nil)
	if err != nil {
		return err
	}
	want := http.StatusOK
	if r.at > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", r.at))
		if r.etag != "" {
			req.Header.Set("If-Range", r.etag) // a file that changed meanwhile is answered whole, and refused below
		}
		want = http.StatusPartialContent
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return fmt.Errorf("fetching the image: %w", err)
	}
	if resp.StatusCode != want {
		resp.Body.Close()
		return fmt.Errorf("fetching the image: the server answers %s at byte %d", resp.Status, r.at)
	}
	r.body, r.etag = resp.Body, resp.Header.Get("ETag")
	return nil
}

// Read goes on after a break.
func (r *resumer) Read(p []byte) (int, error) {
	n, err := r.body.Read(p)
	r.at += int64(n)
	if n > 0 {
		r.failed = 0
	}
	if err == nil || err == io.EOF || r.ctx.Err() != nil {
		return n, err
	}
	if r.failed++; r.failed > resumes {
		return n, fmt.Errorf("fetching the image broke at byte %d: %w", r.at, err)
	}
	r.body.Close()
	return n, r.connect()
}

// Close ends the fetch.
func (r *resumer) Close() error { return r.body.Close() }
