package link

import (
	"context"
	"log/slog"
	"time"

	"edgecloud/link/protocol"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// Observer takes one report inside the transaction that remembers its number. It may see a report twice only if the transaction failed. Reports on old
// generations come too: compare.
type Observer func(ctx context.Context, tx *store.Tx, r spec.Report) error

// HeartbeatObserver takes a host's facts; facts is nil when they are as before.
type HeartbeatObserver func(ctx context.Context, tx *store.Tx, host string, facts *spec.HostFacts) error

// JoinObserver makes an enrolled host known to the domain, in the transaction of the enrolment.
type JoinObserver func(ctx context.Context, tx *store.Tx, host, site string, facts spec.HostFacts) error

// SamplesTaker takes rounds of samples (reports of spec.KindUsage) of a host, outside of any transaction. It may see a round twice.
type SamplesTaker func(ctx context.Context, host string, rounds []spec.Report) error

// Config composes the centre's side.
type Config struct {
	DB          *store.DB
	Observers   map[string]Observer // by kind; a kind without one is only counted
	Samples     SamplesTaker        // nil: samples are only counted
	OnHeartbeat HeartbeatObserver
	OnJoin      JoinObserver
	Heartbeat   time.Duration // how often hosts shall send one; default 10 s
	Lease       time.Duration // of the site role; default 3 heartbeats
	Logger      *slog.Logger
}

// Service answers agents; it implements protocol.Centre. It keeps no state but the database's.
type Service struct {
	cfg Config
}

var _ protocol.Centre = (*Service)(nil)

// New makes the centre's side.
func New(cfg Config) *Service {
	if cfg.Heartbeat <= 0 {
		cfg.Heartbeat = 10 * time.Second
	}
	if cfg.Lease <= 0 {
		cfg.Lease = 3 * cfg.Heartbeat
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return &Service{cfg: cfg}
}

// DB is the service's database.
func (s *Service) DB() *store.DB { return s.cfg.DB }
