package agent

import (
	"context"
	"errors"
	"time"

	"edgecloud/agent/ledger"
	"edgecloud/link/protocol"
	"edgecloud/link/spec"
)

// PullOnce fetches what changed for the host and, with the role, for its site, into the ledger and lines it up. A first pull since the start, or one that
// finds the centre behind the ledger, is followed by a full list.
func (a *Agent) PullOnce(ctx context.Context) error {
	return a.pull(ctx, false)
}

// FullOnce compares the ledger with full lists of the centre: what differs is fetched, what the centre does not know is reported as an orphan and kept.
func (a *Agent) FullOnce(ctx context.Context) error {
	return a.pull(ctx, true)
}

func (a *Agent) pull(ctx context.Context, full bool) error {
	a.pulling.Lock()
	defer a.pulling.Unlock()
	err := a.pullTarget(ctx, a.target, 0, full)
	role := a.ledger.Role()
	if role.Epoch == 0 {
		return err
	}
	site := a.pullTarget(ctx, spec.SiteTarget(role.Site), role.Epoch, full)
	if errors.Is(site, protocol.ErrNotRole) {
		site = a.loseRole(ctx, role)
	}
	return errors.Join(err, site)
}

func (a *Agent) ask(ctx context.Context, p protocol.Pull) (protocol.Pulled, error) {
	ctx, cancel := context.WithTimeout(ctx, a.cfg.Timeout)
	defer cancel()
	answer, err := a.cfg.Transport.Pull(ctx, p)
	if err != nil {
		return answer, err
	}
	return answer, a.point("pulled")
}

func (a *Agent) pullTarget(ctx context.Context, target string, role int64, full bool) error {
	full = full || !a.synced[target]
	for {
		since := a.ledger.Cursor(target)
		answer, err := a.ask(ctx, protocol.Pull{Target: target, Since: since, Role: role})
		if err != nil {
			return err
		}
		if answer.Latest < since {
			full = true // the centre's database is older than this ledger
			break
		}
		if err := a.accept(target, answer.Items, answer.Revision); err != nil {
			return err
		}
		if !answer.More {
			break
		}
	}
	if !full {
		return nil
	}
	if err := a.compare(ctx, target, role); err != nil {
		return err
	}
	a.synced[target] = true
	return nil
}

// accept writes items to the ledger before anything is done about them.
func (a *Agent) accept(target string, items []protocol.Item, cursor int64) error {
	changed, refused, err := a.ledger.Accept(target, items, cursor)
	if err != nil {
		return err
	}
	if err := a.point("accepted"); err != nil {
		return err
	}
	for _, key := range changed {
		item, _ := a.ledger.Get(key)
		a.queue.add(key, item.Deleted, true)
	}
	for _, r := range refused {
		a.refuse(r)
	}
	return nil
}

// refuse tells the centre that the ledger has something newer or else.
func (a *Agent) refuse(r ledger.Refusal) {
	report, known := a.outbox.last(r.Key)
	if !known {
		report = spec.Report{Kind: r.Kind, UID: r.UID, Phase: spec.Pending, Error: "the ledger has a newer generation"}
	}
	report.Generation, report.Refused = r.Have, r.Refused
	a.outbox.put(report, nil, true)
}

// compare reads the full list of heads and mends every difference.
func (a *Agent) compare(ctx context.Context, target string, role int64) error {
	heads := map[protocol.Key]protocol.Item{}
	revision := int64(0)
	for {
		answer, err := a.ask(ctx, protocol.Pull{Target: target, Since: revision, Heads: true, Role: role})
		if err != nil {
			return err
		}
		for _, h := range answer.Items {
			heads[h.Key] = h
		}
		revision = answer.Revision
		if !answer.More {
			break
		}
	}
	want, buried := a.differences(target, heads)
	if err := a.accept(target, buried, revision); err != nil {
		return err
	}
	if err := a.fetch(ctx, target, role, revision, want); err != nil {
		return err
	}
	return a.missing(target, heads)
}

// differences lists the specs whose bodies are needed, and the tombstones, which have none.
func (a *Agent) differences(target string, heads map[protocol.Key]protocol.Item) (want []protocol.Key, buried []protocol.Item) {
	for key, h := range heads {
		have, ok := a.ledger.Get(key)
		switch {
		case ok && have.Target == target && have.Generation == h.Generation && have.Deleted == h.Deleted:
		case h.Deleted:
			buried = append(buried, h)
		default:
			want = append(want, key)
		}
	}
	return want, buried
}

func (a *Agent) fetch(ctx context.Context, target string, role, revision int64, want []protocol.Key) error {
	for len(want) > 0 {
		n := min(len(want), 100)
		answer, err := a.ask(ctx, protocol.Pull{Target: target, Want: want[:n], Role: role})
		if err != nil {
			return err
		}
		if err := a.accept(target, answer.Items, revision); err != nil {
			return err
		}
		got := map[protocol.Key]bool{}
		for _, i := range answer.Items {
			got[i.Key] = true
		}
		rest := want[n:]
		for _, k := range want[:n] {
			if len(answer.Items) > 0 && !got[k] && len(answer.Items) < n {
				rest = append(rest, k)
			}
		}
		want = rest
	}
	return nil
}

// missing reports what the ledger has and the centre does not know. It is kept: only a tombstone destroys.
func (a *Agent) missing(target string, heads map[protocol.Key]protocol.Item) error {
	for _, i := range a.ledger.Items() {
		if _, known := heads[i.Key]; known || i.Target != target {
			continue
		}
		if !i.Deleted {
			last, _ := a.outbox.last(i.Key)
			a.outbox.put(spec.Report{Kind: i.Kind, UID: i.UID, Generation: i.Generation, Phase: spec.Orphan, Error: "the centre has no spec for it",
				Facts: last.Facts}, nil, false)
			continue
		}
		if last, ok := a.outbox.last(i.Key); ok && last.Phase != spec.Gone {
			continue // still at it
		}
		if t := a.queue; !t.idleKey(i.Key) {
			continue
		}
		// The centre has dropped the tombstone, so it has heard of the removal.
		if err := a.ledger.Drop(i.Key, i.Generation); err != nil {
			return err
		}
		a.outbox.forget(i.Key)
		a.queue.drop(i.Key)
	}
	return nil
}

// loseRole forgets the site: another host carries it out.
func (a *Agent) loseRole(ctx context.Context, role ledger.Role) error {
	target := spec.SiteTarget(role.Site)
	var keys []protocol.Key
	for _, i := range a.ledger.Items() {
		if i.Target == target {
			keys = append(keys, i.Key)
		}
	}
	if err := a.ledger.SetRole(ledger.Role{}); err != nil {
		return err
	}
	for _, k := range keys {
		a.queue.drop(k)
		a.outbox.forget(k)
	}
	delete(a.synced, target)
	a.cfg.Logger.Info("another host holds the site role", "site", role.Site)
	if err := a.ledger.DropTarget(target); err != nil {
		return err
	}
	a.leaveBalancers(ctx)
	return nil
}

func (a *Agent) pullLoop(ctx context.Context) error {
	full := a.cfg.Now().Add(a.jitter(a.cfg.Full))
	wait := retryFirst
	for {
		now := a.cfg.Now()
		due := !now.Before(full)
		err := a.pull(ctx, due)
		if stop := fatal(err); stop != nil {
			return stop
		}
		next := a.jitter(a.cfg.Poll)
		switch {
		case err == nil && due:
			full = now.Add(a.jitter(a.cfg.Full))
			a.outbox.all()
			fallthrough
		case err == nil:
			wait = retryFirst
		default:
			if !errors.Is(err, protocol.ErrAway) && ctx.Err() == nil {
				a.cfg.Logger.Warn("pulling failed", "error", err)
			}
			next, wait = a.jitter(wait), min(2*wait, time.Minute)
		}
		timer := time.NewTimer(next)
		select {
		case <-a.cfg.Transport.Nudges():
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil
		}
		timer.Stop()
	}
}
