package libvirt_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"edgecloud/engine/daemons"
	"edgecloud/engine/disk"
	"edgecloud/engine/hypervisor"
	"edgecloud/engine/hypervisor/hypervisortest"
	"edgecloud/engine/hypervisor/libvirt"
	"edgecloud/link/spec"
)

// cell is a host of its own with a libvirtd.
type cell struct {
	*daemons.Namespace
	socket string
}

func newCell(t *testing.T) *cell {
	t.Helper()
	dir, err := os.MkdirTemp("", "ec") // short: unix sockets have short paths
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	ns, err := daemons.NewNamespace(context.Background(), daemons.NamespaceConfig{Hostname: "cell", Dir: dir, Binds: daemons.HostBinds(dir)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ns.Close()) })
	c := &cell{Namespace: ns, socket: filepath.Join(dir, "run", daemons.LibvirtSocket)}
	require.NoError(t, daemons.StartLibvirt(context.Background(), ns, daemons.LibvirtConfig{HostUUID: uuid.NewString(), Socket: c.socket}))
	return c
}

func (c *cell) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := c.Command(context.Background(), args...).CombinedOutput()
	require.NoError(t, err, "%v: %s", args, out)
	return strings.TrimSpace(string(out))
}

func (c *cell) guests(t *testing.T) [][]string {
	t.Helper()
	found, err := c.Processes("qemu-system-x86_64")
	require.NoError(t, err)
	return found
}

func (c *cell) open(t *testing.T, state string) *libvirt.Engine {
	t.Helper()
	e, err := libvirt.Open(t.Context(), libvirt.Config{Socket: c.socket, StateDir: state, Root: fmt.Sprintf("/proc/%d/root", c.PID()), Bridge: "-", Cache: "unsafe"})
	require.NoError(t, err)
	return e
}

// fixture is an empty engine in the cell. After its test nothing of it may be left.
func (c *cell) fixture(t *testing.T) hypervisortest.Fixture {
	state := t.TempDir()
	e := c.open(t, state)
	t.Cleanup(func() { c.empty(t, e, state) })
	return hypervisortest.Fixture{
		Engine:   e,
		Reopen:   func(t *testing.T) hypervisor.Hypervisor { return c.open(t, state) },
		Polite:   func(t *testing.T) hypervisor.Machine { return guest(t, polite) },
		Stubborn: func(t *testing.T) hypervisor.Machine { return guest(t, stubborn) },
		Booted:   func(t *testing.T, uid string) { booted(t, e, uid) },
		Crash:    func(t *testing.T, uid string) { c.kill(t, uid) },
		Disk:     func(t *testing.T) hypervisor.Disk { return newDisk(t, nil) },
		Foreign:  func(t *testing.T) { c.foreign(t) },
	}
}

func (c *cell) empty(t *testing.T, e *libvirt.Engine, state string) {
	ctx := context.Background()
	states, err := e.List(ctx)
	require.NoError(t, err)
	for _, s := range states {
		require.NoError(t, e.Remove(ctx, s.UID))
	}
	require.NoError(t, e.Close())
	require.Empty(t, c.guests(t), "processes are left")
	require.Empty(t, c.run(t, "virsh", "list", "--all", "--name"), "domains are left")
	left, err := filepath.Glob(state + "/*/*")
	require.NoError(t, err)
	require.Empty(t, left, "files are left")
}

func (c *cell) kill(t *testing.T, uid string) {
	t.Helper()
	c.run(t, "pkill", "-KILL", "-f", "qemu-system.*-uuid "+uid)
}

func (c *cell) foreign(t *testing.T) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "foreign.xml")
	require.NoError(t, os.WriteFile(file, []byte(`<domain type='qemu'><name>foreign</name><memory>1024</memory><os><type>hvm</type></os></domain>`), 0o600))
	c.run(t, "virsh", "define", file)
	t.Cleanup(func() { c.run(t, "virsh", "undefine", "foreign") })
}

// The guests are boot sectors. Both say "up" on the serial port.
var (
	greeting = []byte{0xba, 0xf8, 0x03, 0xb0, 'u', 0xee, 0xb0, 'p', 0xee, 0xb0, '\n', 0xee}
	stubborn = append(greeting[:len(greeting):len(greeting)], 0xfb, 0xf4, 0xeb, 0xfc) // sti; hlt; jmp
	// polite enables the power button (PM1_EN of PIIX4 at 0x602), masks its interrupt, looks at it (PM1_STS at 0x600) on each tick of the clock, and
	// powers off (S5 by PM1_CNT at 0x604).
	polite = append(greeting[:len(greeting):len(greeting)],
		0xba, 0x02, 0x06, 0xb8, 0x00, 0x01, 0xef, 0xe4, 0xa1, 0x0c, 0x02, 0xe6, 0xa1,
		0xfb, 0xf4, 0xba, 0x00, 0x06, 0xed, 0xf6, 0xc4, 0x01, 0x74, 0xf5,
		0xba, 0x04, 0x06, 0xb8, 0x00, 0x20, 0xef, 0xf4, 0xeb, 0xfd)
)

func newDisk(t *testing.T, code []byte) hypervisor.Disk {
	t.Helper()
	sector := make([]byte, 1<<20)
	copy(sector, code)
	binary.LittleEndian.PutUint16(sector[510:], 0xaa55)
	d := hypervisor.Disk{Volume: uuid.NewString(), Source: disk.Source{Path: filepath.Join(t.TempDir(), "disk"), Format: "raw"}}
	require.NoError(t, os.WriteFile(d.Path, sector, 0o600))
	return d
}

var serial atomic.Int64

func guest(t *testing.T, code []byte) hypervisor.Machine {
	t.Helper()
	d := newDisk(t, code)
	return hypervisor.Machine{
		Instance: spec.Instance{UID: uuid.NewString(), Name: fmt.Sprintf("guest-%d", serial.Add(1)), VCPUs: 1, MemoryMiB: 32, Power: spec.On, Volumes: []string{d.Volume}},
		Disks:    []hypervisor.Disk{d},
		Seed:     []byte("a seed"),
	}
}

// booted waits until the guest said "up" once more than when it was last asked for.
func booted(t *testing.T, e *libvirt.Engine, uid string) {
	t.Helper()
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(e.SerialLog(uid))
		return err == nil && strings.Contains(string(text), "up\n")
	}, time.Minute, 20*time.Millisecond)
}

func need(t *testing.T, program, debian string) {
	t.Helper()
	_, err := exec.LookPath(program)
	require.NoError(t, err, "install the Debian package %s", debian)
}

func get(t *testing.T, e *libvirt.Engine, uid string) hypervisor.State {
	t.Helper()
	s, err := e.Get(t.Context(), uid)
	require.NoError(t, err)
	return s
}
