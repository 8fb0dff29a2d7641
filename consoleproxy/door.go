package consoleproxy

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"edgecloud/fault"
)

// Prefix is where the door is mounted.
const Prefix = "/console/"

// Defaults of Config.
const (
	DefaultLifetime       = 10 * time.Minute
	DefaultIdle           = 30 * time.Minute
	DefaultLongest        = 12 * time.Hour
	DefaultMaxSessions    = 1000
	DefaultMaxPerInstance = 8
)

// dialTimeout is how long a machine's host may take to answer.
const dialTimeout = 15 * time.Second

// Config is what a door needs. Zero limits take their defaults.
type Config struct {
	Store Store
	// Dial opens the screen of a machine, wherever it runs: a stream that speaks RFB. Its context ends with the attempt, not with the session.
	Dial func(ctx context.Context, instance string) (net.Conn, error)
	// Allow is asked when a ticket is used, since the account may have lost the machine meanwhile; nil: always.
	Allow func(ctx context.Context, t Ticket) error
	Now   func() time.Time // nil: time.Now

	Lifetime       time.Duration // of a ticket
	Idle           time.Duration // without anything from the viewer but answers to pings
	Longest        time.Duration // of a session
	MaxSessions    int
	MaxPerInstance int
	// Origins are hosts whose pages may open the websocket besides our own, as patterns of path.Match: where noVNC is served from elsewhere.
	Origins []string
}

// Door is the HTTP handler for Prefix.
type Door struct {
	cfg Config

	mu       sync.Mutex
	sessions map[*session]struct{}
	each     map[string]int // sessions of an instance
	closed   bool
}

// New makes a door.
func New(cfg Config) (*Door, error) {
	if cfg.Store == nil || cfg.Dial == nil {
		return nil, errors.New("consoleproxy: Store and Dial are needed")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	orTime := func(d *time.Duration, standard time.Duration) {
		if *d <= 0 {
			*d = standard
		}
	}
	orTime(&cfg.Lifetime, DefaultLifetime)
	orTime(&cfg.Idle, DefaultIdle)
	orTime(&cfg.Longest, DefaultLongest)
	if cfg.MaxSessions <= 0 {
		cfg.MaxSessions = DefaultMaxSessions
	}
	if cfg.MaxPerInstance <= 0 {
		cfg.MaxPerInstance = DefaultMaxPerInstance
	}
	return &Door{cfg: cfg, sessions: map[*session]struct{}{}, each: map[string]int{}}, nil
}

// tokenForm is what Issue makes: 32 bytes in unpadded base64url.
var tokenForm = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// ServeHTTP serves Prefix{token} (the websocket), Prefix{token}/ (the page) and the page's files.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secure(w, r)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "Only GET is served here.", http.StatusMethodNotAllowed)
		return
	}
	rest, ok := strings.CutPrefix(r.URL.Path, Prefix)
	token, file, slash := strings.Cut(rest, "/")
	if !ok || !tokenForm.MatchString(token) {
		gone(w)
		return
	}
	switch {
	case slash:
		page(w, r, file)
	case upgrades(r):
		d.open(w, r, token)
	default:
		http.Redirect(w, r, Prefix+token+"/", http.StatusSeeOther)
	}
}

func upgrades(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket") && strings.Contains(strings.ToLower(r.Header.Get("Connection")), "upgrade")
}

func gone(w http.ResponseWriter) {
	http.Error(w, "This console link does not exist, was used already, or has expired. Ask for a new one.", http.StatusNotFound)
}

// open uses up the ticket, reaches the machine and only then upgrades, so that failures are plain HTTP answers.
func (d *Door) open(w http.ResponseWriter, r *http.Request, token string) {
	ticket, err := d.cfg.Store.Take(r.Context(), Hash(token), d.cfg.Now())
	if errors.Is(err, ErrNoTicket) {
		gone(w)
		return
	}
	if err != nil {
		refuse(w, ticket, err)
		return
	}
	s := &session{door: d, ticket: ticket}
	if err := d.enter(s); err != nil {
		refuse(w, ticket, err)
		return
	}
	defer d.leave(s)
	screen, err := d.reach(r.Context(), ticket)
	if err != nil {
		refuse(w, ticket, err)
		return
	}
	defer screen.Close()
	socket, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"binary"}, OriginPatterns: d.cfg.Origins})
	if err != nil {
		slog.Info("a console's websocket was refused", "instance", ticket.Instance, "error", err)
		return // Accept has answered
	}
	s.run(r.Context(), socket, screen)
}

func (d *Door) reach(ctx context.Context, t Ticket) (net.Conn, error) {
	if d.cfg.Allow != nil {
		if err := d.cfg.Allow(ctx, t); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	return d.cfg.Dial(ctx, t.Instance)
}

// refuse answers with a fault's public sentence.
func refuse(w http.ResponseWriter, t Ticket, err error) {
	f := fault.From(err)
	status := http.StatusServiceUnavailable
	switch f.Kind {
	case fault.NotFound, fault.Denied:
		gone(w)
		return
	case fault.Throttled:
		status = http.StatusTooManyRequests
	case fault.Conflict:
		status = http.StatusConflict
	case fault.Internal:
		f = fault.New(fault.Unavailable, "The machine's screen cannot be reached now.")
	}
	slog.Warn("a console cannot be opened", "instance", t.Instance, "error", err)
	http.Error(w, f.Sentence, status)
}

// enter counts a session in, within the limits.
func (d *Door) enter(s *session) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.closed:
		return fault.New(fault.Unavailable, "The console service is shutting down.")
	case len(d.sessions) >= d.cfg.MaxSessions:
		return fault.New(fault.Throttled, "Too many consoles are open.")
	case d.each[s.ticket.Instance] >= d.cfg.MaxPerInstance:
		return fault.New(fault.Throttled, "Too many consoles of this machine are open.")
	}
	d.sessions[s] = struct{}{}
	d.each[s.ticket.Instance]++
	s.stop = make(chan struct{})
	return nil
}

func (d *Door) leave(s *session) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.sessions, s)
	if d.each[s.ticket.Instance]--; d.each[s.ticket.Instance] == 0 {
		delete(d.each, s.ticket.Instance)
	}
}

// Sessions tells how many consoles are open.
func (d *Door) Sessions() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.sessions)
}

// Disconnect ends every session of a machine: it was deleted, or its owner changed.
func (d *Door) Disconnect(instance string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for s := range d.sessions {
		if s.ticket.Instance == instance {
			s.end()
		}
	}
}

// Close ends all sessions and lets nobody in any more.
func (d *Door) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	for s := range d.sessions {
		s.end()
	}
}
