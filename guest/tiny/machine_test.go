package tiny_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"edgecloud/guest/seed"
)

// patience is for a machine that has other work besides emulating the guest.
const patience = 4 * time.Minute

const nicMAC = "52:54:00:12:34:56"

// machine is a QEMU process whose guest is reached through forwarded ports of the loopback address.
type machine struct {
	dir       string
	web, sshd string // addresses
	started   time.Time
	gone      chan struct{}
	done      chan error
}

// start boots the disk with the seed, under TCG, with the hardware that the libvirt engine gives its machines, and more arguments of QEMU.
func start(t *testing.T, disk string, s seed.Seed, more ...string) *machine {
	t.Helper()
	emulator, err := exec.LookPath("qemu-system-x86_64")
	if err != nil {
		t.Fatal("no qemu-system-x86_64: install qemu-system-x86")
	}
	// Socket paths have at most 107 bytes: no t.TempDir.
	dir, err := os.MkdirTemp("", "tiny")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	iso, err := seed.Build(s)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "seed.iso"), iso, 0o600))
	m := &machine{dir: dir, web: freeAddress(t), sshd: freeAddress(t), started: time.Now(), gone: make(chan struct{}), done: make(chan error, 1)}
	cmd := exec.Command(emulator, append(more, "-accel", "tcg", "-cpu", "max,la57=off", "-machine", "pc", "-m", "256", "-display", "none", "-nodefaults", "-no-user-config", "-vga", "std",
		"-drive", "if=virtio,format=qcow2,cache=unsafe,file="+disk, "-drive", "if=ide,media=cdrom,readonly=on,format=raw,file="+filepath.Join(dir, "seed.iso"),
		"-netdev", fmt.Sprintf("user,id=n,restrict=on,hostfwd=tcp:%s-:80,hostfwd=tcp:%s-:22", m.web, m.sshd), "-device", "virtio-net-pci,netdev=n,mac="+nicMAC,
		"-device", "virtio-serial", "-chardev", "socket,id=q,server=on,wait=off,path="+filepath.Join(dir, "agent"), "-device", "virtserialport,chardev=q,name=org.qemu.guest_agent.0",
		"-device", "virtio-rng-pci", "-serial", "file:"+filepath.Join(dir, "serial"), "-qmp", "unix:"+filepath.Join(dir, "qmp")+",server=on,wait=off")...)
	var said strings.Builder
	cmd.Stderr = &said
	require.NoError(t, cmd.Start())
	go func() {
		m.done <- cmd.Wait()
		close(m.gone)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-m.gone
		if t.Failed() {
			serial, _ := os.ReadFile(filepath.Join(dir, "serial"))
			t.Logf("QEMU: %s\nserial: %s", said.String(), serial)
		}
	})
	return m
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// until polls, as what it waits for happens inside the guest.
func (m *machine) until(t *testing.T, limit time.Duration, what string, try func() error) {
	t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-m.gone:
			t.Fatalf("%s: QEMU ended", what)
		case <-deadline.C:
			t.Fatalf("%s: %v", what, err)
		case <-tick.C:
		}
	}
}

func (m *machine) page(t *testing.T) string {
	t.Helper()
	var page string
	client := &http.Client{Timeout: time.Second}
	m.until(t, patience, "HTTP", func() error {
		answer, err := client.Get("http://" + m.web + "/")
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		page = string(body)
		if err == nil && answer.StatusCode != http.StatusOK {
			err = fmt.Errorf("status %d", answer.StatusCode)
		}
		return err
	})
	t.Logf("HTTP answered %.1f s after the start", time.Since(m.started).Seconds())
	return page
}

// login dials once; the port is open as soon as HTTP answers, or a moment later.
func (m *machine) login(user string, auth ssh.AuthMethod) (*ssh.Client, error) {
	return ssh.Dial("tcp", m.sshd, &ssh.ClientConfig{User: user, Auth: []ssh.AuthMethod{auth}, HostKeyCallback: ssh.InsecureIgnoreHostKey(), Timeout: time.Minute})
}

func (m *machine) session(t *testing.T, user string, auth ssh.AuthMethod) *ssh.Client {
	t.Helper()
	var client *ssh.Client
	m.until(t, patience, "SSH", func() (err error) {
		client, err = m.login(user, auth)
		return err
	})
	t.Cleanup(func() { client.Close() })
	return client
}

func run(t *testing.T, c *ssh.Client, command string) string {
	t.Helper()
	out, err := try(c, command)
	require.NoError(t, err)
	return out
}

// try is run for a guest that may be on its way down.
func try(c *ssh.Client, command string) (string, error) {
	s, err := c.NewSession()
	if err != nil {
		return "", err
	}
	defer s.Close()
	out, err := s.CombinedOutput(command)
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", command, err, out)
	}
	return strings.TrimSpace(string(out)), err
}

// ask sends one request to a JSON socket of QEMU's and gives what "return" holds.
func (m *machine) ask(t *testing.T, socket string, requests ...any) json.RawMessage {
	t.Helper()
	c, err := net.Dial("unix", filepath.Join(m.dir, socket))
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.SetDeadline(time.Now().Add(2*time.Minute)))
	lines := bufio.NewScanner(c)
	var got json.RawMessage
	for _, request := range requests {
		require.NoError(t, json.NewEncoder(c).Encode(request))
		got = nil
		for got == nil {
			require.True(t, lines.Scan(), "%s closed: %v", socket, lines.Err())
			var answer struct{ Return, Error json.RawMessage }
			require.NoError(t, json.Unmarshal(lines.Bytes(), &answer))
			require.Empty(t, answer.Error)
			got = answer.Return
		}
	}
	return got
}

type command struct {
	Execute   string `json:"execute"`
	Arguments any    `json:"arguments,omitempty"`
}

func (m *machine) agent(t *testing.T, name string, arguments any) json.RawMessage {
	t.Helper()
	return m.ask(t, "agent", command{name, arguments})
}

// exec runs a shell command through the guest agent, as BEC's own tools would.
func (m *machine) exec(t *testing.T, line string) string {
	t.Helper()
	var started struct{ PID int }
	require.NoError(t, json.Unmarshal(m.agent(t, "guest-exec", map[string]any{"path": "/bin/sh", "arg": []string{"-c", line}, "capture-output": true}), &started))
	var status struct {
		Exited   bool
		ExitCode int
		Out      string `json:"out-data"`
	}
	m.until(t, patience, line, func() error {
		require.NoError(t, json.Unmarshal(m.agent(t, "guest-exec-status", map[string]int{"pid": started.PID}), &status))
		if !status.Exited {
			return fmt.Errorf("runs")
		}
		return nil
	})
	out, err := base64.StdEncoding.DecodeString(status.Out)
	require.NoError(t, err)
	require.Zero(t, status.ExitCode, "%s: %s", line, out)
	return strings.TrimSpace(string(out))
}

func (m *machine) waitGone(t *testing.T, limit time.Duration) {
	t.Helper()
	begin := time.Now()
	select {
	case err := <-m.done:
		require.NoError(t, err)
		t.Logf("off after %.1f s", time.Since(begin).Seconds())
	case <-time.After(limit):
		t.Fatal("the guest does not end")
	}
}

func (m *machine) powerButton(t *testing.T) {
	t.Helper()
	m.ask(t, "qmp", command{Execute: "qmp_capabilities"}, command{Execute: "system_powerdown"})
	m.waitGone(t, patience)
}

// send is ask for a command that has no answer.
func (m *machine) send(t *testing.T, socket string, request any) {
	t.Helper()
	c, err := net.Dial("unix", filepath.Join(m.dir, socket))
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, json.NewEncoder(c).Encode(request))
}
