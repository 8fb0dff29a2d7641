package onebox

import (
	"slices"
	"strconv"

	"edgecloud/dialect/admin"
	"edgecloud/engine/sim"
	"edgecloud/fault"
)

// worldFaults lets an operator break the simulated world through the admin API.
type worldFaults struct{ box *Box }

// effects are the contract's words for what a rule does.
var effects = map[string]sim.Effect{"fail": sim.Fail, "failLate": sim.FailLate, "hang": sim.Hang, "crash": sim.Crash, "full": sim.Full}

func said(r sim.Active) admin.Fault {
	f := admin.Fault{ID: strconv.Itoa(r.ID), Op: string(r.Op), Host: r.Host, UID: r.UID, Probability: r.Probability, Nth: r.Nth, Count: r.Count}
	for word, e := range effects {
		if e == r.Effect {
			f.Effect = word
		}
	}
	return f
}

// List implements admin.Faults.
func (w worldFaults) List() (all []admin.Fault) {
	for _, r := range w.box.World.Rules() {
		all = append(all, said(r))
	}
	return all
}

// Add implements admin.Faults.
func (w worldFaults) Add(f admin.Fault) (admin.Fault, error) {
	if f.Op != "" && !slices.Contains(sim.Ops(), sim.Op(f.Op)) {
		return admin.Fault{}, fault.BadField("op", "must be one of %v, or absent for all", sim.Ops())
	}
	if f.Host != "" && !w.has(f.Host) {
		return admin.Fault{}, fault.BadField("host", "must be the name of a simulated host, not %q", f.Host)
	}
	effect, known := effects[f.Effect]
	if !known {
		return admin.Fault{}, fault.BadField("effect", "must be fail, failLate, hang, crash or full")
	}
	return said(w.box.World.Add(sim.Rule{Op: sim.Op(f.Op), Host: f.Host, UID: f.UID, Probability: f.Probability, Nth: f.Nth, Count: f.Count, Effect: effect})), nil
}

func (w worldFaults) has(host string) bool {
	for _, s := range w.box.World.Sites() {
		for _, h := range s.Hosts() {
			if h.Name() == host {
				return true
			}
		}
	}
	return false
}

// Remove implements admin.Faults.
func (w worldFaults) Remove(id string) bool {
	n, err := strconv.Atoi(id)
	return err == nil && w.box.World.RemoveRule(n)
}

// Clear implements admin.Faults.
func (w worldFaults) Clear() { w.box.World.ClearRules() }
