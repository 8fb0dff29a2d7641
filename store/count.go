package store

import (
	"context"
	"strings"
	"sync"

	"github.com/uptrace/bun"
)

// Counter counts the statements that a context caused, for tests of A10: a list needs the same number of statements whatever its length.
type Counter struct {
	mu    sync.Mutex
	texts []string
}

type counterKey struct{}

// CountStatements gives a context whose statements are counted. Transaction control (BEGIN, SAVEPOINT, COMMIT) is not counted.
func CountStatements(ctx context.Context) (context.Context, *Counter) {
	c := &Counter{}
	return context.WithValue(ctx, counterKey{}, c), c
}

// N is the number of statements so far.
func (c *Counter) N() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.texts)
}

// Statements gives their texts, for the message of a failing test.
func (c *Counter) Statements() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.texts...)
}

// hook is bun's view of Counter.
type hook struct{}

func (hook) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (hook) AfterQuery(ctx context.Context, e *bun.QueryEvent) {
	c, _ := ctx.Value(counterKey{}).(*Counter)
	if c == nil || isControl(e.Query) {
		return
	}
	c.mu.Lock()
	c.texts = append(c.texts, e.Query)
	c.mu.Unlock()
}

func isControl(query string) bool {
	word, _, _ := strings.Cut(query, " ")
	switch word {
	case "BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE":
		return true
	}
	return false
}

func (db *DB) withHook(b *bun.DB) *bun.DB { return b.WithQueryHook(hook{}) }
