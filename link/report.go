package link

import (
	"context"
	"errors"
	"fmt"

	"edgecloud/link/protocol"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// Report takes a batch. The whole batch is one transaction; when an observer fails, each report gets its own, and those that fail are named in the answer. Samples
// are taken before it: whoever keeps them knows them by their times, so that it makes no difference whether a batch is stale.
func (s *Service) Report(ctx context.Context, host string, b protocol.Reports) (protocol.Reported, error) {
	if err := numbered(b.Reports); err != nil {
		return protocol.Reported{}, err
	}
	failed, err := s.samples(ctx, host, b.Reports)
	if err != nil {
		return protocol.Reported{}, err
	}
	out, err := s.takeAll(ctx, host, b)
	out.Failed = append(out.Failed, failed...)
	return out, err
}

// samples hands rounds of samples on, and names those that could not be taken: they keep nothing else from being taken.
func (s *Service) samples(ctx context.Context, host string, reports []spec.Report) (failed []protocol.Key, err error) {
	var rounds []spec.Report
	for _, r := range reports {
		if r.Kind == spec.KindUsage {
			rounds, failed = append(rounds, r), append(failed, protocol.Key{Kind: r.Kind, UID: r.UID})
		}
	}
	if len(rounds) == 0 || s.cfg.Samples == nil {
		return nil, nil
	}
	err = s.cfg.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := liveHost(ctx, tx, host)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := s.cfg.Samples(ctx, host, rounds); err != nil {
		s.cfg.Logger.Error("samples could not be kept", "host", host, "rounds", len(rounds), "error", err)
		return failed, nil
	}
	return nil, nil
}

func (s *Service) takeAll(ctx context.Context, host string, b protocol.Reports) (protocol.Reported, error) {
	out, err := s.take(ctx, host, b.Role, b.Reports)
	if err == nil || len(b.Reports) == 1 && isDenied(err) {
		return out, err
	}
	if isDenied(err) {
		return out, err
	}
	return s.takeEach(ctx, host, b)
}

func isDenied(err error) bool { return errors.Is(err, protocol.ErrDenied) }

func numbered(reports []spec.Report) error {
	if len(reports) == 0 {
		return fmt.Errorf("%w: an empty batch of reports", protocol.ErrDenied)
	}
	for i := 1; i < len(reports); i++ {
		if reports[i].Seq <= reports[i-1].Seq {
			return fmt.Errorf("%w: the numbers of a batch must grow", protocol.ErrDenied)
		}
	}
	return nil
}

// takeEach keeps one bad report from holding up the others.
func (s *Service) takeEach(ctx context.Context, host string, b protocol.Reports) (protocol.Reported, error) {
	var out protocol.Reported
	for _, r := range b.Reports {
		one, err := s.take(ctx, host, b.Role, []spec.Report{r})
		if err != nil {
			s.cfg.Logger.Error("a report could not be taken", "host", host, "kind", r.Kind, "uid", r.UID, "generation", r.Generation, "error", err)
			out.Failed = append(out.Failed, protocol.Key{Kind: r.Kind, UID: r.UID})
			continue
		}
		out.Seq = max(out.Seq, one.Seq)
	}
	if len(out.Failed) == len(b.Reports) {
		return out, errors.New("link: none of the reports could be taken")
	}
	return out, nil
}

func (s *Service) take(ctx context.Context, host string, role int64, reports []spec.Report) (protocol.Reported, error) {
	var out protocol.Reported
	err := s.cfg.DB.Write(store.Background(ctx), func(ctx context.Context, tx *store.Tx) error {
		out = protocol.Reported{}
		h, err := liveHost(ctx, tx, host)
		if err != nil {
			return err
		}
		last := reports[len(reports)-1].Seq
		res, err := tx.NewUpdate().Model(h).Set("seq = ?", last).WherePK().Where("seq < ?", reports[0].Seq).Exec(ctx)
		if err != nil {
			return fmt.Errorf("link: remembering the number of host %s: %w", host, err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			out.Seq = h.Seq // stale, or a repetition
			return err
		}
		out.Seq = last
		holder := role > 0 && holds(ctx, tx, h.Site, host, role) == nil
		for _, r := range reports {
			r.Host = host
			if protocol.IsSiteKind(r.Kind) && !holder {
				continue // a former holder's view of the site
			}
			if err := s.observe(ctx, tx, h, r); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

func (s *Service) observe(ctx context.Context, tx *store.Tx, h *hostRow, r spec.Report) error {
	target := spec.HostTarget(h.UID)
	if protocol.IsSiteKind(r.Kind) {
		target = spec.SiteTarget(h.Site)
	}
	switch r.Phase {
	case spec.Gone:
		if err := gone(ctx, tx, target, r); err != nil {
			return err
		}
	case spec.Orphan:
		if err := haunted(ctx, tx, target, r); err != nil {
			return err
		}
	}
	if r.Refused > 0 {
		if err := raise(ctx, tx, target, r); err != nil {
			return err
		}
	}
	if observer := s.cfg.Observers[r.Kind]; observer != nil {
		return observer(ctx, tx, r)
	}
	return nil
}

// raise gives a spec that the host's ledger refused a generation above the ledger's, so that the two converge: the ledger is ahead only when the centre's
// database was restored from a backup.
func raise(ctx context.Context, tx *store.Tx, target string, r spec.Report) error {
	row, err := find(ctx, tx, target, r.Kind, r.UID)
	if err != nil || row == nil || row.Revision != r.Refused {
		return err
	}
	revision, err := growBeyond(ctx, tx, target, r.Generation)
	if err != nil {
		return err
	}
	if _, err := tx.NewUpdate().Model(row).Set("revision = ?", revision).WherePK().Exec(ctx); err != nil {
		return fmt.Errorf("link: raising %s %s: %w", r.Kind, r.UID, err)
	}
	tx.Notify(topic)
	return nil
}
