package libvirt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	golibvirt "github.com/digitalocean/go-libvirt"
	"github.com/google/uuid"

	"edgecloud/engine/hypervisor"
)

// Config says how the engine reaches libvirt and what machines are made of.
type Config struct {
	// Socket is libvirtd's unix socket; empty is /run/libvirt/libvirt-sock.
	Socket string
	// StateDir keeps seeds and serial logs. libvirtd must see it under the same path.
	StateDir string
	// Root is how this process sees libvirtd's file system; empty if they are the same. For a daemon in a mount namespace it is /proc/<pid>/root.
	Root string
	// KVM tells that guests run under KVM (see package probe); otherwise QEMU's TCG emulates.
	KVM bool
	// Bridge is the Open vSwitch bridge that NICs join; empty is br-int. "-" leaves NICs out, for hosts without a network.
	Bridge string
	// Offload lets guests leave checksums and segmentation to the host. It must be off (the default) on OVS's userspace datapath, which sends such
	// packets as they are.
	Offload bool
	// Cache is QEMU's cache mode for disks; empty is none.
	Cache string
	// Log is where trouble that needs no error goes; nil is slog.Default.
	Log *slog.Logger
}

// Engine implements hypervisor.Hypervisor.
type Engine struct {
	config Config
	log    *slog.Logger
	hub    *hub
	ctx    context.Context // until Close
	cancel context.CancelFunc
	mu     sync.Mutex
	client *golibvirt.Libvirt // nil before the first call
	locks  sync.Map           // UID -> *sync.Mutex: definitions of one machine take turns
	wg     sync.WaitGroup
}

var _ hypervisor.Hypervisor = (*Engine)(nil)

// Open connects to libvirt. It connects again by itself when the daemon is restarted.
func Open(ctx context.Context, config Config) (*Engine, error) {
	config.Socket = cmp.Or(config.Socket, "/run/libvirt/libvirt-sock")
	config.Bridge = cmp.Or(config.Bridge, "br-int")
	config.Cache = cmp.Or(config.Cache, "none")
	if config.Log == nil {
		config.Log = slog.Default()
	}
	if !filepath.IsAbs(config.StateDir) {
		return nil, fmt.Errorf("libvirt: the state folder %q must be an absolute path", config.StateDir)
	}
	e := &Engine{config: config, log: config.Log, hub: newHub()}
	e.ctx, e.cancel = context.WithCancel(context.WithoutCancel(ctx))
	for _, dir := range []string{e.seeds(), e.serials(), e.rests()} {
		// QEMU may run as another user: it must get through to a file that libvirt has made its own.
		if err := os.MkdirAll(dir, 0o711); err != nil {
			return nil, fmt.Errorf("libvirt: %w", err)
		}
	}
	if _, err := e.connect(ctx); err != nil {
		e.cancel()
		return nil, err
	}
	if err := e.wakeAll(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("libvirt: wake up what rests: %w", err), e.Close())
	}
	return e, nil
}

func (e *Engine) seeds() string   { return filepath.Join(e.config.StateDir, "seeds") }
func (e *Engine) serials() string { return filepath.Join(e.config.StateDir, "serial") }

// SerialLog is the file that a machine's serial console is recorded in.
func (e *Engine) SerialLog(uid string) string { return filepath.Join(e.serials(), uid+".log") }

// Close implements hypervisor.Hypervisor.
func (e *Engine) Close() error {
	e.cancel()
	e.mu.Lock()
	client := e.client
	e.client = nil
	e.mu.Unlock()
	var err error
	if client != nil && client.IsConnected() {
		err = client.Disconnect()
	}
	if errors.Is(err, golibvirt.ErrInterrupted) {
		err = nil // the daemon hung up before its answer was read
	}
	e.wg.Wait()
	e.hub.close()
	return err
}

// Capacity implements hypervisor.Hypervisor.
func (e *Engine) Capacity(ctx context.Context) (hypervisor.Capacity, error) {
	return query(ctx, e, func(l *golibvirt.Libvirt) (hypervisor.Capacity, error) {
		model, memory, cpus, _, _, _, _, _, err := l.NodeGetInfo()
		return hypervisor.Capacity{VCPUs: int(cpus), MemoryMiB: int64(memory / 1024), Arch: chars(model[:]), KVM: e.config.KVM}, err
	})
}

// chars reads a C string.
func chars(c []int8) string {
	var b []byte
	for _, ch := range c {
		if ch == 0 {
			break
		}
		b = append(b, byte(ch))
	}
	return string(b)
}

// lock makes calls that change one machine's definition take turns.
func (e *Engine) lock(uid string) func() {
	m, _ := e.locks.LoadOrStore(uid, &sync.Mutex{})
	mutex := m.(*sync.Mutex)
	mutex.Lock()
	return mutex.Unlock
}

// lookup finds our domain; hypervisor.ErrAbsent if there is none, or if it is not ours.
func (e *Engine) lookup(ctx context.Context, uid string) (golibvirt.Domain, error) {
	id, err := uuid.Parse(uid)
	if err != nil {
		return golibvirt.Domain{}, absent(uid)
	}
	d, err := query(ctx, e, func(l *golibvirt.Libvirt) (golibvirt.Domain, error) {
		d, err := l.DomainLookupByUUID(golibvirt.UUID(id))
		if err != nil {
			return d, err
		}
		_, err = readMark(l, d, golibvirt.DomainAffectConfig)
		return d, err
	})
	if isCode(err, golibvirt.ErrNoDomain, golibvirt.ErrNoDomainMetadata) {
		return d, absent(uid)
	}
	return d, err
}

func absent(uid string) error { return fmt.Errorf("%w: %s", hypervisor.ErrAbsent, uid) }
