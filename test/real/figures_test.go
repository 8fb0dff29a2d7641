//go:build figures

package real_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/compute"
	"edgecloud/guest/seed"
)

// Figures, not limits (bar A11): what the cloud adds to libvirt, and to a guest that QEMU alone starts.
func TestFiguresBesideBareLibvirtAndBareQEMU(t *testing.T) {
	s := newSite(t, 1, nil)
	u, n := s.tenant(), s.nodes[0]
	h := u.settle("figures", "192.168.0.0/16", "192.168.11.0/24")
	o := order{name: "figures", count: 1, group: h.group.UID, subnet: h.subnet.UID, mib: 128, public: true}
	warm := u.small(o) // the image comes to the host once
	u.is(compute.Running, uids(warm)...)
	u.clear(warm)

	var toRunning, bare, reached []time.Duration
	for range 3 {
		began := time.Now()
		made := u.small(o)
		u.is(compute.Running, uids(made)...)
		toRunning = append(toRunning, time.Since(began))
		d, err := u.box.Control.Compute.Get(t.Context(), u.operator(), made[0].UID)
		require.NoError(t, err)
		u.eventually("ssh speaks", func() error {
			return greets(func(ctx context.Context) (net.Conn, error) { return u.dialOutside(ctx, "tcp", d.IPs[0].Address+":22") })
		})
		reached = append(reached, time.Since(began))
		u.call("PUT", "/v2/vm/instance/vm-"+made[0].Handle+"?stop", nil, nil)
		u.is(compute.Stopped, made[0].UID)
		require.NoError(t, n.stopAgent()) // or it would stop what it did not start
		began = time.Now()
		_, err = n.Run(t.Context(), "virsh", "start", "ec-"+made[0].Handle)
		require.NoError(t, err)
		bare = append(bare, time.Since(began))
		n.start()
		u.clear(made)
	}
	alone := s.bareQEMU()
	u.leave(h)
	t.Logf("create to running: %s; bare virsh start: %s", middle(toRunning), middle(bare))
	t.Logf("create to ssh by public address: %s; the same image by QEMU alone to ssh: %s", middle(reached), alone)
}

func middle(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2].Round(time.Millisecond)
}

// greets tells whether a server says that it speaks ssh.
func greets(dial func(ctx context.Context) (net.Conn, error)) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	conn, err := dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && !strings.HasPrefix(line, "SSH-") {
		err = fmt.Errorf("greeting %q", line)
	}
	return err
}

// bareQEMU starts the image as a person would, with a user network, and tells when its ssh speaks: the middle of three.
func (s *site) bareQEMU() time.Duration {
	t := s.t
	iso, err := seed.Build(seed.Seed{InstanceID: "bare", Hostname: "bare", Network: []seed.NIC{{MAC: "52:54:00:12:34:56", DHCP4: true}}})
	require.NoError(t, err)
	path := filepath.Join(s.dir, "bare.iso")
	require.NoError(t, os.WriteFile(path, iso, 0o600))
	var took []time.Duration
	for k := range 3 {
		free, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		address := free.Addr().String()
		require.NoError(t, free.Close())
		disk := filepath.Join(s.dir, fmt.Sprintf("bare%d.qcow2", k))
		out, err := exec.CommandContext(t.Context(), "qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", s.image, disk, "40G").CombinedOutput()
		require.NoError(t, err, string(out))
		began := time.Now()
		cmd := exec.CommandContext(t.Context(), "qemu-system-x86_64", "-M", "pc", "-accel", "tcg", "-cpu", "max,la57=off", "-m", "128", "-display", "none", "-nodefaults", "-vga", "std",
			"-drive", "if=virtio,format=qcow2,file="+disk, "-cdrom", path, "-nic", "user,model=virtio-net-pci,mac=52:54:00:12:34:56,hostfwd=tcp:"+address+"-:22")
		require.NoError(t, cmd.Start())
		s.eventually("ssh of the bare guest speaks", func() error {
			return greets(func(ctx context.Context) (net.Conn, error) { return (&net.Dialer{}).DialContext(ctx, "tcp", address) })
		})
		took = append(took, time.Since(began))
		require.NoError(t, cmd.Process.Kill())
		_ = cmd.Wait() // killed
	}
	return middle(took)
}
