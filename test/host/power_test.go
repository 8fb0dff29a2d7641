package host_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/engine/daemons"
	"edgecloud/test/host"
)

const guestXML = `<domain type='qemu'><name>g1</name><memory unit='MiB'>128</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type><kernel>%s</kernel><cmdline>console=ttyS0 panic=0</cmdline></os>
<features><acpi/></features><devices><serial type='file'><source path='%s'/></serial></devices></domain>`

// bootKernel starts a guest by libvirt with the machine's cloud kernel, emulated, and waits for its first line on the serial port.
func bootKernel(t *testing.T, h *host.Host) {
	t.Helper()
	kernels, err := filepath.Glob("/boot/vmlinuz-*-cloud-amd64")
	require.NoError(t, err)
	require.NotEmpty(t, kernels, "apt-get install linux-image-cloud-amd64 (or make setup)")
	dir := t.TempDir()
	xml, serial := filepath.Join(dir, "g1.xml"), filepath.Join(dir, "serial")
	require.NoError(t, os.WriteFile(xml, fmt.Appendf(nil, guestXML, kernels[0], serial), 0o600))
	out, err := h.Run(context.Background(), "virsh", "create", xml)
	require.NoError(t, err, out)
	err = daemons.WaitFor(context.Background(), 3*time.Minute, "kernel's first line", func() error {
		text, err := os.ReadFile(serial)
		if err == nil && !strings.Contains(string(text), "Linux version") {
			err = fmt.Errorf("%d bytes so far", len(text))
		}
		return err
	})
	require.NoError(t, err)
}

func TestGuestDiesWithThePowerAndLinkCuts(t *testing.T) {
	f := host.NewFabric(t)
	a := f.Host(t, "a")
	ctx := context.Background()
	bootKernel(t, a)
	guests, err := a.PoweredGuests()
	require.NoError(t, err)
	require.Equal(t, []string{"g1"}, guests)

	a.Reboot(t)
	guests, err = a.PoweredGuests()
	require.NoError(t, err)
	require.Empty(t, guests)
	_, err = a.Run(ctx, "ping", "-n", "-c", "1", "-W", "2", host.CentralIP)
	require.NoError(t, err)

	a.Cut(t)
	_, err = a.Run(ctx, "ping", "-n", "-c", "1", "-W", "1", host.CentralIP)
	require.Error(t, err)
	a.Mend(t)
	err = daemons.WaitFor(ctx, time.Minute, "link", func() error {
		_, err := a.Run(ctx, "ping", "-n", "-c", "1", "-W", "1", host.CentralIP)
		return err
	})
	require.NoError(t, err)
}
