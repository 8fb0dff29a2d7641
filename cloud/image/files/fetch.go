package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"syscall"
	"time"

	"edgecloud/fault"
)

// Who asks for a URL: what addresses it may point to depends on it.
type Who bool

// Operators may name any address; tenants none that is private to the operator.
const (
	Operator Who = true
	Tenant   Who = false
)

const (
	redirects   = 5
	silence     = time.Minute // a server that sends nothing for so long is given up
	headersWait = 30 * time.Second
)

// CheckURL refuses what Fetch never fetches, as a fault about field.
func CheckURL(field, address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return fault.BadField(field, "is no URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return fault.BadField(field, "must begin with http:// or https://")
	case u.Hostname() == "":
		return fault.BadField(field, "must name a server")
	case u.User != nil:
		return fault.BadField(field, "must not carry a password")
	}
	return nil
}

// Fetch brings what is behind a URL into incoming, going on where an earlier call ended. Errors that another try cannot mend are faults.
func (s *Store) Fetch(ctx context.Context, uid, address string, who Who) error {
	if err := CheckURL("url", address); err != nil {
		return err
	}
	part, err := os.OpenFile(s.part(uid), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer part.Close()
	have, err := part.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	resp, err := s.ask(ctx, address, who, have)
	if err != nil {
		return fetchFault(err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusRequestedRangeNotSatisfiable:
		return nil // all of it is here; the checksum tells whether it is the right one
	case http.StatusPartialContent:
	case http.StatusOK:
		have = 0
		if err := part.Truncate(0); err != nil {
			return err
		}
	default:
		return refused(resp.StatusCode)
	}
	return s.receive(ctx, stop, uid, part, have, resp)
}

func (s *Store) ask(ctx context.Context, address string, who Who, have int64) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	if have > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
	}
	return s.client(who).Do(req)
}

// receive copies an answer's body to its place.
func (s *Store) receive(ctx context.Context, stop context.CancelCauseFunc, uid string, part *os.File, at int64, resp *http.Response) error {
	if resp.ContentLength >= 0 {
		s.expect(uid, at+resp.ContentLength)
	}
	if at+max(0, resp.ContentLength) > s.cfg.Limit {
		return s.tooLarge(s.cfg.Limit)
	}
	if _, err := part.Seek(at, io.SeekStart); err != nil {
		return err
	}
	quiet := time.AfterFunc(silence, func() { stop(errSilent) })
	defer quiet.Stop()
	body := io.LimitReader(noisy{resp.Body, quiet}, s.cfg.Limit-at+1)
	n, err := io.CopyBuffer(&thrifty{w: part, s: s}, body, make([]byte, 1<<20))
	switch {
	case at+n > s.cfg.Limit:
		return s.tooLarge(s.cfg.Limit)
	case err != nil && context.Cause(ctx) != nil:
		return fmt.Errorf("fetch image file: %w", context.Cause(ctx))
	case err != nil:
		return full(fmt.Errorf("fetch image file: %w", err))
	}
	return part.Sync()
}

var errSilent = errors.New("the server has sent nothing for a minute")

// noisy puts an alarm off with everything that is read.
type noisy struct {
	r     io.Reader
	alarm *time.Timer
}

func (n noisy) Read(p []byte) (int, error) {
	k, err := n.r.Read(p)
	if k > 0 {
		n.alarm.Reset(silence)
	}
	return k, err
}

// refused is an answer other than the file. What says that the server is in trouble is worth another try.
func refused(status int) error {
	if status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout {
		return fmt.Errorf("fetch image file: the server answers %d", status)
	}
	return fault.New(fault.Invalid, "The URL's server answers %d %s.", status, http.StatusText(status)).On("url")
}

// fetchFault finds the reason that is ours, and no other try can mend, in what the HTTP client says.
func fetchFault(err error) error {
	var f *fault.Fault
	if errors.As(err, &f) {
		return f
	}
	return fmt.Errorf("fetch image file: %w", err)
}

// client follows redirects to http and https only. For tenants, it looks at each address before it connects, so that neither a redirect nor a name that resolves
// inwards gets past.
func (s *Store) client(who Who) *http.Client {
	dialer := &net.Dialer{Timeout: headersWait}
	t := &http.Transport{ResponseHeaderTimeout: headersWait, TLSHandshakeTimeout: headersWait, DisableKeepAlives: true, DisableCompression: true}
	if who == Operator {
		t.Proxy = http.ProxyFromEnvironment
	} else {
		dialer.Control = func(_, address string, _ syscall.RawConn) error { return s.allow(address) }
	}
	t.DialContext = dialer.DialContext
	return &http.Client{Transport: t, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) > redirects {
			return fault.New(fault.Invalid, "The URL leads through more than %d redirects.", redirects).On("url")
		}
		return CheckURL("url", r.URL.String())
	}}
}

// allow refuses addresses that are the operator's own: a tenant could read there what only the centre reaches.
func (s *Store) allow(address string) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	ip := to.Addr().Unmap()
	if slices.ContainsFunc(s.cfg.Tenants, func(p netip.Prefix) bool { return p.Contains(ip) }) {
		return nil
	}
	if public(ip) {
		return nil
	}
	return fault.New(fault.Invalid, "The URL leads to an address that is not public.").On("url")
}

// reserved are the ranges besides private, loopback, link-local and multicast ones that are nobody's on the internet (RFC 6890, RFC 6598, RFC 4291, RFC 8215).
var reserved = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2002::/16")}

func public(ip netip.Addr) bool {
	if !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return false
	}
	return !slices.ContainsFunc(reserved, func(p netip.Prefix) bool { return p.Contains(ip) })
}
