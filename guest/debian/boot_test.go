//go:build debian

package debian_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"edgecloud/guest/debian"
	"edgecloud/guest/seed"
)

const mac = "52:54:00:12:34:56"

// image builds the disk, or takes the one that EDGECLOUD_DEBIAN names.
func image(t *testing.T) string {
	disk := filepath.Join(t.TempDir(), "disk.qcow2")
	if built := os.Getenv("EDGECLOUD_DEBIAN"); built != "" {
		out, err := exec.Command("cp", built, disk).CombinedOutput()
		require.NoError(t, err, "%s", out)
		return disk
	}
	at := time.Now()
	r, err := debian.Build(t.Context(), debian.Options{Out: disk, Log: os.Stderr})
	require.NoError(t, err)
	t.Logf("built in %.0f s: %d MiB", time.Since(at).Seconds(), r.Bytes>>20)
	return disk
}

// boot starts the disk under TCG with the hardware that the libvirt engine gives its machines; sshd is reached at the address.
func boot(t *testing.T, disk string, s seed.Seed) (sshd, agent string) {
	dir, err := os.MkdirTemp("", "deb") // short: unix sockets have short paths
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	iso, err := seed.Build(s)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "seed.iso"), iso, 0o600))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	sshd, agent = l.Addr().String(), filepath.Join(dir, "agent")
	require.NoError(t, l.Close())
	cmd := exec.Command("qemu-system-x86_64", "-accel", "tcg", "-cpu", "max,la57=off", "-machine", "pc", "-m", "1024", "-smp", "2", "-display", "none", "-nodefaults", "-no-user-config", "-vga", "std",
		"-drive", "if=virtio,format=qcow2,cache=unsafe,file="+disk, "-drive", "if=ide,media=cdrom,readonly=on,format=raw,file="+filepath.Join(dir, "seed.iso"),
		"-netdev", "user,id=n,restrict=on,hostfwd=tcp:"+sshd+"-:22", "-device", "virtio-net-pci,netdev=n,mac="+mac,
		"-device", "virtio-serial", "-chardev", "socket,id=q,server=on,wait=off,path="+agent, "-device", "virtserialport,chardev=q,name=org.qemu.guest_agent.0",
		"-device", "virtio-rng-pci", "-serial", "file:"+filepath.Join(dir, "serial"))
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		serial, _ := os.ReadFile(filepath.Join(dir, "serial"))
		if t.Failed() {
			t.Logf("serial:\n%s", serial)
		}
	})
	return sshd, agent
}

func ask(t *testing.T, socket, request string) (answer map[string]any) {
	c, err := net.Dial("unix", socket)
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.SetDeadline(time.Now().Add(time.Minute)))
	_, err = fmt.Fprintln(c, request)
	require.NoError(t, err)
	require.NoError(t, json.NewDecoder(c).Decode(&answer))
	return answer
}

// TestABuiltDebianServes boots a disk that has grown, with a seed, and logs in.
func TestABuiltDebianServes(t *testing.T) {
	disk := image(t)
	out, err := exec.Command("qemu-img", "resize", "-q", disk, "10G").CombinedOutput()
	require.NoError(t, err, "%s", out)
	_, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	signer, err := ssh.NewSignerFromKey(private)
	require.NoError(t, err)
	s := seed.Seed{InstanceID: "i-debian", Hostname: "web-1", SSHKeys: []string{strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))},
		UserData: []byte("#!/bin/sh\necho ran >>/root/ran\n"), Network: []seed.NIC{{MAC: mac, DHCP4: true}}}
	at := time.Now()
	sshd, agent := boot(t, disk, s)
	var c *ssh.Client
	config := &ssh.ClientConfig{User: "root", Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(), Timeout: 20 * time.Second}
	require.Eventually(t, func() bool {
		c, err = ssh.Dial("tcp", sshd, config)
		return err == nil
	}, 15*time.Minute, time.Second, "no login: %v", err)
	defer c.Close()
	t.Logf("SSH after %.0f s", time.Since(at).Seconds())
	run := func(command string) string {
		session, err := c.NewSession()
		require.NoError(t, err)
		defer session.Close()
		out, err := session.CombinedOutput(command)
		require.NoError(t, err, "%s: %s", command, out)
		return strings.TrimSpace(string(out))
	}
	require.Equal(t, "status: done", strings.Fields(run("cloud-init status --wait | tail -n 1"))[0]+" "+strings.Fields(run("cloud-init status"))[1])
	t.Logf("cloud-init done after %.0f s", time.Since(at).Seconds())
	require.Equal(t, "web-1", run("hostname"))
	require.Equal(t, "ran", run("cat /root/ran"))
	require.Equal(t, "grown", run("test $(df --output=size -BG / | tail -n 1 | tr -d ' G') -ge 9 && echo grown"))
	require.Contains(t, run("systemctl is-active serial-getty@ttyS0 qemu-guest-agent systemd-networkd"), "active\nactive\nactive")
	require.Contains(t, run("cat /etc/os-release"), debian.Suite)
	require.Empty(t, run("systemctl --failed --no-legend"))
	require.NotNil(t, ask(t, agent, `{"execute":"guest-ping"}`)["return"])
}
