package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/baidubce/bce-sdk-go/services/bec/api"
	"github.com/stretchr/testify/require"

	"edgecloud/control"
	"edgecloud/engine/sim"
	"edgecloud/link/spec"
	"edgecloud/store/storetest"
)

// TestACentreAndItsHosts is an operator's way with processes of their own: a centre, two hosts that join it over the network, and what happens when any of them is
// killed.
func TestACentreAndItsHosts(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { centreAndHosts(t, "") })
	t.Run("postgres", func(t *testing.T) { centreAndHosts(t, storetest.Address(t)) })
}

// centre is a control process, and what an operator does with it.
type centre struct {
	*process
	t     *testing.T
	dir   string
	args  []string
	token string
}

func startCentre(t *testing.T, database string) *centre {
	c := &centre{t: t, dir: filepath.Join(t.TempDir(), "centre"), args: []string{"--listen", "127.0.0.1:0", "--link-listen", "127.0.0.1:0", "--http", "--log-level", "warn"}}
	if database != "" {
		c.args = append(c.args, "--database", database)
	}
	c.start()
	return c
}

func (c *centre) start() {
	c.process = launch(c.t, "The centre is ready", append([]string{"control", "--data", c.dir}, c.args...)...)
	var err error
	c.env, err = control.ReadEnv(c.dir)
	require.NoError(c.t, err)
	c.token = ""
	c.token = c.admin(201, "POST", "/tokens", map[string]any{"account": c.env.Account, "user": c.env.User, "password": c.env.Password})["token"].(string)
}

// admin calls the admin API and expects a status.
func (c *centre) admin(status int, method, path string, body any) (out map[string]any) {
	c.t.Helper()
	raw, isRaw := body.([]byte)
	media := "application/octet-stream"
	if !isRaw {
		var err error
		raw, err = json.Marshal(body)
		require.NoError(c.t, err)
		media = "application/json"
	}
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.env.Admin+"/admin/v1"+path, bytes.NewReader(raw))
	require.NoError(c.t, err)
	r.Header.Set("Content-Type", media)
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	answer, err := http.DefaultClient.Do(r)
	require.NoError(c.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(c.t, err)
	require.Equal(c.t, status, answer.StatusCode, "%s %s: %s", method, path, text)
	if len(text) > 0 {
		require.NoError(c.t, json.Unmarshal(text, &out))
	}
	return out
}

// furnish makes a site with a line, and an image.
func (c *centre) furnish() {
	line := map[string]any{"carrier": "CHINA_MOBILE", "physicalNetwork": "provider", "prefix": "203.0.113.0/24", "gateway": "203.0.113.1", "first": "203.0.113.10", "last": "203.0.113.99"}
	c.admin(201, "POST", "/sites", map[string]any{"name": "cn-hangzhou-cm", "lines": []any{line}})
	_, content, err := sim.BlankImage("", "blank", 20<<30)
	require.NoError(c.t, err)
	sum := sha256.Sum256(content)
	made := c.admin(202, "POST", "/images", map[string]any{"name": "blank", "osType": "linux", "sha256": hex.EncodeToString(sum[:]), "bytes": len(content)})
	c.admin(200, "PUT", "/images/"+made["id"].(string)+"/content?offset=0", content)
	eventually(c.t, "the image", patience, func() error {
		if s := c.admin(200, "GET", "/images/blank", nil)["status"]; s != "active" {
			return fmt.Errorf("it is %v", s)
		}
		return nil
	})
}

// invite gives the words of the command that a host is told to run.
func (c *centre) invite(name string) []string {
	made := c.admin(201, "POST", "/sites/cn-hangzhou-cm/join-tokens", map[string]any{"host": name})
	words := strings.Fields(made["command"].(string))
	require.Equal(c.t, "edgecloud", words[0])
	return words[1:]
}

func (c *centre) hosts() map[string]map[string]any {
	all := map[string]map[string]any{}
	for _, h := range c.admin(200, "GET", "/hosts", nil)["hosts"].([]any) {
		all[h.(map[string]any)["name"].(string)] = h.(map[string]any)
	}
	return all
}

// heard waits until every host was heard of after a moment.
func (c *centre) heard(since time.Time, names ...string) {
	c.t.Helper()
	eventually(c.t, "hosts are heard of", patience, func() error {
		all := c.hosts()
		for _, n := range names {
			text, _ := all[n]["seen"].(string)
			if seen, err := time.Parse(time.RFC3339, text); err != nil || seen.Before(since.Truncate(time.Second)) || all[n]["vcpus"].(float64) == 0 {
				return fmt.Errorf("%s: %v", n, all[n])
			}
		}
		return nil
	})
}

// order makes an instance through the official SDK and gives its ID and the name of its host.
func (c *centre) order(name string) (vm, host string) {
	c.t.Helper()
	before := c.hosts()
	made, err := c.client(c.t).CreateVmService(&api.CreateVmServiceArgs{ServiceName: name, ImageId: "blank", ImageType: api.ImageTypeBec, Cpu: 1, Memory: 2,
		NeedPublicIp: true, Bandwidth: 10, DeployInstances: &[]api.DeploymentInstance{{RegionId: "cn-hangzhou-cm", Replicas: 1, NetworkType: "vpc"}},
		SystemVolume: &api.SystemVolumeConfig{VolumeType: api.DiskTypeNVME, SizeInGB: 40, Name: "sys"},
		KeyConfig:    &api.KeyConfig{Type: "password", AdminPass: "password1234!"}, PaymentMethod: "postpay"})
	require.NoError(c.t, err)
	page, err := c.client(c.t).GetVmInstanceList(&api.ListRequest{PageNo: 1, PageSize: 100, ServiceId: made.Details.ServiceId})
	require.NoError(c.t, err)
	for _, i := range page.Result {
		if strings.HasPrefix(i.VmName, name) || i.ServiceId == made.Details.ServiceId {
			vm = i.VmId
		}
	}
	require.NotEmpty(c.t, vm)
	running(c.t, c.process, vm)
	for n, h := range c.hosts() {
		if h["instances"].(float64) > before[n]["instances"].(float64) {
			host = n
		}
	}
	require.NotEmpty(c.t, host)
	return vm, host
}

// hostProcess is an agent process on its folder.
type hostProcess struct {
	*process
	t   *testing.T
	dir string
}

func joinHost(t *testing.T, c *centre, name string) *hostProcess {
	h := &hostProcess{t: t, dir: filepath.Join(t.TempDir(), name)}
	began := time.Now()
	out, code := run(t, append(c.invite(name), "--data", h.dir)...)
	require.Equal(t, 0, code, out)
	require.Less(t, time.Since(began), 10*time.Second)
	t.Logf("%s joined in %v", name, time.Since(began))
	h.start()
	return h
}

func (h *hostProcess) start() {
	h.process = launch(h.t, "The agent of host", "agent", "run", "--data", h.dir, "--engine", "sim", "--log-level", "warn")
}

// machines gives the simulated hypervisor of a host whose agent does not run, and what keeps its changes.
func (h *hostProcess) world(change bool) (w *sim.World, host *sim.Host) {
	dir := filepath.Join(h.dir, "world")
	w, err := sim.Load(sim.Config{}, dir)
	if change {
		w, err = sim.Open(sim.Config{}, dir)
	}
	require.NoError(h.t, err)
	return w, w.Sites()[0].Hosts()[0]
}

// powers lists what the host's machines are.
func (h *hostProcess) powers() (all []spec.Power) {
	_, host := h.world(false)
	machines, err := host.Hypervisor().List(h.t.Context())
	require.NoError(h.t, err)
	for _, m := range machines {
		all = append(all, m.Power)
	}
	return all
}

// crashMachines switches the host's machines off while its agent does not run.
func (h *hostProcess) crashMachines() {
	w, host := h.world(true)
	machines, err := host.Hypervisor().List(h.t.Context())
	require.NoError(h.t, err)
	for _, m := range machines {
		require.NoError(h.t, host.Hypervisor().Stop(h.t.Context(), m.UID, 0))
	}
	require.NoError(h.t, w.Close())
}

func centreAndHosts(t *testing.T, database string) {
	c := startCentre(t, database)
	c.furnish()
	began := time.Now()
	hosts := map[string]*hostProcess{"host-1": joinHost(t, c, "host-1"), "host-2": joinHost(t, c, "host-2")}
	refusals(t, c, hosts["host-1"])
	c.heard(began, "host-1", "host-2")
	vm, name := c.order("first")
	home := hosts[name]

	// The centre dies: its hosts go on, and one that is killed too brings its machines back without it.
	require.Error(t, c.end(t, syscall.SIGKILL))
	require.Error(t, home.end(t, syscall.SIGKILL))
	home.crashMachines()
	require.Equal(t, []spec.Power{spec.Off}, home.powers())
	home.start()
	eventually(t, "the machine runs again without the centre", patience, func() error {
		if p := home.powers(); len(p) != 1 || p[0] != spec.On {
			return fmt.Errorf("%v", p)
		}
		return nil
	})

	// The centre comes back: all hosts find it, and it knows everything.
	began = time.Now()
	c.start()
	running(t, c.process, vm)
	c.heard(began, "host-1", "host-2")
	second, _ := c.order("second")

	// A host's agent dies, and what it shall do changes meanwhile.
	require.Error(t, home.end(t, syscall.SIGKILL))
	_, err := c.client(t).DeleteVmInstance(vm)
	require.NoError(t, err)
	require.NotEmpty(t, home.powers())
	home.start()
	eventually(t, vm+" is gone", patience, func() error {
		if n := len(c.admin(200, "GET", "/check?settled=true", nil)["findings"].([]any)); n > 0 {
			return fmt.Errorf("%d things are not settled", n)
		}
		return nil
	})
	_, err = c.client(t).DeleteVmInstance(second)
	require.NoError(t, err)
	removal(t, c, hosts)
}

// refusals tries tokens that are not good, each with a sentence that says why.
func refusals(t *testing.T, c *centre, joined *hostProcess) {
	words := c.invite("host-3")
	token := words[len(words)-1]
	for says, change := range map[string][]string{
		"nobody has given it out":    {"--token", strings.Replace(token, ".", ".x", 1)},
		"copy it whole":              {"--token", token[:len(token)-3]},
		"must be tls://HOST:PORT":    {"--url", "http://127.0.0.1:1"},
		"no servers available":       {"--url", "tls://127.0.0.1:1"},
		"the centre that gave the t": {"--token", token[:len(token)-43] + strings.Repeat("A", 43)},
	} {
		out, code := run(t, append(append(words, "--data", filepath.Join(t.TempDir(), "none")), change...)...)
		require.Equal(t, 1, code)
		require.Contains(t, out, says)
	}
	out, code := run(t, append(words, "--data", joined.dir)...)
	require.Equal(t, 1, code)
	require.Contains(t, out, "--replace")
	out, code = run(t, append(words, "--data", filepath.Join(t.TempDir(), "three"))...)
	require.Equal(t, 0, code, out)
	out, code = run(t, append(words, "--data", filepath.Join(t.TempDir(), "four"))...)
	require.Equal(t, 1, code)
	require.Contains(t, out, "another host has used it")
	c.admin(204, "DELETE", "/hosts/host-3", nil)
	out, code = run(t, "agent", "run", "--data", filepath.Join(t.TempDir(), "five"))
	require.Equal(t, 1, code)
	require.Contains(t, out, "agent join")
}

// removal takes a host out: its credential is worth nothing from that moment, and the other host takes the site over.
func removal(t *testing.T, c *centre, hosts map[string]*hostProcess) {
	eventually(t, "the hosts are empty", patience, func() error {
		for n, h := range c.hosts() {
			if h["instances"].(float64) > 0 {
				return fmt.Errorf("%s has instances", n)
			}
		}
		return nil
	})
	c.admin(204, "DELETE", "/hosts/host-1", nil)
	require.NotContains(t, c.hosts(), "host-1")
	eventually(t, "the removed host is told", patience, func() error {
		if !strings.Contains(hosts["host-1"].said(), "not enrolled any more") {
			return fmt.Errorf("%s", hosts["host-1"].said())
		}
		return nil
	})
	_, name := c.order("third")
	require.Equal(t, "host-2", name)
	require.NoError(t, hosts["host-2"].end(t, syscall.SIGTERM))
	require.NoError(t, c.end(t, syscall.SIGTERM))
}

// launch starts a process and waits for its first words.
func launch(t *testing.T, words string, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(binary, args...), ended: make(chan error, 1)}
	p.Stderr = &p.errors
	out, err := p.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.Start())
	t.Cleanup(func() {
		_ = p.Process.Kill()
		if t.Failed() {
			t.Logf("edgecloud %s, process %d, said:\n%s", args[0], p.Process.Pid, p.said())
		}
	})
	first := make([]byte, len(words))
	_, err = io.ReadFull(out, first)
	go func() {
		_, _ = io.Copy(io.Discard, out)
		p.ended <- p.Wait()
		close(p.ended)
	}()
	require.NoError(t, err, p.said())
	require.Equal(t, words, string(first))
	return p
}

func TestWhatTheCentreAndItsHostsRefuse(t *testing.T) {
	dir := t.TempDir()
	for says, args := range map[string][]string{
		"--link-listen nowhere: must be":   {"--link-listen", "nowhere"},
		"--link-cluster nats://a:1: must":  {"--link-cluster", "nats://a:1"},
		"exclude each other":               {"--link-cluster", "tls://a:1", "--link-listen", "127.0.0.1:0"},
		"--link-url tls://a: must be":      {"--link-url", "tls://a"},
		"--tls-ca belongs to":              {"--tls-ca", "/etc/hosts"},
		"loopback only":                    {"--http", "--listen", "0.0.0.0:0"},
		"--database: store: connecting to": {"--database", "postgres://127.0.0.1:1/x?connect_timeout=2"},
		"there is no such setting":         {"--config", writeFile(t, "a.yaml", "link: x\n")},
		"a.yaml:1: http: ":                 {"--config", writeFile(t, "a.yaml", "http: perhaps\n")},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		out, err := exec.CommandContext(ctx, binary, append([]string{"control", "--data", dir, "--listen", "127.0.0.1:0"}, args...)...).CombinedOutput()
		cancel()
		require.Error(t, err)
		require.Contains(t, string(out), says)
	}
	out, code := run(t, "agent", "run", "--data", dir, "--config", writeFile(t, "b.yaml", "engine: xen\nsim-vcpus: 0\n"))
	require.Equal(t, 1, code)
	require.Contains(t, out, "--sim-vcpus: must be positive")
}

// TestAdminCommands goes over the command line: what the commands do is tested in adminclient.
func TestAdminCommands(t *testing.T) {
	dir := t.TempDir()
	up(t, dir, "--listen", "127.0.0.1:0")
	admin := func(args ...string) (string, int) {
		return run(t, append([]string{"admin", "--data", dir}, args...)...)
	}
	out, code := admin("host", "list")
	require.Equal(t, 0, code, out)
	require.Contains(t, out, "cn-hangzhou-cm-1")
	out, code = admin("host", "list", "--json")
	require.Equal(t, 0, code)
	var list struct{ Hosts []struct{ Name string } }
	require.NoError(t, json.Unmarshal([]byte(out), &list))
	require.Len(t, list.Hosts, 2)
	out, code = admin("image", "names", "Debian 12 64bit", "--names", "Newest 1", "--names", "Newest 2")
	require.Equal(t, 0, code, out)
	require.Contains(t, out, "Newest 1, Newest 2")
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"host", "get", "none"}, 3, "none"},
		{[]string{"host", "get"}, 2, "admin host get HOST"},
		{[]string{"flavor", "create", "--name", "x", "--vcpus", "1"}, 2, "--memory-mib is needed"},
		{[]string{"flavor", "create", "--cores", "1"}, 2, "--cores"},
		{[]string{"host", "list", "--data", t.TempDir()}, 6, "EDGECLOUD_ADMIN_URL"},
		{[]string{"host", "enrol", "cn-hangzhou-cm"}, 4, "edgecloud control"},
	} {
		out, code := admin(c.args...)
		require.Equal(t, c.code, code, "%q: %s", c.args, out)
		require.Contains(t, out, c.says)
	}
}
