package store

import (
	"container/list"
	"context"
	"database/sql/driver"
	"fmt"

	"modernc.org/sqlite"
)

// SQLite spends more time on understanding a statement than on running it, and bun writes the values into each statement's text. So every connection keeps the
// statements that it has prepared, under their texts with the values lifted out (lift), and binds the values when the same text comes again.

// keeping opens connections that keep their prepared statements.
type keeping struct {
	driver.Connector
	most     int // statements that a connection keeps
	prepared *prepared
}

// sqliteConnector opens connections to a file that keep up to most prepared statements.
func sqliteConnector(dsn string, most int, p *prepared) (driver.Connector, error) {
	c, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	return keeping{c, most, p}, nil
}

func (k keeping) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := k.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	inner, ok := c.(sqliteConn)
	if !ok {
		return nil, fmt.Errorf("store: the SQLite driver's connection %T lacks what the store needs", c)
	}
	return &keeper{sqliteConn: inner, most: k.most, prepared: k.prepared, kept: map[string]*list.Element{}, recent: list.New()}, nil
}

// sqliteConn is what the driver's connections can do.
type sqliteConn interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ConnBeginTx
	driver.ExecerContext
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
	driver.Pinger
}

type sqliteStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// keeper is a connection with its statements. database/sql lets one goroutine at a time use it.
type keeper struct {
	sqliteConn
	most     int
	prepared *prepared
	kept     map[string]*list.Element // of *statement, by text
	recent   *list.List               // the most recently used first
	lifter   lifter
}

type statement struct {
	sqliteStmt
	text string
	busy bool // its rows are being read
}

// find gives the kept statement of a query, or prepares and keeps it, and the values to bind. nil: the query is none that is worth keeping.
func (k *keeper) find(ctx context.Context, query string) (*statement, []driver.NamedValue, error) {
	text, values, ok := k.lifter.lift(query)
	if !ok {
		return nil, nil, nil
	}
	if e, ok := k.kept[string(text)]; ok {
		k.recent.MoveToFront(e)
		s := e.Value.(*statement)
		if s.busy {
			return nil, nil, nil
		}
		return s, values, nil
	}
	k.prepared.add(string(text))
	made, err := k.PrepareContext(ctx, string(text))
	if err != nil {
		return nil, nil, err
	}
	s, ok := made.(sqliteStmt)
	if !ok {
		return nil, nil, fmt.Errorf("store: the SQLite driver's statement %T lacks what the store needs", made)
	}
	return k.keep(&statement{sqliteStmt: s, text: string(text)}), values, nil
}

func (k *keeper) keep(s *statement) *statement {
	k.kept[s.text] = k.recent.PushFront(s)
	for e := k.recent.Back(); k.recent.Len() > k.most && e != nil; {
		old, before := e.Value.(*statement), e.Prev()
		if !old.busy && old != s {
			k.recent.Remove(e)
			delete(k.kept, old.text)
			_ = old.Close() // it can only tell again how its last run failed
		}
		e = before
	}
	return s
}

// ExecContext runs a statement that gives no rows.
func (k *keeper) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if len(args) > 0 {
		return k.sqliteConn.ExecContext(ctx, query, args)
	}
	s, values, err := k.find(ctx, query)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return k.sqliteConn.ExecContext(ctx, query, args)
	}
	return s.ExecContext(ctx, values)
}

// QueryContext runs a statement that gives rows.
func (k *keeper) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if len(args) > 0 {
		return k.sqliteConn.QueryContext(ctx, query, args)
	}
	s, values, err := k.find(ctx, query)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return k.sqliteConn.QueryContext(ctx, query, args)
	}
	rows, err := s.QueryContext(ctx, values)
	if err != nil {
		return nil, err
	}
	s.busy = true
	return &keptRows{Rows: rows, of: s}, nil
}

// Close closes the statements and the connection.
func (k *keeper) Close() error {
	for e := k.recent.Front(); e != nil; e = e.Next() {
		_ = e.Value.(*statement).Close() // as in keep
	}
	k.kept, k.recent = map[string]*list.Element{}, list.New()
	return k.sqliteConn.Close()
}

// BeginTx begins a transaction; readers' connections refuse to write anyway.
func (k *keeper) BeginTx(ctx context.Context, _ driver.TxOptions) (driver.Tx, error) {
	_, err := k.ExecContext(ctx, "BEGIN", nil)
	return keptTx{k}, err
}

type keptTx struct{ k *keeper }

func (t keptTx) Commit() error {
	_, err := t.k.ExecContext(context.Background(), "COMMIT", nil)
	return err
}

func (t keptTx) Rollback() error {
	_, err := t.k.ExecContext(context.Background(), "ROLLBACK", nil)
	return err
}

// keptRows gives the statement free when they are closed.
type keptRows struct {
	driver.Rows
	of *statement
}

func (r *keptRows) Close() error {
	r.of.busy = false
	return r.Rows.Close()
}

// ColumnTypeDatabaseTypeName is the declared type, which bun asks for.
func (r *keptRows) ColumnTypeDatabaseTypeName(i int) string {
	if t, ok := r.Rows.(driver.RowsColumnTypeDatabaseTypeName); ok {
		return t.ColumnTypeDatabaseTypeName(i)
	}
	return ""
}
