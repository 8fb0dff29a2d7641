package consoleproxy_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"edgecloud/consoleproxy"
	"edgecloud/engine/hypervisor"
	"edgecloud/engine/sim"
	"edgecloud/engine/sim/rfb/rfbtest"
	"edgecloud/fault"
	"edgecloud/link/spec"
)

const machine = "0198c2aa-0000-7000-8000-000000000001"

// rig is a door before a simulated host with one running machine.
type rig struct {
	door *consoleproxy.Door
	host *sim.Host
	url  string
}

func newRig(t *testing.T, change func(*consoleproxy.Config)) rig {
	t.Helper()
	w := sim.NewWorld(sim.Config{})
	h := w.Host("site", "host", sim.Capacity{})
	_, err := h.Disk().Ensure(t.Context(), spec.Volume{UID: "v1", Bytes: 1 << 30})
	require.NoError(t, err)
	source, err := h.Disk().Source(t.Context(), "v1")
	require.NoError(t, err)
	m := hypervisor.Machine{Instance: spec.Instance{UID: machine, Name: "vm-1", VCPUs: 1, MemoryMiB: 512, Volumes: []string{"v1"}, Guest: spec.Guest{Hostname: "web-1"}},
		Disks: []hypervisor.Disk{{Volume: "v1", Source: source}}}
	require.NoError(t, h.Hypervisor().Define(t.Context(), m))
	require.NoError(t, h.Hypervisor().Start(t.Context(), machine))
	cfg := consoleproxy.Config{Store: &consoleproxy.MemoryStore{}, Dial: h.Hypervisor().Console}
	if change != nil {
		change(&cfg)
	}
	door, err := consoleproxy.New(cfg)
	require.NoError(t, err)
	server := httptest.NewServer(door)
	t.Cleanup(server.Close)
	t.Cleanup(door.Close)
	return rig{door, h, server.URL}
}

func (r rig) issue(t *testing.T) consoleproxy.Link {
	t.Helper()
	l, err := r.door.Issue(t.Context(), "account-1", machine)
	require.NoError(t, err)
	return l
}

func (r rig) dial(t *testing.T, path string, header http.Header) (*websocket.Conn, int, error) {
	t.Helper()
	c, answer, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(r.url, "http")+path, &websocket.DialOptions{Subprotocols: []string{"binary"}, HTTPHeader: header})
	if answer == nil {
		return c, 0, err
	}
	return c, answer.StatusCode, err
}

func (r rig) open(t *testing.T) (*websocket.Conn, *rfbtest.Client) {
	t.Helper()
	socket, _, err := r.dial(t, r.issue(t).WebSocketPath(), nil)
	require.NoError(t, err)
	t.Cleanup(func() { socket.CloseNow() })
	require.Equal(t, "binary", socket.Subprotocol())
	socket.SetReadLimit(1 << 22)
	client, err := rfbtest.Connect(websocket.NetConn(context.Background(), socket, websocket.MessageBinary))
	require.NoError(t, err)
	return socket, client
}

func (r rig) get(t *testing.T, path string) (*http.Response, string) {
	t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Get(r.url + path)
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer, string(body)
}

func (r rig) emptied(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool { return r.door.Sessions() == 0 }, 10*time.Second, 5*time.Millisecond)
}

func TestAScreenThroughTheDoor(t *testing.T) {
	r := newRig(t, nil)
	_, c := r.open(t)
	require.Equal(t, "vm-1", c.Name)
	require.NoError(t, c.Ask(false))
	require.NoError(t, c.Update())
	before := c.Lit()
	require.Positive(t, before)
	require.NoError(t, c.Ask(true))
	require.NoError(t, c.Type("root"))
	require.NoError(t, c.Update())
	require.NoError(t, c.Ask(false))
	require.NoError(t, c.Update())
	require.Greater(t, c.Lit(), before, "what is typed is seen")
	require.Equal(t, 1, r.door.Sessions())
	require.NoError(t, c.Close())
	r.emptied(t)
}

func TestATicketOpensOnce(t *testing.T) {
	r := newRig(t, nil)
	l := r.issue(t)
	require.Len(t, l.Token, 43)
	socket, _, err := r.dial(t, l.WebSocketPath(), nil)
	require.NoError(t, err)
	defer socket.CloseNow()
	_, status, err := r.dial(t, l.WebSocketPath(), nil)
	require.Error(t, err)
	require.Equal(t, http.StatusNotFound, status)
}

func TestOfManyAtOnceOneGetsIn(t *testing.T) {
	r := newRig(t, nil)
	l, opened := r.issue(t), make(chan *websocket.Conn, 20)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if socket, _, err := r.dial(t, l.WebSocketPath(), nil); err == nil {
				opened <- socket
			}
		})
	}
	all.Wait()
	require.Len(t, opened, 1)
	(<-opened).CloseNow()
}

func TestATicketExpires(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var mu sync.Mutex
	r := newRig(t, func(c *consoleproxy.Config) { c.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now } })
	good, late := r.issue(t), r.issue(t)
	require.Equal(t, now.Add(10*time.Minute), good.Expires)
	step := func(d time.Duration) { mu.Lock(); now = now.Add(d); mu.Unlock() }
	step(10*time.Minute - time.Second)
	socket, _, err := r.dial(t, good.WebSocketPath(), nil)
	require.NoError(t, err)
	socket.CloseNow()
	step(time.Second)
	_, status, err := r.dial(t, late.WebSocketPath(), nil)
	require.Error(t, err)
	require.Equal(t, http.StatusNotFound, status)
}

func TestTheStoreDoesNotHoldTheToken(t *testing.T) {
	store := &spy{}
	r := newRig(t, func(c *consoleproxy.Config) { c.Store = store })
	l := r.issue(t)
	require.Equal(t, consoleproxy.Hash(l.Token), store.last.Hash)
	require.NotContains(t, store.last.Hash, l.Token)
	require.Equal(t, []string{"account-1", machine}, []string{store.last.Account, store.last.Instance})
}

type spy struct {
	consoleproxy.MemoryStore
	last consoleproxy.Ticket
}

func (s *spy) Put(ctx context.Context, t consoleproxy.Ticket) error {
	s.last = t
	return s.MemoryStore.Put(ctx, t)
}

func TestWhatIsRefused(t *testing.T) {
	r := newRig(t, nil)
	_, err := r.door.Issue(t.Context(), "", machine)
	require.ErrorContains(t, err, "account")
	_, err = r.door.Issue(t.Context(), "a", "")
	require.ErrorContains(t, err, "instance")
	for _, path := range []string{"/console/", "/console/short", "/console/" + strings.Repeat("a", 44), "/console/../etc", "/other"} {
		answer, _ := r.get(t, path)
		require.Equal(t, http.StatusNotFound, answer.StatusCode, path)
	}
	_, status, err := r.dial(t, consoleproxy.Prefix+strings.Repeat("a", 43), nil)
	require.Error(t, err)
	require.Equal(t, http.StatusNotFound, status)
	_, status, err = r.dial(t, r.issue(t).WebSocketPath(), http.Header{"Origin": {"https://evil.example"}})
	require.Error(t, err)
	require.Equal(t, http.StatusForbidden, status)
	answer, err := http.Post(r.url+r.issue(t).PagePath(), "text/plain", nil)
	require.NoError(t, err)
	answer.Body.Close()
	require.Equal(t, http.StatusMethodNotAllowed, answer.StatusCode)
}

func TestAnUnreachableMachineIsAPlainAnswer(t *testing.T) {
	tests := []struct {
		name   string
		change func(*consoleproxy.Config)
		status int
	}{
		{"its host is down", func(c *consoleproxy.Config) {
			c.Dial = func(context.Context, string) (net.Conn, error) {
				return nil, errors.New("secret address 10.0.0.1 refused")
			}
		}, http.StatusServiceUnavailable},
		{"it is off", func(c *consoleproxy.Config) {
			c.Dial = func(context.Context, string) (net.Conn, error) {
				return nil, fault.Conflicting("instance", "vm", "The instance is off.")
			}
		}, http.StatusConflict},
		{"it is the account's no more", func(c *consoleproxy.Config) {
			c.Allow = func(_ context.Context, t consoleproxy.Ticket) error { return fault.Missing("instance", t.Instance) }
		}, http.StatusNotFound},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, tt.change)
			_, answer, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(r.url, "http")+r.issue(t).WebSocketPath(), nil)
			require.Error(t, err)
			require.Equal(t, tt.status, answer.StatusCode)
			body, err := io.ReadAll(answer.Body)
			require.NoError(t, err)
			require.NotContains(t, string(body), "secret")
			r.emptied(t)
		})
	}
}

func closedWith(t *testing.T, socket *websocket.Conn) websocket.StatusCode {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		if _, _, err := socket.Read(ctx); err != nil {
			return websocket.CloseStatus(err)
		}
	}
}

func TestHowSessionsEnd(t *testing.T) {
	tests := []struct {
		name   string
		change func(*consoleproxy.Config)
		act    func(t *testing.T, r rig, socket *websocket.Conn)
		want   websocket.StatusCode
	}{
		{"the machine goes off", nil, func(t *testing.T, r rig, _ *websocket.Conn) {
			require.NoError(t, r.host.Hypervisor().Stop(t.Context(), machine, 0))
		}, websocket.StatusNormalClosure},
		{"it is disconnected", nil, func(_ *testing.T, r rig, _ *websocket.Conn) { r.door.Disconnect(machine) }, websocket.StatusGoingAway},
		{"the door closes", nil, func(_ *testing.T, r rig, _ *websocket.Conn) { r.door.Close() }, websocket.StatusGoingAway},
		{"nobody uses it", func(c *consoleproxy.Config) { c.Idle = 100 * time.Millisecond }, func(*testing.T, rig, *websocket.Conn) {}, 4000},
		{"it lasts too long", func(c *consoleproxy.Config) { c.Longest = 100 * time.Millisecond }, func(*testing.T, rig, *websocket.Conn) {}, 4001},
		{"text instead of RFB", nil, func(t *testing.T, _ rig, socket *websocket.Conn) {
			require.NoError(t, socket.Write(t.Context(), websocket.MessageText, []byte("hello")))
		}, websocket.StatusUnsupportedData},
		{"a message beyond all measure", nil, func(t *testing.T, _ rig, socket *websocket.Conn) {
			_ = socket.Write(t.Context(), websocket.MessageBinary, bytes.Repeat([]byte{5}, 2<<20)) // pointer events; it may be cut off within
		}, websocket.StatusMessageTooBig},
		{"broken RFB", nil, func(t *testing.T, _ rig, socket *websocket.Conn) {
			require.NoError(t, socket.Write(t.Context(), websocket.MessageBinary, []byte{0xee}))
		}, websocket.StatusNormalClosure},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, tt.change)
			socket, _ := r.open(t)
			tt.act(t, r, socket)
			require.Equal(t, tt.want, closedWith(t, socket))
			r.emptied(t)
		})
	}
}

func TestLimits(t *testing.T) {
	r := newRig(t, func(c *consoleproxy.Config) { c.MaxPerInstance = 2 })
	first, _ := r.open(t)
	r.open(t)
	_, status, err := r.dial(t, r.issue(t).WebSocketPath(), nil)
	require.Error(t, err)
	require.Equal(t, http.StatusTooManyRequests, status)
	require.NoError(t, first.Close(websocket.StatusNormalClosure, ""))
	require.Eventually(t, func() bool { return r.door.Sessions() == 1 }, 10*time.Second, 5*time.Millisecond)
	r.open(t)
}

func TestThePageLoadsNothingFromElsewhere(t *testing.T) {
	r := newRig(t, nil)
	l := r.issue(t)
	answer, _ := r.get(t, l.WebSocketPath())
	require.Equal(t, http.StatusSeeOther, answer.StatusCode)
	require.Equal(t, l.PagePath(), answer.Header.Get("Location"))
	for file, kind := range map[string]string{"": "text/html", "viewer.js": "text/javascript", "rfb.js": "text/javascript", "keys.js": "text/javascript", "viewer.css": "text/css"} {
		answer, body := r.get(t, l.PagePath()+file)
		require.Equal(t, http.StatusOK, answer.StatusCode, file)
		require.Contains(t, answer.Header.Get("Content-Type"), kind)
		policy := answer.Header.Get("Content-Security-Policy")
		require.Contains(t, policy, "default-src 'none'")
		require.NotContains(t, policy, "unsafe")
		require.Equal(t, "no-referrer", answer.Header.Get("Referrer-Policy"))
		require.Equal(t, "no-store", answer.Header.Get("Cache-Control"))
		require.NotContains(t, body, "://", "no address of another place")
		require.NotRegexp(t, `(?i)\son[a-z]+=|style=|javascript:`, body, "nothing that the policy forbids")
	}
	answer, _ = r.get(t, l.PagePath()+"door.go")
	require.Equal(t, http.StatusNotFound, answer.StatusCode)
	socket, _, err := r.dial(t, l.WebSocketPath(), nil)
	require.NoError(t, err, "looking at the page does not use the ticket up")
	socket.CloseNow()
}
