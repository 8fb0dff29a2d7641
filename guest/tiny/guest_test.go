package tiny_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"edgecloud/guest/seed"
	"edgecloud/guest/tiny"
)

// hash gives the sha512crypt hash of a password.
func hash(t *testing.T, password string) string {
	t.Helper()
	cmd := exec.Command("busybox", "mkpasswd", "-m", "sha512", "-P", "0")
	cmd.Stdin = strings.NewReader(password)
	out, err := cmd.Output()
	require.NoError(t, err, "install busybox-static")
	return strings.TrimSpace(string(out))
}

func key(t *testing.T) (ssh.AuthMethod, string) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	signer, err := ssh.NewSignerFromKey(private)
	require.NoError(t, err)
	return ssh.PublicKeys(signer), strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
}

func newDisk(t *testing.T, size string) string {
	t.Helper()
	disk := filepath.Join(t.TempDir(), "disk.qcow2")
	_, err := tiny.Build(t.Context(), tiny.Options{Out: disk})
	require.NoError(t, err)
	out, err := exec.Command("qemu-img", "resize", "-q", disk, size).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return disk
}

// requireClean: an image that is made of a disk whose machine was switched off needs no recovery by whoever starts from it.
func requireClean(t *testing.T, disk string) {
	t.Helper()
	raw := filepath.Join(t.TempDir(), "raw")
	out, err := exec.Command("qemu-img", "convert", "-O", "raw", disk, raw).CombinedOutput()
	require.NoError(t, err, "%s", out)
	out, err = exec.Command("dumpe2fs", "-h", fmt.Sprintf("%s?offset=%d", raw, 25<<20)).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NotContains(t, string(out), "needs_recovery")
	require.Regexp(t, `Filesystem state:\s+clean\n`, string(out))
}

const countScript = "#!/bin/sh\necho ran >>/root/ran\n"

func TestGuestServesAndKeepsItsState(t *testing.T) {
	auth, public := key(t)
	disk := newDisk(t, "1G")
	s := seed.Seed{InstanceID: "i-one", Hostname: "web-1", SSHKeys: []string{public}, PasswordHash: hash(t, "First-Pass1"), UserData: []byte(countScript),
		Network: []seed.NIC{{MAC: nicMAC, DHCP4: true}}}

	m := start(t, disk, s)
	require.Equal(t, "hostname: web-1\ninstance-id: i-one\n", m.page(t))
	byKey := m.session(t, "root", auth)
	require.Equal(t, "web-1", run(t, byKey, "hostname"))
	_, err := m.login("root", ssh.Password("wrong"))
	require.ErrorContains(t, err, "unable to authenticate")
	m.session(t, "root", ssh.Password("First-Pass1"))
	m.until(t, patience, "user data", func() error {
		if got := run(t, byKey, "cat /root/ran || true"); got != "ran" {
			return fmt.Errorf("%q", got)
		}
		return nil
	})
	m.until(t, patience, "growth", func() error {
		kib, err := strconv.Atoi(run(t, byKey, "df -k / | tail -n 1 | awk '{ print $2 }'"))
		if err == nil && kib < 900_000 {
			err = fmt.Errorf("%d KiB", kib)
		}
		return err
	})
	require.JSONEq(t, "{}", string(m.agent(t, "guest-ping", nil)))
	m.agent(t, "guest-set-user-password", map[string]any{"username": "root", "crypted": true, "password": base64.StdEncoding.EncodeToString([]byte(hash(t, "Second-Pass2")))})
	_, err = m.login("root", ssh.Password("First-Pass1"))
	require.ErrorContains(t, err, "unable to authenticate")
	m.session(t, "root", ssh.Password("Second-Pass2"))
	require.Equal(t, "root", m.exec(t, "id -un"))
	hostKey := run(t, byKey, "echo kept >/root/file; sha256sum /etc/dropbear/*")
	m.powerButton(t)
	requireClean(t, disk)

	m = start(t, disk, s)
	require.Equal(t, "hostname: web-1\ninstance-id: i-one\n", m.page(t))
	again := m.session(t, "root", ssh.Password("Second-Pass2"))
	require.Equal(t, "kept", run(t, again, "cat /root/file"))
	require.Equal(t, hostKey, run(t, again, "sha256sum /etc/dropbear/*"))
	m.until(t, patience, "end of the start", func() error {
		if run(t, again, "ls /run/boot-finished 2>/dev/null || true") == "" {
			return fmt.Errorf("starting")
		}
		return nil
	})
	require.Equal(t, "ran", run(t, again, "cat /root/ran"))
	before := run(t, again, "cat /proc/sys/kernel/random/boot_id")
	_, _ = try(again, "reboot") // the connection may end before the answer
	m.until(t, patience, "reboot", func() error {
		client, err := m.login("root", auth)
		if err != nil {
			return err
		}
		defer client.Close()
		now, err := try(client, "cat /proc/sys/kernel/random/boot_id")
		if err == nil && now == before {
			err = fmt.Errorf("not yet")
		}
		return err
	})

	m.powerButton(t)
	s.InstanceID, s.Hostname = "i-two", "web-2"
	m = start(t, disk, s)
	require.Equal(t, "hostname: web-2\ninstance-id: i-two\n", m.page(t))
	client := m.session(t, "root", ssh.Password("First-Pass1"))
	m.until(t, patience, "user data of the new instance", func() error {
		if got := run(t, client, "cat /root/ran"); got != "ran\nran" {
			return fmt.Errorf("%q", got)
		}
		return nil
	})
	require.NotEqual(t, hostKey, run(t, client, "sha256sum /etc/dropbear/*"))
	shutdownByAgent(t, m)
}

// shutdownByAgent: guest-shutdown answers nothing when it succeeds.
func shutdownByAgent(t *testing.T, m *machine) {
	t.Helper()
	m.send(t, "agent", command{"guest-shutdown", map[string]string{"mode": "powerdown"}})
	m.waitGone(t, patience)
}

const cloudConfig = `#cloud-config
# A tenant's own words, in the styles that people use.
ssh_authorized_keys:
- %s
chpasswd: { expire: false, users: [ {name: admin, password: "Own, Pass: 3", type: text} ] }
write_files:
- path: /etc/motd.d/one
  permissions: '0600'
  content: |
    first "line"
      indented \n $HOME

    last
- { path: /root/two, encoding: b64, content: aGVsbG8= }
runcmd:
- echo "$((1 + 1)) words ok" > /root/shell
- [ touch, '/root/with space', "/root/tab\tname" ]
- - sh
  - -c
  - 'echo nested >> /root/shell'
`

func TestGuestObeysCloudConfigAndStaticAddresses(t *testing.T) {
	auth, public := key(t)
	s := seed.Seed{InstanceID: "i/odd id", Hostname: "static.example.com", User: "admin", UserData: fmt.Appendf(nil, cloudConfig, public),
		Network: []seed.NIC{{MAC: nicMAC, Addresses: []string{"10.0.2.15/24"}, Gateway4: "10.0.2.2", Nameservers: []string{"10.0.2.3"}, MTU: 1400}}}
	m := start(t, newDisk(t, "160M"), s, "-smp", "2")
	require.Equal(t, "hostname: static.example.com\ninstance-id: i/odd id\n", m.page(t))
	m.session(t, "admin", ssh.Password("Own, Pass: 3"))
	c := m.session(t, "admin", auth)
	require.Equal(t, "admin", run(t, c, "id -un"))
	require.Equal(t, "2", run(t, c, "nproc"))
	require.Equal(t, "nameserver 10.0.2.3", run(t, c, "cat /etc/resolv.conf"))
	require.Contains(t, run(t, c, "ip route"), "default via 10.0.2.2")
	require.Equal(t, "1400", run(t, c, "cat /sys/class/net/eth0/mtu"))
	m.until(t, patience, "commands", func() error {
		if got := m.exec(t, "cat /root/shell || true"); got != "2 words ok\nnested" {
			return fmt.Errorf("%q", got)
		}
		return nil
	})
	require.Equal(t, "-rw-------", m.exec(t, "ls -l /etc/motd.d/one | cut -c1-10"))
	require.Equal(t, "first \"line\"\n  indented \\n $HOME\n\nlast", m.exec(t, "cat /etc/motd.d/one"))
	require.Equal(t, "hello", m.exec(t, "cat /root/two"))
	m.exec(t, "test -e '/root/with space' && test -e \"$(printf '/root/tab\\tname')\"")
	m.powerButton(t)
}
