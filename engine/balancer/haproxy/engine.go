package haproxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"edgecloud/engine/balancer"
	"edgecloud/engine/daemons"
	"edgecloud/link/spec"
)

// startLimit bounds how long a program may take to start or to read its configuration again.
const startLimit = 15 * time.Second

// quiet is how often in a row the new worker must answer before the old one counts as gone.
const quiet = 5

// Options says where balancers live.
type Options struct {
	Dir    string         // their configuration; the host sees it under the same path
	Bridge string         // the Open vSwitch bridge that their ports join; empty is br-int
	Runner daemons.Runner // runs commands on the host; nil: this machine
	Logger *slog.Logger
}

// Engine is a balancer.Engine of one host.
type Engine struct {
	dir, bridge string
	runner      daemons.Runner
	log         *slog.Logger

	mu    sync.Mutex
	ready map[string][]byte // by balancer: the NIC that this process has plugged
}

var _ balancer.Engine = (*Engine)(nil)

// Open makes the folder. It starts nothing: Ensure does.
func Open(o Options) (*Engine, error) {
	e := &Engine{dir: o.Dir, bridge: o.Bridge, runner: o.Runner, log: o.Logger, ready: map[string][]byte{}}
	if e.bridge == "" {
		e.bridge = "br-int"
	}
	if e.runner == nil {
		e.runner = daemons.Direct{}
	}
	if e.log == nil {
		e.log = slog.Default()
	}
	if err := os.MkdirAll(e.dir, 0o755); err != nil {
		return nil, fmt.Errorf("folder of balancers: %w", err)
	}
	return e, nil
}

// Ensure implements balancer.Engine.
func (e *Engine) Ensure(ctx context.Context, s spec.Balancer) error {
	if err := balancer.Check(s); err != nil {
		return err
	}
	p := e.place(s.UID)
	if err := os.MkdirAll(p.dir, 0o755); err != nil {
		return err
	}
	tcp := p.haproxy()
	alive := tcp.alive()
	if err := e.plug(ctx, p, s.NIC, alive); err != nil {
		return err
	}
	if err := p.writeChecks(s); err != nil {
		return err
	}
	if err := e.carry(ctx, tcp, tcpConfig(s), alive); err != nil {
		return err
	}
	return e.ensureUDP(ctx, p, s)
}

// ensureUDP lets nginx follow the spec and what the checks say, which nginx cannot make by itself.
func (e *Engine) ensureUDP(ctx context.Context, p place, s spec.Balancer) error {
	udp := p.nginx()
	alive := udp.alive()
	if !hasUDP(s) {
		if !alive {
			return nil
		}
		return e.stop(ctx, udp)
	}
	health, err := p.health()
	if err != nil {
		return err
	}
	return e.carry(ctx, udp, udpConfig(s, health), alive)
}

// carry lets a program run with a configuration: started, told to read it again, or left alone.
func (e *Engine) carry(ctx context.Context, d daemon, config []byte, alive bool) error {
	before, err := os.ReadFile(d.config)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if alive && bytes.Equal(before, config) {
		return nil
	}
	next := d.config + ".next"
	if err := os.WriteFile(next, config, 0o600); err != nil {
		return err
	}
	if _, err := daemons.Run(ctx, e.runner, e.inside(d, d.check(next))...); err != nil {
		return fmt.Errorf("%s refuses its configuration: %w", d.name, err)
	}
	if alive {
		return e.reload(ctx, d, next)
	}
	if err := os.Rename(next, d.config); err != nil {
		return err
	}
	// nginx does not take the place of a socket that one before it has left.
	if err := os.Remove(filepath.Join(d.dir, d.socket)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if _, err := daemons.Run(ctx, e.runner, e.inside(d, d.start)...); err != nil {
		return fmt.Errorf("start %s: %w", d.name, err)
	}
	return daemons.WaitFor(ctx, startLimit, d.name, func() error {
		if !d.alive() {
			return errors.New("it does not answer")
		}
		return nil
	})
}

// reload lets the program take the next configuration. The file gets its name only once that is sure, so that a crash on the way repeats it.
func (e *Engine) reload(ctx context.Context, d daemon, next string) error {
	old := d.generation()
	if d.keep != nil {
		if err := d.keep(); err != nil {
			e.log.Warn("what the checks found before is not kept over a reload", "balancer", d.uid, "error", err)
		}
	}
	if err := os.Rename(d.config, d.config+".old"); err != nil {
		return err
	}
	if err := os.Rename(next, d.config); err != nil {
		return err
	}
	err := e.signal(ctx, d, d.reload)
	if err == nil {
		err = daemons.WaitFor(ctx, startLimit, d.name+" with its new configuration", func() error {
			for range quiet { // both listen for a moment
				if now := d.generation(); now == "" || now == old {
					return errors.New("the old one still answers")
				}
			}
			return nil
		})
	}
	if err != nil {
		return errors.Join(err, os.Rename(d.config+".old", d.config))
	}
	return os.Remove(d.config + ".old")
}

// Health implements balancer.Engine.
func (e *Engine) Health(_ context.Context, uid string) ([]spec.MemberHealth, error) {
	p := e.place(uid)
	if _, err := os.Stat(p.dir); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return p.health()
}

// Remove implements balancer.Engine. The folder goes last: until then the balancer is listed.
func (e *Engine) Remove(ctx context.Context, uid string) error {
	p := e.place(uid)
	if _, err := os.Stat(p.dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err := e.unplug(ctx, p); err != nil {
		return err
	}
	e.mu.Lock()
	delete(e.ready, uid)
	e.mu.Unlock()
	return os.RemoveAll(p.dir)
}

// List implements balancer.Engine.
func (e *Engine) List(context.Context) (uids []string, err error) {
	entries, err := os.ReadDir(e.dir)
	for _, entry := range entries {
		if entry.IsDir() {
			uids = append(uids, entry.Name())
		}
	}
	return uids, err
}

// Close implements balancer.Engine.
func (e *Engine) Close() error { return nil }

func (e *Engine) place(uid string) place {
	return place{uid: uid, dir: filepath.Join(e.dir, uid), namespace: "lb-" + uid}
}
