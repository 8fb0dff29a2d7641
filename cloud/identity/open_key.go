package identity

import (
	"context"
	"fmt"

	"edgecloud/fault"
	"edgecloud/store"
)

// principalRow is what a credential's row is joined with.
type principalRow struct {
	Account     string `bun:"account"`
	Number      int64  `bun:"number"`
	AccountName string `bun:"account_name"`
	User        string `bun:"user_uid"`
	UserName    string `bun:"user_name"`
	Role        Role   `bun:"role"`
	Disabled    bool   `bun:"disabled"`
	Suspended   bool   `bun:"suspended"`
}

const principalColumns = `account.uid AS account, account.number, account.name AS account_name, users.uid AS user_uid, users.name AS user_name, users.role, users.disabled, account.suspended`

func (p principalRow) principal() Principal {
	return Principal{Account: p.Account, AccountNumber: p.Number, AccountName: p.AccountName, User: p.User, UserName: p.UserName, Role: p.Role, Disabled: p.Disabled, Suspended: p.Suspended}
}

// Key finds and opens an access key (it is a Keys). A key that was used within the last five seconds costs no statement; what this server changes is seen at once.
func (i *Identity) Key(ctx context.Context, id string) (Key, error) {
	now := i.db.Now()
	key, epoch, ok := i.keys.get(id, now)
	if ok {
		return key, nil
	}
	var row struct {
		principalRow
		Sealed  []byte `bun:"sealed"`
		Enabled bool   `bun:"enabled"`
	}
	err := i.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.NewSelect().TableExpr("access_keys AS access_key").ColumnExpr("access_key.sealed, access_key.enabled, "+principalColumns).
			Join("JOIN users ON users.uid = access_key.user_uid").Join("JOIN accounts AS account ON account.uid = users.account").
			Where("access_key.id = ?", id).Scan(ctx, &row)
	})
	if store.NotFound(err) {
		return Key{}, fault.Missing("access key", id)
	}
	if err != nil {
		return Key{}, err
	}
	secret, err := i.ring.Open(row.Sealed, sealedFor(id))
	if err != nil {
		return Key{}, fmt.Errorf("identity: opening the secret of %s: %w", id, err)
	}
	key = Key{ID: id, Secret: string(secret), Enabled: row.Enabled, Principal: row.principal()}
	i.keys.put(id, key, epoch, now)
	return key, nil
}
