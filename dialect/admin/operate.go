package admin

import (
	"context"
	"net/http"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/quota"
	"edgecloud/dialect"
	events "edgecloud/dialect/admin/wire/events"
	health "edgecloud/dialect/admin/wire/health"
	quotas "edgecloud/dialect/admin/wire/quotas"
	"edgecloud/fault"
	"edgecloud/store"
)

func (d *Door) quotas() dialect.Handlers {
	return dialect.Handlers{quotas.OpListQuotas: d.listQuotas, quotas.OpSetQuota: d.setQuota}
}

func (d *Door) quotaLines(ctx context.Context, c *dialect.Call) (lines []quota.Line, err error) {
	a, err := d.Identity.Account(ctx, c.Caller, c.Path("accountId"))
	if err != nil {
		return nil, err
	}
	err = d.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		lines, err = quota.List(ctx, tx, a.UID)
		return err
	})
	return lines, err
}

func quotaLine(l quota.Line) quotas.Quota {
	return quotas.Quota{Name: string(l.Name), Scope: optional(l.Scope), Used: l.Used, Limit: l.Allowed}
}

func (d *Door) listQuotas(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	lines, err := d.quotaLines(ctx, c)
	if err != nil {
		return nil, err
	}
	var out quotas.QuotaList
	for _, l := range lines {
		out.Quotas = append(out.Quotas, quotaLine(l))
	}
	return dialect.OK(out), nil
}

func (d *Door) setQuota(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in quotas.SetQuotaRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	name := quota.Name(c.Path("name"))
	a, err := d.Identity.Account(ctx, c.Caller, c.Path("accountId"))
	if err != nil {
		return nil, err
	}
	err = d.noted(ctx, c, "quota", func(ctx context.Context) (string, error) {
		return a.UID, quota.Set(ctx, d.DB, c.Caller, a.UID, name, int64(in.Limit))
	})
	if err != nil {
		return nil, err
	}
	lines, err := d.quotaLines(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, l := range lines {
		if l.Name == name {
			return dialect.OK(quotaLine(l)), nil
		}
	}
	return nil, fault.Missing("quota", string(name))
}

func (d *Door) events() dialect.Handlers {
	return dialect.Handlers{events.OpListEvents: d.listEvents}
}

func (d *Door) listEvents(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	account, limit := c.Param("account"), c.Int("limit", 100)
	if account == "" && !c.Caller.Operator {
		account = c.Caller.Account
	}
	if account != "" && !c.Caller.Sees(account) {
		return nil, fault.Missing("account", account)
	}
	all, err := audit.List(ctx, d.DB, c.Caller, account, c.Param("before"), limit+1)
	if err != nil {
		return nil, err
	}
	var out events.EventList
	if len(all) > limit {
		all = all[:limit]
		out.Next = &all[limit-1].UID
	}
	for _, e := range all {
		out.Events = append(out.Events, events.Event{ID: e.UID, At: stamp(e.At), Account: optional(e.Account), User: optional(e.User), AccessKey: optional(e.AccessKey),
			Source: optional(e.Source), Dialect: e.Dialect, Operation: e.Operation, RequestID: e.Request, Kind: optional(e.Kind), Target: optional(e.Target), Result: e.Result})
	}
	return dialect.OK(out), nil
}

func (d *Door) health() dialect.Handlers {
	return dialect.Handlers{health.OpGetHealth: d.getHealth, health.OpGetReadiness: d.getReadiness}
}

func (d *Door) getHealth(context.Context, *dialect.Call) (*dialect.Answer, error) {
	return dialect.OK(health.Health{Status: "ok", Version: d.Version}), nil
}

// getReadiness asks the database, on which everything else rests, and the link to other machines, if there is one.
func (d *Door) getReadiness(ctx context.Context, _ *dialect.Call) (*dialect.Answer, error) {
	out := health.Readiness{Status: "ready", Checks: []health.Check{{Name: "store", Ok: true}}}
	if _, err := d.Place.AllSites(ctx); err != nil {
		out.Status, out.Checks[0] = "unready", health.Check{Name: "store", Detail: new("the database does not answer")}
	}
	if d.Remote != nil {
		link := health.Check{Name: "link", Ok: true}
		if !d.Remote.Connected() {
			out.Status, link = "unready", health.Check{Name: "link", Detail: new("the NATS server is not reached")}
		}
		out.Checks = append(out.Checks, link)
	}
	if out.Status == "unready" {
		return &dialect.Answer{Status: http.StatusServiceUnavailable, Body: out}, nil
	}
	return dialect.OK(out), nil
}
