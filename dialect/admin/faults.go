package admin

import (
	"context"

	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/admin/wire/sim"
	"edgecloud/fault"
)

// Fault is a rule that lets calls of the simulated engines go wrong. Empty fields match everything.
type Fault struct {
	ID            string
	Op, Host, UID string
	Probability   float64 // 0 or 1: always
	Nth, Count    int
	Effect        string // a word of the contract
}

// Faults are those of a simulated world.
type Faults interface {
	List() []Fault
	// Add gives the rule with its ID. The error is a fault that names the field.
	Add(Fault) (Fault, error)
	// Remove tells whether there was such a rule.
	Remove(id string) bool
	Clear()
}

func (d *Door) faults() dialect.Handlers {
	return dialect.Handlers{
		wire.OpListFaults: d.listFaults, wire.OpCreateFault: d.createFault, wire.OpDeleteFaults: d.deleteFaults, wire.OpDeleteFault: d.deleteFault,
	}
}

// simulated refuses who may not, and engines that are real.
func (d *Door) simulated(c *dialect.Call) error {
	if err := c.Caller.MayOperate(); err != nil {
		return err
	}
	if d.Faults == nil {
		return fault.New(fault.NotFound, "The hosts of this cloud are not simulated by it; only edgecloud up --engine sim has faults.")
	}
	return nil
}

func wireFault(f Fault) wire.Fault {
	out := wire.Fault{ID: f.ID, Op: optional(f.Op), Host: optional(f.Host), UID: optional(f.UID), Effect: f.Effect}
	if f.Probability > 0 {
		out.Probability = &f.Probability
	}
	if f.Nth > 0 {
		out.Nth = new(int32(f.Nth))
	}
	if f.Count > 0 {
		out.Count = new(int32(f.Count))
	}
	return out
}

func (d *Door) listFaults(_ context.Context, c *dialect.Call) (*dialect.Answer, error) {
	if err := d.simulated(c); err != nil {
		return nil, err
	}
	var out wire.FaultList
	for _, f := range d.Faults.List() {
		out.Faults = append(out.Faults, wireFault(f))
	}
	return dialect.OK(out), nil
}

func (d *Door) createFault(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	if err := d.simulated(c); err != nil {
		return nil, err
	}
	var in wire.CreateFaultRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	made, err := d.Faults.Add(Fault{Op: scalar.Value(in.Op), Host: scalar.Value(in.Host), UID: scalar.Value(in.UID), Probability: float64(scalar.Value(in.Probability)),
		Nth: int(scalar.Value(in.Nth)), Count: int(scalar.Value(in.Count)), Effect: in.Effect})
	if err != nil {
		return nil, err
	}
	if err := d.noted(ctx, c, "sim_fault", func(context.Context) (string, error) { return made.ID, nil }); err != nil {
		return nil, err
	}
	return created(wireFault(made)), nil
}

func (d *Door) deleteFaults(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	if err := d.simulated(c); err != nil {
		return nil, err
	}
	d.Faults.Clear()
	return gone(), d.noted(ctx, c, "sim_fault", func(context.Context) (string, error) { return "", nil })
}

func (d *Door) deleteFault(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	if err := d.simulated(c); err != nil {
		return nil, err
	}
	id := c.Path("faultId")
	if !d.Faults.Remove(id) {
		return nil, fault.Missing("fault", id)
	}
	return gone(), d.noted(ctx, c, "sim_fault", func(context.Context) (string, error) { return id, nil })
}
