package onebox

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"edgecloud/control"
	"edgecloud/controlplane"
)

// Options say how `edgecloud up` runs a cloud: a centre, and what its local hosts are like.
type Options struct {
	control.Options
	Sim    Sim
	Real   Real
	Sample time.Duration // between samples of what is used; default 1 min
}

// A cloud at rest shall cost next to nothing, and simulated hosts neither fail by themselves nor hear of it late: their agents live in this process. The
// heartbeat must stay well below place.HostSilence.
const (
	simHeartbeat = 20 * time.Second
	simSweep     = 2 * time.Minute
)

// Up runs a cloud on this machine until ctx ends. What it made is there again at the next Up of the same folder.
func Up(ctx context.Context, o Options) (err error) {
	if o.Engine != "" && o.Engine != control.EngineSim && o.Engine != control.EngineReal {
		return fmt.Errorf("--engine %s: must be sim or real", o.Engine)
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return err
	}
	return control.Serve(ctx, o.Options, o.open)
}

// open makes the cloud with the hosts of its engine.
func (o *Options) open(ctx context.Context, c controlplane.Config, engine string) (control.Cloud, error) {
	cfg := Config{Dir: o.Dir, Logger: o.Logger, Control: c, Sample: o.Sample}
	switch engine {
	case control.EngineSim:
		o.Sim.Keep, o.Sim.Sweep = true, simSweep
		cfg.Sim, cfg.Control.Heartbeat = &o.Sim, simHeartbeat
	case control.EngineReal:
		cfg.Real = &o.Real
	default:
		return nil, fmt.Errorf("the folder %s holds a centre without hosts: run edgecloud control on it, or use another --data folder", o.Dir)
	}
	box, err := Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return box, nil
}
