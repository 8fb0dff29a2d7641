package bec

import (
	"context"

	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v1vminstance2"
	"edgecloud/fault"
)

func (d *Door) v1InstanceMoves() dialect.Handlers {
	return dialect.Handlers{
		wire.OpChangeVMInstanceVPC:      d.v1ChangeVPC,
		wire.OpRefundPrepaidVMInstances: d.v1Refund,
	}
}

func (d *Door) v1ChangeVPC(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.ChangeVPCRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if _, err := d.Compute.ChangeNetwork(ctx, c.Caller, bare("vm-", in.InstanceID), bareSubnet(in.SubnetID)); err != nil {
		return nil, err
	}
	return dialect.OK(wire.ChangeVPCResult{Result: new(true), Action: new("changeVpc")}), nil
}

// maxRefunds is how many instances one request may name (refundPrepaidVmInstances).
const maxRefunds = 20

// v1Refund deletes prepaid instances before their term is over, and tells of each whether it went well.
func (d *Door) v1Refund(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.RefundVMInstancesRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if len(in.InstanceIDs) < 1 || len(in.InstanceIDs) > maxRefunds {
		return nil, fault.BadField("instanceIds", "must name 1 to %d instances", maxRefunds)
	}
	out := wire.RefundVMInstancesResult{Result: new(true), Action: new("refund"), Details: []wire.OperationVo{}}
	for _, id := range in.InstanceIDs {
		done := wire.OperationVo{ResourceID: &id, Success: new(true)}
		err := d.Compute.Refund(ctx, c.Caller, bare("vm-", id), in.RelatedReleaseFlag != nil && bool(*in.RelatedReleaseFlag))
		if err != nil {
			f := fault.From(err)
			if f.Kind == fault.Internal || f.Kind == fault.Denied {
				return nil, err
			}
			*done.Success, done.Error = false, &f.Sentence
		}
		out.Details = append(out.Details, done)
	}
	return dialect.OK(out), nil
}
