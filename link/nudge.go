package link

import (
	"context"
	"strings"
	"time"

	"edgecloud/store"
)

// nudgeWindow is how far back a changed target is looked for: longer than any transaction lasts, so that one that began early and committed late is found.
const nudgeWindow = 5 * time.Second

// poll is how often targets are looked at without a signal: another server of the same database may have changed them.
const poll = time.Second

// Nudges tells nudge the host of every target that changed, until ctx ends. For a site it names the holder of its role. nudge must not block. It hears of
// changes by this process at once, of those by other servers within a second.
func (s *Service) Nudges(ctx context.Context, nudge func(host string)) error {
	signal, cancel := s.cfg.DB.Subscribe(topic)
	defer cancel()
	seen := map[string]targetRow{}
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-signal:
		case <-ticker.C:
		}
		hosts, err := s.changed(ctx, seen)
		if err != nil && ctx.Err() == nil {
			s.cfg.Logger.Error("looking for changed targets failed", "error", err)
			continue
		}
		for _, host := range hosts {
			nudge(host)
		}
	}
}

// changed lists the hosts of targets that changed since the last call; seen remembers the window.
func (s *Service) changed(ctx context.Context, seen map[string]targetRow) ([]string, error) {
	var hosts []string
	err := s.cfg.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		hosts = nil
		since := store.At(s.cfg.DB.Now()).Add(-nudgeWindow)
		var rows []targetRow
		if err := tx.NewSelect().Model(&rows).Where("changed_at >= ?", since).Scan(ctx); err != nil {
			return err
		}
		for _, r := range rows {
			if seen[r.Target].Revision >= r.Revision {
				continue
			}
			host, err := hostOf(ctx, tx, r.Target)
			if err != nil {
				return err
			}
			if host != "" {
				hosts = append(hosts, host)
			}
			seen[r.Target] = r
		}
		for target, r := range seen {
			if r.ChangedAt < since {
				delete(seen, target)
			}
		}
		return nil
	})
	return hosts, err
}

func hostOf(ctx context.Context, tx *store.Tx, target string) (string, error) {
	if host, ok := strings.CutPrefix(target, "host."); ok {
		return host, nil
	}
	site, _ := strings.CutPrefix(target, "site.")
	return RoleHolder(ctx, tx, site)
}
