package link

import (
	"context"
	"fmt"

	"edgecloud/link/protocol"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// Heartbeat notes that a host lives, and gives or extends the site role.
func (s *Service) Heartbeat(ctx context.Context, host string, h protocol.Heartbeat) (protocol.Beat, error) {
	var out protocol.Beat
	err := s.cfg.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		row, err := liveHost(ctx, tx, host)
		if err != nil {
			return err
		}
		out = protocol.Beat{Site: row.Site, Every: s.cfg.Heartbeat, Lease: s.cfg.Lease, WantFacts: h.Facts == nil && row.Facts.V == (spec.HostFacts{})}
		if h.Site {
			if out.Role, err = s.lease(ctx, tx, row.Site, host); err != nil {
				return err
			}
		}
		q := tx.NewUpdate().Model(row).Set("heartbeat_at = ?", tx.Time()).WherePK()
		if h.Facts != nil {
			q = q.Set("facts = ?", store.JSON[spec.HostFacts]{V: *h.Facts})
		}
		if _, err := q.Exec(ctx); err != nil {
			return fmt.Errorf("link: noting the heartbeat of %s: %w", host, err)
		}
		if s.cfg.OnHeartbeat != nil {
			return s.cfg.OnHeartbeat(ctx, tx, host, h.Facts)
		}
		return nil
	})
	return out, err
}

// lease gives the role to a host that holds it already or finds nobody with a running lease; it returns the epoch, or 0 when another host holds it.
func (s *Service) lease(ctx context.Context, tx *store.Tx, site, host string) (int64, error) {
	until := tx.Time().Add(s.cfg.Lease)
	_, err := tx.NewRaw(`INSERT INTO link_roles (site, host, epoch, expires_at) VALUES (?, ?, 1, ?)
		ON CONFLICT (site) DO UPDATE SET host = EXCLUDED.host, expires_at = EXCLUDED.expires_at,
			epoch = link_roles.epoch + CASE WHEN link_roles.host = EXCLUDED.host THEN 0 ELSE 1 END
		WHERE link_roles.host = EXCLUDED.host OR link_roles.expires_at <= ?`, site, host, until, tx.Time()).Exec(ctx)
	if err != nil {
		return 0, fmt.Errorf("link: leasing the role of site %s: %w", site, err)
	}
	role, err := roleOf(ctx, tx, site)
	if err != nil || role == nil || role.Host != host {
		return 0, err
	}
	return role.Epoch, nil
}

func roleOf(ctx context.Context, tx *store.Tx, site string) (*roleRow, error) {
	row := &roleRow{}
	err := tx.NewSelect().Model(row).Where("site = ?", site).Scan(ctx)
	if store.NotFound(err) {
		return nil, nil
	}
	return row, err
}

// holds tells by ErrNotRole that a host does not hold its site's role under an epoch. The lease may have run out: until somebody else takes it, it counts.
func holds(ctx context.Context, tx *store.Tx, site, host string, epoch int64) error {
	role, err := roleOf(ctx, tx, site)
	if err != nil {
		return err
	}
	if role == nil || role.Host != host || role.Epoch != epoch {
		return fmt.Errorf("%w: site %s", protocol.ErrNotRole, site)
	}
	return nil
}

// RoleHolder tells which host carries a site's specs out; empty if none.
func RoleHolder(ctx context.Context, tx *store.Tx, site string) (host string, err error) {
	role, err := roleOf(ctx, tx, site)
	if err != nil || role == nil {
		return "", err
	}
	return role.Host, nil
}
