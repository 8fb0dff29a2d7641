package store

import (
	"context"
	"math"

	"github.com/uptrace/bun"
)

// Page asks for a numbered page.
type Page struct {
	Number int // from 1; less means 1
	Size   int // entries a page; less than 1 means no limit
}

// List runs a select as a page: the query already holds the model's conditions and order (which must be total, so end it with the id). It returns the
// entries and how many there are over all pages.
func List[T any](ctx context.Context, q *bun.SelectQuery, page Page) (entries []T, total int, err error) {
	total, err = q.Count(ctx)
	if err != nil || total == 0 {
		return nil, 0, err
	}
	if page.Size > 0 {
		q = q.Limit(page.Size).Offset((max(page.Number, 1) - 1) * page.Size)
	}
	err = q.Scan(ctx, &entries)
	return entries, total, err
}

// Marker asks for the page that starts at an entry. The marker is inclusive: it is the id of the first entry that is wanted, and the next page's marker is
// the first entry after this page. An id that has vanished is no error: the page starts at the next greater one.
type Marker struct {
	Start string // "" for the first page
	Size  int    // entries a page, at least 1
}

// ListFrom runs a select as the page from a marker, in the order of the column (an id: total and unique). It returns the entries and the next page's marker,
// "" after the last page.
func ListFrom[T any](ctx context.Context, q *bun.SelectQuery, m Marker, column string, id func(T) string) (entries []T, next string, err error) {
	size := max(m.Size, 1)
	if m.Start != "" {
		q = q.Where("? >= ?", bun.Ident(column), m.Start)
	}
	if err := q.OrderExpr("? ASC", bun.Ident(column)).Limit(size+1).Scan(ctx, &entries); err != nil {
		return nil, "", err
	}
	if len(entries) > size {
		next = id(entries[size])
		entries = entries[:size]
	}
	return entries, next, nil
}

// Window asks for some entries of a list after others.
type Window struct {
	Offset int // entries to leave out
	Limit  int // entries at most; less than 1 means no limit
}

// ListWindow runs a select as a window: the query already holds the model's conditions and order (which must be total, so end it with the id). It returns the
// entries and how many there are without the window.
func ListWindow[T any](ctx context.Context, q *bun.SelectQuery, w Window) (entries []T, total int, err error) {
	total, err = q.Count(ctx)
	if err != nil || total <= w.Offset {
		return nil, total, err
	}
	limit := w.Limit
	if limit < 1 {
		limit = math.MaxInt32 // SQLite takes no offset without a limit
	}
	q = q.Limit(limit).Offset(max(w.Offset, 0))
	err = q.Scan(ctx, &entries)
	return entries, total, err
}
