package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/baidubce/bce-sdk-go/services/bec"
	"github.com/baidubce/bce-sdk-go/services/bec/api"
	"github.com/stretchr/testify/require"

	"edgecloud/control"
)

// binary is the program as it is shipped, so that the tests see a real process.
var binary string

func TestMain(m *testing.M) {
	if binary = os.Getenv(insideEnv); binary != "" {
		os.Exit(m.Run())
	}
	dir, err := os.MkdirTemp("", "edgecloud-test-")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "edgecloud")
	build := exec.Command("go", "build", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		panic(string(out))
	}
	code := m.Run()
	_ = os.RemoveAll(dir) // the tests' verdict stands
	os.Exit(code)
}

// run runs a command to its end.
func run(t *testing.T, args ...string) (out string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, args...)
	var both bytes.Buffer
	cmd.Stdout, cmd.Stderr = &both, &both
	err := cmd.Run()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		require.NoError(t, err)
	}
	return both.String(), cmd.ProcessState.ExitCode()
}

// process is a cloud that runs, or a part of one.
type process struct {
	*exec.Cmd
	env    *control.Env
	ended  chan error
	errors output
}

// output keeps what a process says.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// said is what the process has written to its standard error.
func (p *process) said() string {
	p.errors.mu.Lock()
	defer p.errors.mu.Unlock()
	return p.errors.text.String()
}

func writeFile(t *testing.T, name, text string) string {
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func up(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	p := launch(t, "The cloud is ready.", append([]string{"up", "--data", dir, "--sites", "cn-hangzhou-cm", "--log-level", "info"}, args...)...)
	var err error
	p.env, err = control.ReadEnv(dir)
	require.NoError(t, err)
	return p
}

func (p *process) end(t *testing.T, s os.Signal) error {
	t.Helper()
	require.NoError(t, p.Process.Signal(s))
	select {
	case err := <-p.ended:
		return err
	case <-time.After(20 * time.Second):
		t.Fatal("the process does not end")
		return nil
	}
}

func (p *process) client(t *testing.T) *bec.Client {
	c, err := bec.NewClient(p.env.AccessKey, p.env.SecretKey, p.env.BEC)
	require.NoError(t, err)
	return c
}

// vpcs lists the names of the VPCs.
func (p *process) vpcs(t *testing.T) (names []string) {
	l, err := p.client(t).GetVpcList(&api.ListRequest{PageNo: 1, PageSize: 100})
	require.NoError(t, err)
	for _, v := range l.Result {
		names = append(names, v.Name)
	}
	return names
}

func TestACloudComesBackAsItWas(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cloud")
	p := up(t, dir, "--listen", "127.0.0.1:0")
	_, err := p.client(t).CreateVpc(&api.CreateVpcRequest{Name: "kept", RegionId: "cn-hangzhou-cm", Cidr: "10.1.0.0/16"})
	require.NoError(t, err)
	before := *p.env
	out, code := run(t, "up", "--data", dir, "--listen", "127.0.0.1:0")
	require.Equal(t, 1, code)
	require.Contains(t, out, "runs on this data folder already")
	out, _ = run(t, "env", "--data", dir)
	require.Equal(t, before.String(), out)

	require.Error(t, p.end(t, syscall.SIGKILL))
	_, code = run(t, "env", "--data", dir)
	require.Equal(t, 1, code, "what a killed cloud left behind is no cloud")
	p = up(t, dir)
	require.Equal(t, before, *p.env, "the same ports, keys and names")
	require.Contains(t, p.vpcs(t), "kept")

	require.NoError(t, p.end(t, syscall.SIGTERM))
	require.NoFileExists(t, filepath.Join(dir, "edgecloud.env"))
	p = up(t, dir)
	require.Equal(t, before, *p.env)
	require.Contains(t, p.vpcs(t), "kept")
	out, code = run(t, "down", "--data", dir)
	require.Equal(t, 0, code, out)
	require.NoError(t, <-p.ended)
	_, code = run(t, "down", "--data", dir)
	require.Equal(t, 0, code, "stopping what is stopped is done")
}

func TestUninstallLeavesNothingOfItsOwn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cloud")
	up(t, dir, "--listen", "127.0.0.1:0") // uninstall stops it
	out, code := run(t, "uninstall", "--data", dir, "--yes")
	require.Equal(t, 0, code, out)
	require.NoDirExists(t, dir)

	require.NoError(t, os.Mkdir(dir, 0o700))
	mine := filepath.Join(dir, "mine.txt")
	require.NoError(t, os.WriteFile(mine, nil, 0o600))
	out, code = run(t, "uninstall", "--data", dir, "--yes")
	require.Equal(t, 0, code)
	require.Contains(t, out, "Nothing to remove")
	p := up(t, dir, "--listen", "127.0.0.1:0")
	require.NoError(t, p.end(t, os.Interrupt))
	out, _ = run(t, "uninstall", "--data", dir)
	require.Contains(t, out, "nothing was removed", "no answer is a no")
	out, _ = run(t, "uninstall", "--data", dir, "--yes")
	require.Contains(t, out, mine)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

func TestTheNamesOfTheVariablesStay(t *testing.T) {
	dir := t.TempDir()
	p := up(t, dir, "--listen", "127.0.0.1:0", "--domain", "Cloud.Example")
	info, err := os.Stat(filepath.Join(dir, "edgecloud.env"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	var names []string
	for line := range strings.Lines(p.env.String()) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		require.NotEmpty(t, value, name)
		names = append(names, name)
	}
	require.Equal(t, strings.Fields(`EDGECLOUD_BEC_URL EDGECLOUD_IEC_URL EDGECLOUD_IAM_URL EDGECLOUD_CECSTACK_URL EDGECLOUD_TCEBMS_URL EDGECLOUD_ADMIN_URL
		EDGECLOUD_ACCESS_KEY EDGECLOUD_SECRET_KEY EDGECLOUD_ACCOUNT EDGECLOUD_USER EDGECLOUD_PASSWORD EDGECLOUD_REGION EDGECLOUD_DOMAIN EDGECLOUD_CA`), names)
	require.Equal(t, "cloud.example", p.env.Domain)
	out, err := exec.Command("sh", "-c", "set -a; . "+filepath.Join(dir, "edgecloud.env")+"; echo $EDGECLOUD_SECRET_KEY").Output()
	require.NoError(t, err)
	require.Equal(t, p.env.SecretKey, strings.TrimSpace(string(out)))
}

// https gives a client that trusts the cloud's authority, and finds every name at one address.
func https(t *testing.T, e *control.Env, serverName string) *http.Client {
	t.Helper()
	text, err := os.ReadFile(e.CA)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(text))
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: serverName}, ForceAttemptHTTP2: true}}
}

func TestOnePortTakesTLSAndOnLoopbackHTTP(t *testing.T) {
	dir := t.TempDir()
	p := up(t, dir, "--listen", "127.0.0.1:0")
	secure := strings.Replace(p.env.Admin, "http://", "https://", 1)
	for _, name := range []string{"", "bec." + p.env.Domain, "iam.region-1." + p.env.Domain} {
		r, err := https(t, p.env, name).Get(secure + "/docs/")
		require.NoError(t, err, name)
		require.NoError(t, r.Body.Close())
		require.Equal(t, 200, r.StatusCode)
		require.Equal(t, 2, r.ProtoMajor)
	}
	r, err := http.Get(p.env.Admin + "/docs/")
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	require.Equal(t, 200, r.StatusCode)
	require.NoError(t, p.end(t, syscall.SIGTERM))

	p = up(t, dir, "--http=false")
	require.Equal(t, secure, p.env.Admin)
	r, err = http.Get(strings.Replace(secure, "https://", "http://", 1) + "/docs/")
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	require.Equal(t, 400, r.StatusCode)
	require.NoError(t, p.end(t, syscall.SIGTERM))

	out, code := run(t, "up", "--data", t.TempDir(), "--listen", "0.0.0.0:0", "--http")
	require.Equal(t, 1, code)
	require.Contains(t, out, "loopback only")
}

func TestDetached(t *testing.T) {
	dir := t.TempDir()
	out, code := run(t, "up", "--data", dir, "--listen", "127.0.0.1:0", "--sites", "cn-hangzhou-cm", "--detach")
	require.Equal(t, 0, code, out)
	require.Contains(t, out, "The cloud is ready.")
	out, code = run(t, "down", "--data", dir)
	require.Equal(t, 0, code, out)
}

func TestCoverageCountsWhatIsBound(t *testing.T) {
	out, code := run(t, "api", "coverage", "--json")
	require.Equal(t, 0, code, out)
	var report map[string]struct {
		Total, Built int
		Missing      []string
	}
	require.NoError(t, json.Unmarshal([]byte(out), &report))
	require.Len(t, report, 5)
	for name, r := range report {
		require.Equal(t, r.Total-r.Built, len(r.Missing), name)
	}
	require.Positive(t, report["bec"].Built)
	out, _ = run(t, "api", "coverage")
	require.Contains(t, out, "bec")
}

func TestDoctor(t *testing.T) {
	out, code := run(t, "doctor", "--engine", "sim", "--data", t.TempDir(), "--listen", "127.0.0.1:0")
	require.Equal(t, 0, code, out)
	out, code = run(t, "doctor", "--engine", "sim", "--data", "/proc/nothing", "--listen", "127.0.0.1:0", "--json")
	require.Equal(t, 1, code, out)
	require.True(t, json.Valid([]byte(out)))
}

func TestBadFlagsAreNamed(t *testing.T) {
	for flag, value := range map[string]string{"--engine": "xen", "--listen": "nowhere"} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		out, err := exec.CommandContext(ctx, binary, "up", "--data", t.TempDir(), flag, value).CombinedOutput()
		require.Error(t, err)
		require.Contains(t, string(out), flag)
	}
}
