package adminclient

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"edgecloud/contract/scalar"
	wire "edgecloud/dialect/admin/wire/catalogue"
)

// Progress tells how an import is doing.
type Progress struct {
	Step  string // what is done now
	Done  int64  // bytes
	Total int64  // 0: not known
}

const (
	piece     = 4 << 20 // of an upload
	retries   = 5       // of a piece whose line broke
	retryWait = time.Second
	pollEvery = 500 * time.Millisecond
)

// ImportImage brings a file or what is behind an http(s) URL into the catalogue, and returns when the image can be used. checksum is "sha256:HEX"; a file's may be
// empty. tell hears of the progress. Called again after a break, an upload goes on where it was.
func (c *Client) ImportImage(ctx context.Context, source, checksum string, want wire.ImportImageRequest, tell func(Progress)) (*wire.Image, error) {
	sum, err := parseChecksum(checksum)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(source, "http://") || strings.HasPrefix(source, "https://") {
		if sum == "" {
			return nil, errors.New("--checksum: a URL needs one, as sha256:HEX")
		}
		want.URL, want.Sha256 = &source, sum
		image, err := c.begin(ctx, want)
		if err != nil {
			return nil, err
		}
		return c.await(ctx, image, 0, tell)
	}
	return c.upload(ctx, source, sum, want, tell)
}

func parseChecksum(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	sum, ok := strings.CutPrefix(text, "sha256:")
	if raw, err := hex.DecodeString(sum); !ok || err != nil || len(raw) != sha256.Size {
		return "", fmt.Errorf("--checksum %s: must be sha256: and 64 hex digits", text)
	}
	return strings.ToLower(sum), nil
}

func (c *Client) begin(ctx context.Context, want wire.ImportImageRequest) (*wire.Image, error) {
	image := new(wire.Image)
	return image, c.Call(ctx, http.MethodPost, "/admin/v1/images", nil, want, image)
}

func (c *Client) upload(ctx context.Context, path, sum string, want wire.ImportImageRequest, tell func(Progress)) (*wire.Image, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	got, err := hash(ctx, f, info.Size(), tell)
	if err != nil {
		return nil, err
	}
	if sum != "" && sum != got {
		return nil, fmt.Errorf("%s has the checksum sha256:%s, not sha256:%s", path, got, sum)
	}
	want.Sha256, want.Bytes = got, new(scalar.Int(info.Size()))
	image, err := c.begin(ctx, want)
	if err != nil {
		return nil, err
	}
	for at := scalar.Value(image.Received); at < info.Size() && image.Status == "importing"; at = scalar.Value(image.Received) {
		tell(Progress{"uploading", at, info.Size()})
		if image, err = c.sendPiece(ctx, image.ID, f, at); err != nil {
			return nil, err
		}
		if image.Received == nil {
			break // it is here and checked already
		}
	}
	return c.await(ctx, image, info.Size(), tell)
}

// hash reads a file once for its SHA-256.
func hash(ctx context.Context, f io.Reader, total int64, tell func(Progress)) (string, error) {
	sum, buf, done := sha256.New(), make([]byte, piece), int64(0)
	for {
		n, err := f.Read(buf)
		sum.Write(buf[:n])
		done += int64(n)
		tell(Progress{"reading", done, total})
		if errors.Is(err, io.EOF) {
			return hex.EncodeToString(sum.Sum(nil)), nil
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return "", err
		}
	}
}

// sendPiece sends one piece, again if the line breaks: the server takes the same bytes twice.
func (c *Client) sendPiece(ctx context.Context, id string, f io.ReaderAt, at int64) (*wire.Image, error) {
	buf := make([]byte, piece)
	n, err := f.ReadAt(buf, at)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	query := url.Values{"offset": {strconv.FormatInt(at, 10)}}
	for try := 1; ; try++ {
		image := new(wire.Image)
		err := c.send(ctx, http.MethodPut, "/admin/v1/images/"+url.PathEscape(id)+"/content", query, "application/octet-stream", buf[:n], image)
		var said *Error
		if err == nil || errors.As(err, &said) && said.Status < 500 || try == retries {
			return image, err
		}
		if err := pause(ctx, retryWait*time.Duration(try)); err != nil {
			return nil, err
		}
	}
}

// await looks until the image can be used or has failed.
func (c *Client) await(ctx context.Context, image *wire.Image, total int64, tell func(Progress)) (*wire.Image, error) {
	for image.Status == "importing" {
		tell(state(image, total))
		if err := pause(ctx, pollEvery); err != nil {
			return nil, err
		}
		id := image.ID
		image = new(wire.Image)
		if err := c.Call(ctx, http.MethodGet, "/admin/v1/images/"+url.PathEscape(id), nil, nil, image); err != nil {
			return nil, err
		}
	}
	if image.Error != nil {
		return nil, errors.New(*image.Error)
	}
	tell(Progress{"done", scalar.Value(image.Bytes), scalar.Value(image.Bytes)})
	return image, nil
}

func state(image *wire.Image, total int64) Progress {
	p := Progress{Step: "fetching", Done: scalar.Value(image.Received), Total: total}
	if total > 0 && p.Done >= total || scalar.Value(image.Progress) == 100 {
		return Progress{Step: "checking", Done: p.Done, Total: p.Done}
	}
	if percent := int64(scalar.Value(image.Progress)); percent > 0 && total == 0 {
		p.Total = p.Done * 100 / percent
	}
	return p
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
