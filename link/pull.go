package link

import (
	"context"
	"encoding/json"
	"fmt"

	"edgecloud/link/protocol"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// pageSize bounds the items of one answer, headSize those without bodies. pageBytes bounds an answer's bodies, below a message's limit (NATS: 1 MiB).
const (
	pageSize  = 256
	headSize  = 5000
	pageBytes = 512 << 10
)

// Pull answers an agent. ErrDenied for a target that is not its own; ErrNotRole for its site's without the role's present epoch.
func (s *Service) Pull(ctx context.Context, host string, p protocol.Pull) (protocol.Pulled, error) {
	var out protocol.Pulled
	err := s.cfg.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		out = protocol.Pulled{}
		if err := allowed(ctx, tx, host, p); err != nil {
			return err
		}
		if err := latest(ctx, tx, p.Target, &out.Latest); err != nil {
			return err
		}
		if len(p.Want) > 0 {
			return wanted(ctx, tx, p, &out)
		}
		return page(ctx, tx, p, &out)
	})
	return out, err
}

func allowed(ctx context.Context, tx *store.Tx, host string, p protocol.Pull) error {
	h, err := liveHost(ctx, tx, host)
	if err != nil {
		return err
	}
	switch p.Target {
	case spec.HostTarget(host):
		return nil
	case spec.SiteTarget(h.Site):
		return holds(ctx, tx, h.Site, host, p.Role)
	}
	return fmt.Errorf("%w: pull of %s", protocol.ErrDenied, p.Target)
}

func latest(ctx context.Context, tx *store.Tx, target string, revision *int64) error {
	row := &targetRow{}
	err := tx.NewSelect().Model(row).Where("target = ?", target).Scan(ctx)
	if err != nil && !store.NotFound(err) {
		return err
	}
	*revision = row.Revision
	return nil
}

func page(ctx context.Context, tx *store.Tx, p protocol.Pull, out *protocol.Pulled) error {
	limit := pageSize
	if p.Heads {
		limit = headSize
	}
	if p.Limit > 0 {
		limit = min(limit, p.Limit)
	}
	var rows []specRow
	q := tx.NewSelect().Model(&rows).Where("target = ? AND revision > ?", p.Target, p.Since).Order("revision").Limit(limit + 1)
	if p.Heads {
		q = q.Column("target", "kind", "uid", "revision", "deleted")
	}
	if err := q.Scan(ctx); err != nil {
		return fmt.Errorf("link: reading a page of %s: %w", p.Target, err)
	}
	bytes := 0
	for i, r := range rows {
		if bytes += len(r.Body); i == limit || (i > 0 && bytes > pageBytes) {
			out.More = true
			break
		}
		out.Items = append(out.Items, item(r, p.Heads))
		out.Revision = r.Revision
	}
	if !out.More {
		out.Revision = out.Latest
	}
	return nil
}

func item(r specRow, head bool) protocol.Item {
	i := protocol.Item{Key: protocol.Key{Kind: r.Kind, UID: r.UID}, Generation: r.Revision, Deleted: r.Deleted}
	if !r.Deleted && !head {
		i.Body = json.RawMessage(r.Body)
	}
	return i
}

func wanted(ctx context.Context, tx *store.Tx, p protocol.Pull, out *protocol.Pulled) error {
	rows := make([]*specRow, 0, len(p.Want))
	for _, k := range p.Want[:min(len(p.Want), pageSize)] {
		rows = append(rows, &specRow{Kind: k.Kind, UID: k.UID})
	}
	found, err := existing(ctx, tx, p.Target, rows)
	if err != nil {
		return err
	}
	bytes := 0
	for _, r := range rows {
		f := found[r.Kind+"/"+r.UID]
		if f == nil {
			continue
		}
		if bytes += len(f.Body); bytes > pageBytes && len(out.Items) > 0 {
			break // the agent asks again for the rest
		}
		out.Items = append(out.Items, item(*f, false))
	}
	return nil
}
