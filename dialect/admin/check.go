package admin

import (
	"context"

	"edgecloud/cloud/check"
	"edgecloud/dialect"
	wire "edgecloud/dialect/admin/wire/check"
)

func (d *Door) checks() dialect.Handlers {
	return dialect.Handlers{wire.OpCheckConsistency: d.checkConsistency}
}

func (d *Door) checkConsistency(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	if err := c.Caller.MayOperate(); err != nil {
		return nil, err
	}
	found, rules, err := check.Report(ctx, d.DB, c.Param("settled") == "true")
	if err != nil {
		return nil, err
	}
	out := wire.CheckReport{Rules: int32(rules)}
	for _, f := range found {
		out.Findings = append(out.Findings, wire.Finding{Rule: f.Rule, Kind: f.Kind, UID: f.UID, Text: f.Text})
	}
	return dialect.OK(out), nil
}
