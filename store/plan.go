package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/uptrace/bun/dialect"
)

// prepared counts the statements that SQLite had to prepare, and remembers their texts if it is told to.
type prepared struct {
	n        atomic.Int64
	remember bool
	mu       sync.Mutex
	texts    map[string]bool
}

func (p *prepared) add(text string) {
	p.n.Add(1)
	if !p.remember {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.texts == nil {
		p.texts = map[string]bool{}
	}
	p.texts[text] = true
}

// Statements gives the texts of all statements that were run so far, each once and with its values lifted out. Only on SQLite and with Config.Remember.
func (db *DB) Statements() []string {
	db.prepared.mu.Lock()
	defer db.prepared.mu.Unlock()
	return slices.Sorted(maps.Keys(db.prepared.texts))
}

// Plan tells how SQLite runs one of Statements: the lines of EXPLAIN QUERY PLAN (sqlite.org/eqp.html).
func (db *DB) Plan(ctx context.Context, statement string) (steps []string, err error) {
	if db.kind != dialect.SQLite {
		return nil, errors.New("store: plans are read from SQLite only")
	}
	rows, err := db.read.DB.QueryContext(ctx, "EXPLAIN QUERY PLAN "+statement, make([]any, strings.Count(statement, "?"))...)
	if err != nil {
		return nil, fmt.Errorf("store: explaining %s: %w", statement, err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			return nil, err
		}
		steps = append(steps, step)
	}
	return steps, rows.Err()
}
