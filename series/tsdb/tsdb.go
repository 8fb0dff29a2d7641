// Package tsdb keeps series in an embedded Prometheus TSDB: a folder with a write-ahead log, and packed blocks that go when they are older than the retention.
//
// It is opened by the first call that needs it, so that a cloud that nobody watches costs nothing. What Append has returned for is in the log: it survives the
// end of the process, however it comes; a power cut may lose the last moments, which the log's pages are not flushed for.
package tsdb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/compression"

	"edgecloud/series"
)

// DefaultRetention is how long samples are kept: BEC shows those of the last three months.
const DefaultRetention = 93 * 24 * time.Hour

// nameLabel is where the TSDB keeps the name of a series.
const nameLabel = "__name__"

// Config says where the store is.
type Config struct {
	Dir       string
	Retention time.Duration // default DefaultRetention
	Logger    *slog.Logger
}

// Store implements series.Store.
type Store struct {
	cfg Config

	mu     sync.Mutex
	db     *tsdb.DB
	closed bool
}

var _ series.Store = (*Store)(nil)

// New makes a store that is opened when it is first used.
func New(cfg Config) *Store {
	if cfg.Retention <= 0 {
		cfg.Retention = DefaultRetention
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return &Store{cfg: cfg}
}

// options keep the head small: a cloud has thousands of series, not millions.
func (s *Store) options() *tsdb.Options {
	o := tsdb.DefaultOptions()
	o.RetentionDuration = s.cfg.Retention.Milliseconds()
	o.MaxBlockDuration = max(o.MinBlockDuration, min(s.cfg.Retention/10, 31*24*time.Hour).Milliseconds())
	o.OutOfOrderTimeWindow = s.cfg.Retention.Milliseconds() // a site that was cut off sends late
	o.WALCompression = compression.Snappy
	o.WALSegmentSize = 16 << 20
	o.StripeSize = 1 << 10
	o.HeadChunksWriteBufferSize = chunks.MinWriteBufferSize
	o.EnableMemorySnapshotOnShutdown = true
	return o
}

// open gives the database. Without create, nil if nothing was ever appended.
func (s *Store) open(create bool) (*tsdb.DB, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errors.New("series: the store is closed")
	}
	if s.db != nil {
		return s.db, nil
	}
	if _, err := os.Stat(s.cfg.Dir); !create && errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	db, err := tsdb.Open(s.cfg.Dir, quiet(s.cfg.Logger), nil, s.options(), nil)
	if err != nil {
		return nil, fmt.Errorf("series: open %s: %w", s.cfg.Dir, err)
	}
	s.db = db
	return db, nil
}

// Append implements series.Store.
func (s *Store) Append(ctx context.Context, samples []series.Sample) (late int, err error) {
	if len(samples) == 0 {
		return 0, nil
	}
	db, err := s.open(true)
	if err != nil {
		return 0, err
	}
	app := db.Appender(ctx)
	for _, one := range samples {
		_, err := app.Append(0, labelsOf(one.Labels), one.At.UnixMilli(), one.Value)
		switch {
		case errors.Is(err, storage.ErrTooOldSample), errors.Is(err, storage.ErrOutOfBounds):
			late++
		case errors.Is(err, storage.ErrDuplicateSampleForTimestamp), errors.Is(err, storage.ErrOutOfOrderSample):
			// The first value stays.
		case err != nil:
			return 0, errors.Join(fmt.Errorf("series: append %s: %w", one.Name, err), app.Rollback())
		}
	}
	if err := app.Commit(); err != nil {
		return 0, fmt.Errorf("series: append: %w", err)
	}
	return late, nil
}

func labelsOf(l series.Labels) labels.Labels {
	b := labels.NewScratchBuilder(len(l.Of) + 1)
	b.Add(nameLabel, l.Name)
	for name, value := range l.Of {
		if value != "" {
			b.Add(name, value)
		}
	}
	b.Sort()
	return b.Labels()
}

// Select implements series.Store.
func (s *Store) Select(ctx context.Context, name string, from, to time.Time, match ...series.Match) (out []series.Series, err error) {
	db, err := s.open(false)
	if err != nil || db == nil {
		return nil, err
	}
	q, err := db.Querier(from.UnixMilli(), to.UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("series: read: %w", err)
	}
	defer func() { err = errors.Join(err, q.Close()) }()
	matchers, err := matchersOf(name, match)
	if err != nil {
		return nil, err
	}
	set := q.Select(ctx, false, &storage.SelectHints{Start: from.UnixMilli(), End: to.UnixMilli()}, matchers...)
	var it chunkenc.Iterator
	for set.Next() {
		one := series.Series{Labels: series.Labels{Name: name, Of: set.At().Labels().Map()}}
		delete(one.Of, nameLabel)
		it = set.At().Iterator(it)
		for it.Next() == chunkenc.ValFloat {
			at, value := it.At()
			one.Points = append(one.Points, series.Point{At: time.UnixMilli(at), Value: value})
		}
		if err := it.Err(); err != nil {
			return nil, fmt.Errorf("series: read %s: %w", name, err)
		}
		if len(one.Points) > 0 {
			out = append(out, one)
		}
	}
	return out, set.Err()
}

func matchersOf(name string, match []series.Match) ([]*labels.Matcher, error) {
	all := []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, nameLabel, name)}
	for _, m := range match {
		kind, value := labels.MatchNotEqual, ""
		switch len(m.In) {
		case 0:
		case 1:
			kind, value = labels.MatchEqual, m.In[0]
		default:
			quoted := make([]string, len(m.In))
			for k, v := range m.In {
				quoted[k] = regexp.QuoteMeta(v)
			}
			kind, value = labels.MatchRegexp, strings.Join(quoted, "|")
		}
		one, err := labels.NewMatcher(kind, m.Label, value)
		if err != nil {
			return nil, fmt.Errorf("series: match %s: %w", m.Label, err)
		}
		all = append(all, one)
	}
	return all, nil
}

// Close implements series.Store.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.db == nil {
		return nil
	}
	err := s.db.Close()
	s.db = nil
	return err
}

// quiet lets through what an operator should see: the TSDB tells of every block that it writes.
func quiet(l *slog.Logger) *slog.Logger { return slog.New(atLeast{l.Handler()}) }

type atLeast struct{ slog.Handler }

func (h atLeast) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}

func (h atLeast) WithAttrs(a []slog.Attr) slog.Handler { return atLeast{h.Handler.WithAttrs(a)} }
func (h atLeast) WithGroup(n string) slog.Handler      { return atLeast{h.Handler.WithGroup(n)} }
