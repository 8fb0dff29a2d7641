package link

import (
	"embed"

	"github.com/uptrace/bun"

	"edgecloud/link/spec"
	"edgecloud/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are this package's tables, for store.Config.
func Migrations() store.MigrationSet { return store.Files("link", migrations) }

// topic is signalled after every commit that changed a target.
const topic = "link"

type targetRow struct {
	bun.BaseModel `bun:"table:link_targets,alias:t"`
	Target        string     `bun:"target,pk"`
	Revision      int64      `bun:"revision"`
	ChangedAt     store.Time `bun:"changed_at"`
}

type specRow struct {
	bun.BaseModel `bun:"table:link_specs,alias:s"`
	Target        string `bun:"target,pk"`
	Kind          string `bun:"kind,pk"`
	UID           string `bun:"uid,pk"`
	Revision      int64  `bun:"revision"`
	Deleted       bool   `bun:"deleted"`
	Body          string `bun:"body"`
}

type hostRow struct {
	bun.BaseModel `bun:"table:link_hosts,alias:h"`
	UID           string                     `bun:"uid,pk"`
	Site          string                     `bun:"site"`
	PublicKey     string                     `bun:"public_key"`
	Seq           int64                      `bun:"seq"`
	HeartbeatAt   store.Time                 `bun:"heartbeat_at"`
	EnrolledAt    store.Time                 `bun:"enrolled_at"`
	Revoked       bool                       `bun:"revoked"`
	Facts         store.JSON[spec.HostFacts] `bun:"facts,type:text"`
}

type tokenRow struct {
	bun.BaseModel `bun:"table:link_tokens,alias:k"`
	Hash          string     `bun:"hash,pk"`
	Site          string     `bun:"site"`
	Host          string     `bun:"host"`
	Name          string     `bun:"name"`
	ExpiresAt     store.Time `bun:"expires_at"`
	UsedBy        string     `bun:"used_by"`
}

type roleRow struct {
	bun.BaseModel `bun:"table:link_roles,alias:r"`
	Site          string     `bun:"site,pk"`
	Host          string     `bun:"host"`
	Epoch         int64      `bun:"epoch"`
	ExpiresAt     store.Time `bun:"expires_at"`
}
