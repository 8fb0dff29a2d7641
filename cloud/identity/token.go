package identity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"edgecloud/store"
)

const (
	// TokenLife is how long a token is good (api/iec/conventions.md 2.1).
	TokenLife = 24 * time.Hour

	bearerSize = 64   // characters, about 380 bits
	maxTokens  = 1000 // of a user; the next login ends the oldest
)

// hashOf is how a bearer is known at rest. It is random and long, so a plain hash is enough.
func hashOf(bearer string) string {
	sum := sha256.Sum256([]byte(bearer))
	return hex.EncodeToString(sum[:])
}

// issue makes a token for a user whose right to it was checked. Expired tokens of all users go on the way, and the user's oldest beyond maxTokens.
func (i *Identity) issue(ctx context.Context, tx *store.Tx, user string, scope Scope, project string, methods []string, expires time.Time) (string, *tokenRow, error) {
	if _, err := tx.NewDelete().Model((*tokenRow)(nil)).Where("expires <= ?", tx.Time()).Exec(ctx); err != nil {
		return "", nil, err
	}
	newest := tx.NewSelect().Model((*tokenRow)(nil)).Column("uid").Where("user_uid = ?", user).Order("uid DESC").Limit(maxTokens - 1)
	if _, err := tx.NewDelete().Model((*tokenRow)(nil)).Where("user_uid = ?", user).Where("uid NOT IN (?)", newest).Exec(ctx); err != nil {
		return "", nil, err
	}
	bearer := tx.Token(bearerSize)
	row := &tokenRow{UID: newUID(tx), Hash: hashOf(bearer), User: user, Scope: scope, Project: project, Methods: strings.Join(methods, ","), Issued: tx.Time(), Expires: store.At(expires)}
	_, err := tx.NewInsert().Model(row).Exec(ctx)
	return bearer, row, err
}

// Token proves a bearer token (it is a Tokens). A token that was used within the last five seconds costs no statement; what this server revokes is seen at once.
func (i *Identity) Token(ctx context.Context, bearer string) (Token, error) {
	if len(bearer) != bearerSize {
		return Token{}, Refuse(InvalidToken, "The token is not valid.")
	}
	hash, now := hashOf(bearer), i.db.Now()
	token, epoch, ok := i.tokens.get(hash, now)
	if !ok {
		var err error
		if token, err = i.loadToken(ctx, hash); err != nil {
			return Token{}, err
		}
		i.tokens.put(hash, token, epoch, now)
	}
	if !now.Before(token.ExpiresAt) {
		return Token{}, Refuse(ExpiredToken, "The token has expired.")
	}
	return token, token.usable()
}

func (i *Identity) loadToken(ctx context.Context, hash string) (Token, error) {
	var row struct {
		principalRow
		UID         string     `bun:"uid"`
		Scope       Scope      `bun:"scope"`
		Project     string     `bun:"project"`
		ProjectName string     `bun:"project_name"`
		Methods     string     `bun:"methods"`
		Issued      store.Time `bun:"issued"`
		Expires     store.Time `bun:"expires"`
	}
	err := i.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.NewSelect().TableExpr("tokens AS token").
			ColumnExpr("token.uid, token.scope, COALESCE(token.project, '') AS project, COALESCE(project.name, '') AS project_name, token.methods, token.issued, token.expires, "+principalColumns).
			Join("JOIN users ON users.uid = token.user_uid").Join("JOIN accounts AS account ON account.uid = users.account").
			Join("LEFT JOIN projects AS project ON project.uid = token.project").
			Where("token.hash = ?", hash).Scan(ctx, &row)
	})
	if store.NotFound(err) {
		return Token{}, Refuse(InvalidToken, "The token is not valid.")
	}
	if err != nil {
		return Token{}, err
	}
	token := Token{ID: row.UID, Scope: row.Scope, IssuedAt: row.Issued.Time(), ExpiresAt: row.Expires.Time(), Methods: strings.Split(row.Methods, ","), Principal: row.principal()}
	token.Project, token.ProjectName = row.Project, row.ProjectName
	return token, nil
}

// Revoke ends a token. The caller must be its user or an operator; an unknown token and another's are refused alike.
func (i *Identity) Revoke(ctx context.Context, caller *Caller, bearer string) error {
	hash := hashOf(bearer)
	return i.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		q := tx.NewDelete().Model((*tokenRow)(nil)).Where("hash = ?", hash)
		if !caller.Operator {
			q = q.Where("user_uid = ?", caller.User)
		}
		res, err := q.Exec(ctx)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			if err == nil {
				err = Refuse(InvalidToken, "The token is not valid.")
			}
			return err
		}
		tx.AfterCommit(func() { i.tokens.drop(hash) })
		return nil
	})
}
