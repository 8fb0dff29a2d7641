package consoleproxy

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"sync"
	"time"

	"edgecloud/fault"
)

// ErrNoTicket says that a ticket is absent, used or expired; callers cannot tell which.
var ErrNoTicket = errors.New("consoleproxy: no such ticket")

// Ticket is the right to open one machine's screen once. It is stored without its token: who reads the store cannot open a screen.
type Ticket struct {
	Hash     string // SHA-256 of the token, hex
	Account  string
	Instance string
	Expires  time.Time
}

// Store keeps tickets. Implementations are safe for concurrent use; the cloud's is a table of its database.
type Store interface {
	// Put keeps a new ticket.
	Put(ctx context.Context, t Ticket) error
	// Take removes and gives the ticket with this hash in one step, so that of two callers at once one gets it. ErrNoTicket if it is absent, or expired at now.
	Take(ctx context.Context, hash string, now time.Time) (Ticket, error)
}

// tokenBytes is how many random bytes a token has.
const tokenBytes = 32

// Hash is what stands for a token in a Store.
func Hash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Link is a fresh ticket with its token: what the caller who asked for a screen gets.
type Link struct {
	Token   string
	Expires time.Time
}

// WebSocketPath is where noVNC and the like connect to, below the door's host.
func (l Link) WebSocketPath() string { return Prefix + l.Token }

// PagePath is the built-in viewer for people.
func (l Link) PagePath() string { return Prefix + l.Token + "/" }

// Issue makes a ticket for one machine of an account; the caller has checked that the account may see it.
func (d *Door) Issue(ctx context.Context, account, instance string) (Link, error) {
	if account == "" {
		return Link{}, fault.BadField("account", "is empty")
	}
	if instance == "" {
		return Link{}, fault.BadField("instance", "is empty")
	}
	raw := make([]byte, tokenBytes)
	if _, err := rand.Read(raw); err != nil {
		return Link{}, err
	}
	l := Link{Token: base64.RawURLEncoding.EncodeToString(raw), Expires: d.cfg.Now().Add(d.cfg.Lifetime)}
	return l, d.cfg.Store.Put(ctx, Ticket{Hash: Hash(l.Token), Account: account, Instance: instance, Expires: l.Expires})
}

// MemoryStore keeps tickets of one process. The zero value is ready.
type MemoryStore struct {
	mu  sync.Mutex
	all map[string]Ticket
}

// Put implements Store.
func (s *MemoryStore) Put(_ context.Context, t Ticket) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[string]Ticket{}
	}
	s.all[t.Hash] = t
	return nil
}

// Take implements Store, and forgets all tickets that have expired.
func (s *MemoryStore) Take(_ context.Context, hash string, now time.Time) (Ticket, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for h, t := range s.all {
		if !now.Before(t.Expires) {
			delete(s.all, h)
		}
	}
	t, ok := s.all[hash]
	if !ok {
		return Ticket{}, ErrNoTicket
	}
	delete(s.all, hash)
	return t, nil
}
