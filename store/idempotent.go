package store

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/uptrace/bun"

	"edgecloud/fault"
)

// TokenLife is how long after its last use an idempotency token is remembered.
const TokenLife = 24 * time.Hour

type idempotencyToken struct {
	bun.BaseModel `bun:"table:idempotency_tokens"`
	Scope         string `bun:"scope,pk"`
	Token         string `bun:"token,pk"`
	Fingerprint   string `bun:"fingerprint"`
	Result        []byte `bun:"result"`
	UsedAt        Time   `bun:"used_at"`
}

// Idempotent runs f once per token of a scope (account and operation): the same token with the same fingerprint of the request gives the stored result
// without running f, another fingerprint is fault.TokenMismatch. An empty token means that the caller asked for no such protection.
//
// All of it belongs to the caller's transaction: return the error that it gives, and neither f's rows nor the token stay behind. Two requests at once make
// one resource: SQLite runs them one after the other, PostgreSQL repeats the second.
func Idempotent(ctx context.Context, tx *Tx, scope, token string, fingerprint []byte, f func() (result []byte, err error)) ([]byte, error) {
	if token == "" {
		return f()
	}
	print := hex.EncodeToString(fingerprint)
	row := &idempotencyToken{Scope: scope, Token: token, Fingerprint: print, Result: []byte{}, UsedAt: tx.Time()}
	mine, err := claim(ctx, tx, row)
	if err != nil {
		return nil, err
	}
	if !mine {
		return reuse(ctx, tx, row, print)
	}
	result, err := f()
	if err != nil {
		return nil, err
	}
	if len(result) > 0 {
		row.Result = result
		_, err = tx.NewUpdate().Model(row).Column("result").WherePK().Exec(ctx)
	}
	return result, err
}

// claim writes the token before f runs, so that the second of two requests at once waits here (and is repeated by PostgreSQL) instead of failing on a name
// that the first has taken. false: the token is known and alive.
func claim(ctx context.Context, tx *Tx, row *idempotencyToken) (bool, error) {
	res, err := tx.NewInsert().Model(row).On("CONFLICT (scope, token) DO UPDATE").Set("fingerprint = EXCLUDED.fingerprint").Set("result = EXCLUDED.result").
		Set("used_at = EXCLUDED.used_at").Where("?TableAlias.used_at <= ?", tx.Time().Add(-TokenLife)).Exec(ctx)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// reuse answers from the stored result and lets the token live on.
func reuse(ctx context.Context, tx *Tx, row *idempotencyToken, print string) ([]byte, error) {
	if err := tx.NewSelect().Model(row).WherePK().Scan(ctx); err != nil {
		return nil, err
	}
	if row.Fingerprint != print {
		return nil, fault.New(fault.TokenMismatch, "The idempotency token %q was used before with another request.", row.Token)
	}
	row.UsedAt = tx.Time()
	_, err := tx.NewUpdate().Model(row).Column("used_at").WherePK().Exec(ctx)
	return row.Result, err
}

// PurgeTokens forgets the idempotency tokens whose life is over, and tells how many.
func PurgeTokens(ctx context.Context, tx *Tx) (int64, error) {
	res, err := tx.NewDelete().Model((*idempotencyToken)(nil)).Where("used_at <= ?", tx.Time().Add(-TokenLife)).Exec(ctx)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}
