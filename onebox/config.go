package onebox

import (
	"log/slog"
	"time"

	"edgecloud/control"
	"edgecloud/controlplane"
	"edgecloud/engine/sim"
)

// Config says what the cloud is made of.
type Config struct {
	Dir     string // everything that lasts is below it
	Control controlplane.Config
	Sim     *Sim  // the hosts are simulated
	Real    *Real // this machine is the host
	Logger  *slog.Logger
	// Sample is how often the hosts tell what is used; default 1 min.
	Sample time.Duration
}

// Sim says what the simulated world is like.
type Sim struct {
	World    sim.Config
	Sites    []string // names of the default catalogue; empty is all of it
	Hosts    int      // at each site; default 2
	Capacity sim.Capacity
	Keep     bool // the world outlives the process
	// Sweep is how often agents look at their engines; default 30 s.
	Sweep time.Duration
}

// DefaultCapacity is that of a simulated host: large enough that a developer does not meet it by accident.
var DefaultCapacity = sim.Capacity{VCPUs: 128, MemoryMiB: 1 << 20, DiskBytes: 200 << 40, Arch: "x86_64"}

func (c *Config) defaults() {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	c.Control.Logger = c.Logger
	c.Control.FilesDir = control.FilesDir(c.Dir)
	if c.Control.SeriesDir == "" {
		c.Control.SeriesDir = control.SeriesDir(c.Dir)
	}
	if c.Control.DSN == "" {
		c.Control.DSN = control.DSN(c.Dir)
	}
	if c.Control.MasterKey == "" {
		c.Control.MasterKey = control.KeyPath(c.Dir)
	}
	if c.Sim == nil {
		return
	}
	if c.Sim.Hosts == 0 {
		c.Sim.Hosts = 2
	}
	if c.Sim.Capacity == (sim.Capacity{}) {
		c.Sim.Capacity = DefaultCapacity
	}
	if c.Sim.World.Now == nil {
		c.Sim.World.Now = c.Control.Now
	}
}
