package balancer

import (
	"embed"

	"edgecloud/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are this package's tables.
func Migrations() store.MigrationSet { return store.Files("balancer", migrations) }
