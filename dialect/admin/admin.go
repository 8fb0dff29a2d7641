package admin

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"time"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/image"
	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/dialect"
	"edgecloud/store"
)

// Door answers the admin API's operations. Its fields are what it calls.
type Door struct {
	DB       *store.DB
	Identity *identity.Identity
	Place    *place.Place
	Networks *network.Networks
	Images   *image.Images
	Version  string
	Remote   Remote // nil: no other machine can join
	Faults   Faults // nil: the engines are no simulated ones
	Logger   *slog.Logger
}

// Remote is the link's transport to hosts on other machines.
type Remote interface {
	// Invite gives the text of a join token with a secret, and the URL that the host joins at.
	Invite(secret string) (token, url string)
	// Kick closes the connections of a host that was revoked.
	Kick(host string) error
	// Connected tells whether the transport works now.
	Connected() bool
}

// Handlers binds every operation that is built.
func (d *Door) Handlers() dialect.Handlers {
	all := dialect.Handlers{}
	for _, some := range []dialect.Handlers{d.accounts(), d.users(), d.sites(), d.hosts(), d.flavors(), d.images(), d.quotas(), d.events(), d.health(), d.faults(), d.checks()} {
		maps.Copy(all, some)
	}
	return all
}

// stamp is a time as this API writes it.
func stamp(t store.Time) string { return t.Time().UTC().Format(time.RFC3339) }

func created(body any) *dialect.Answer {
	return &dialect.Answer{Status: http.StatusCreated, Body: body}
}
func gone() *dialect.Answer { return &dialect.Answer{Status: http.StatusNoContent} }

// noted makes one transaction of a change and its audit record, for verbs that keep none themselves: identity and place lie below audit.
func (d *Door) noted(ctx context.Context, c *dialect.Call, kind string, change func(ctx context.Context) (target string, err error)) error {
	return d.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		target, err := change(store.Join(ctx, tx))
		if err != nil {
			return err
		}
		return audit.Note(ctx, tx, c.Caller, kind, target)
	})
}

// page cuts one page out of a list in a fixed order, from the entry whose ID is the marker; next is the ID that the following page begins with.
func page[T any](c *dialect.Call, all []T, id func(T) string) (some []T, next *string) {
	from := 0
	if marker := c.Param("marker"); marker != "" {
		from = len(all)
		for i, one := range all {
			if id(one) == marker {
				from = i
				break
			}
		}
	}
	to := min(len(all), from+c.Int("limit", 100))
	if to < len(all) {
		next = new(id(all[to]))
	}
	return all[from:to], next
}

// optional is nil for what is empty, since empty members are left out.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
