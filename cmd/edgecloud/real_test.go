package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/baidubce/bce-sdk-go/bce"
	"github.com/baidubce/bce-sdk-go/services/bec"
	"github.com/baidubce/bce-sdk-go/services/bec/api"
	"github.com/baidubce/bce-sdk-go/util/crypto"
	"github.com/stretchr/testify/require"

	"edgecloud/engine/daemons"
	"edgecloud/test/host"
)

// insideEnv tells the test's second process, which runs in namespaces that look like a machine of its own, where the program is.
const insideEnv = "EDGECLOUD_TEST_INSIDE"

// TestAMachineOfItsOwn makes a machine out of namespaces and runs TestInside there: nothing of the real machine's libvirt, OVS or network is touched.
func TestAMachineOfItsOwn(t *testing.T) {
	if os.Getenv(insideEnv) != "" {
		return // this is TestInside's process
	}
	require.NoError(t, daemons.Missing())
	dir, err := os.MkdirTemp("", "ec") // short: unix sockets have short paths
	require.NoError(t, err)
	defer os.RemoveAll(dir)
	n, err := daemons.NewNamespace(t.Context(), daemons.NamespaceConfig{Hostname: "machine", Dir: dir, Binds: daemons.HostBinds(dir)})
	require.NoError(t, err)
	defer n.Close()
	self, err := os.Executable()
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 12*time.Minute) // far beyond what TestInside waits for before it explains itself
	defer cancel()
	cmd := n.Command(ctx, self, "-test.run=^TestInside$", "-test.v")
	cmd.Env = append(os.Environ(), insideEnv+"="+binary, "TMPDIR="+dir)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "--- PASS: TestInside")
}

// guests lists the QEMU processes of the machine.
func guests(t *testing.T) (all []string) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/comm")
	require.NoError(t, err)
	for _, f := range files {
		if text, err := os.ReadFile(f); err == nil && strings.HasPrefix(string(text), "qemu-system") {
			all = append(all, filepath.Base(filepath.Dir(f)))
		}
	}
	return all
}

// patience is for a machine that emulates its guests and has other work besides: a start takes ten seconds when it is quiet.
const patience = 4 * time.Minute

// eventually waits for a level.
func eventually(t *testing.T, what string, limit time.Duration, check func() error) {
	t.Helper()
	require.NoError(t, daemons.WaitFor(t.Context(), limit, what, check))
}

func TestInside(t *testing.T) {
	if os.Getenv(insideEnv) == "" {
		return // TestAMachineOfItsOwn runs it in a process of its own
	}
	dir := filepath.Join(t.TempDir(), "cloud")
	t.Cleanup(func() { explain(t, dir) })
	out, code := run(t, "up", "--data", dir, "--engine", "real", "--listen", "127.0.0.1:0", "--public-range", "127.0.0.0/8")
	require.Equal(t, 1, code)
	require.Contains(t, out, "--public-range 127.0.0.0/8")
	p := up(t, dir, "--engine", "real", "--listen", "127.0.0.1:0", "--public-range", publicRange.String())
	vm, address := realGuest(t, p)
	require.True(t, publicRange.Contains(netip.MustParseAddr(address)), address)
	openSSH(t, p)
	reachesOut(t, p, address)
	greet(t, address)

	out, code = run(t, "down", "--data", dir)
	require.Equal(t, 0, code, out)
	require.Contains(t, out, "Guests run on")
	before := guests(t)
	require.Len(t, before, 2)
	greet(t, address)
	p = up(t, dir)
	running(t, p, vm)
	require.Equal(t, before, guests(t), "a restart of the cloud restarts no guest")

	out, code = run(t, "down", "--data", dir, "--stop-guests")
	require.Equal(t, 0, code, out)
	require.Empty(t, guests(t))
	p = up(t, dir)
	running(t, p, vm)
	eventually(t, "the guests run again", patience, func() error {
		if n := len(guests(t)); n != 2 {
			return fmt.Errorf("%d guests", n)
		}
		return nil
	})

	out, code = run(t, "uninstall", "--data", dir, "--yes")
	require.Equal(t, 0, code, out)
	nothingLeft(t, dir)
}

// explain prints, after a failure, what an operator would look at: the engines' state, and what the guests wrote on their serial ports.
func explain(t *testing.T, dir string) {
	if !t.Failed() {
		return
	}
	t.Log(host.Explain(context.Background(), daemons.Direct{}))
	logs, _ := filepath.Glob(filepath.Join(dir, "host/guests/serial/*"))
	for _, path := range logs {
		text, err := os.ReadFile(path)
		t.Logf("%s (%v):\n%s", filepath.Base(path), err, text[max(0, len(text)-4000):])
	}
	for _, name := range []string{"kvm.json", "made.json"} {
		text, err := os.ReadFile(filepath.Join(dir, "host", name))
		t.Logf("%s (%v): %s", name, err, text)
	}
}

// realGuest makes an instance with a public address.
func realGuest(t *testing.T, p *process) (vm, address string) {
	t.Helper()
	made, err := p.client(t).CreateVmService(&api.CreateVmServiceArgs{ServiceName: "web", ImageId: "tiny", ImageType: api.ImageTypeBec, Cpu: 1, Memory: 2,
		NeedPublicIp: true, Bandwidth: 10, DeployInstances: &[]api.DeploymentInstance{{RegionId: "cn-hangzhou-cm", Replicas: 1, NetworkType: "vpc"}},
		SystemVolume: &api.SystemVolumeConfig{VolumeType: api.DiskTypeNVME, SizeInGB: 40, Name: "sys"},
		KeyConfig:    &api.KeyConfig{Type: "password", AdminPass: "password1234!"}, PaymentMethod: "postpay"})
	require.NoError(t, err)
	page, err := p.client(t).GetVmInstanceList(&api.ListRequest{PageNo: 1, PageSize: 10})
	require.NoError(t, err)
	require.Len(t, page.Result, 1, made)
	vm = page.Result[0].VmId
	running(t, p, vm)
	v, err := p.client(t).GetVirtualMachine(vm)
	require.NoError(t, err)
	require.NotEmpty(t, v.PublicIp)
	return vm, v.PublicIp
}

// publicRange is not the default one.
var publicRange = netip.MustParsePrefix("198.51.100.0/24")

// reachesOut makes an instance without a public address, whose first start calls a listener on the machine, which is its outside. The call must come from an
// address of the range that is nobody's else: the router's.
func reachesOut(t *testing.T, p *process, public string) {
	t.Helper()
	machine := publicRange.Addr().Next()
	outside, err := net.Listen("tcp", netip.AddrPortFrom(machine, 0).String())
	require.NoError(t, err)
	defer outside.Close()
	_, port, err := net.SplitHostPort(outside.Addr().String())
	require.NoError(t, err)
	script := fmt.Sprintf("#!/bin/sh\nuntil echo hello | timeout 10 nc -w 5 %s %s; do sleep 1; done\n", machine, port)
	body := map[string]any{"deployInstances": []any{map[string]any{"regionId": "cn-hangzhou-cm", "purchaseCount": 1, "networkType": "vpc"}}, "name": "inside",
		"billing": map[string]any{"paymentTiming": "Postpaid"}, "imageId": "tiny", "imageType": "bec", "spec": "bec.c2.c1m2", "rootDiskSizeInGb": 40,
		"adminPass": sealed(t, p, "password+1234"), "userData": base64.StdEncoding.EncodeToString([]byte(script))}
	require.NoError(t, request(p, http.MethodPost, "/v2/vm/instance", body, nil))
	require.NoError(t, outside.(*net.TCPListener).SetDeadline(time.Now().Add(patience)))
	c, err := outside.Accept()
	require.NoError(t, err, "no call from the guest without a public address")
	defer c.Close()
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	said := make([]byte, 5)
	_, err = io.ReadFull(c, said)
	require.NoError(t, err)
	require.Equal(t, "hello", string(said))
	from := netip.MustParseAddrPort(c.RemoteAddr().String()).Addr()
	require.True(t, publicRange.Contains(from), from)
	require.NotEqual(t, machine, from)
	require.NotEqual(t, public, from.String())
}

// sealed encrypts a password as BEC wants it.
func sealed(t *testing.T, p *process, password string) string {
	t.Helper()
	out, err := crypto.EBCEncrypto([]byte(p.env.SecretKey[:16]), []byte(password))
	require.NoError(t, err)
	return fmt.Sprintf("%x", out)
}

// openSSH lets SSH into the account's default security group, which lets nothing in.
func openSSH(t *testing.T, p *process) {
	t.Helper()
	var list struct {
		Result []struct {
			SecurityGroupID string `json:"id"`
		} `json:"result"`
	}
	require.NoError(t, request(p, http.MethodGet, "/v1/securityGroup", nil, &list))
	require.Len(t, list.Result, 1)
	rule := map[string]any{"rule": map[string]any{"direction": "ingress", "protocol": "tcp", "portRange": "22", "sourceIp": "0.0.0.0/0"}}
	require.NoError(t, request(p, http.MethodPut, "/v2/securityGroup/"+list.Result[0].SecurityGroupID+"?authorizeRule", rule, nil))
}

// request sends what the SDK has no method for.
func request(p *process, method, path string, body, into any) error {
	client, err := bec.NewClient(p.env.AccessKey, p.env.SecretKey, p.env.BEC)
	if err != nil {
		return err
	}
	path, flag, found := strings.Cut(path, "?")
	b := bce.NewRequestBuilder(client).WithURL(path).WithMethod(method)
	if found {
		b = b.WithQueryParam(flag, "")
	}
	if body != nil {
		b = b.WithBody(body)
	}
	if into != nil {
		b = b.WithResult(into)
	}
	return b.Do()
}

func running(t *testing.T, p *process, vm string) {
	t.Helper()
	eventually(t, vm+" runs", patience, func() error {
		v, err := p.client(t).GetVirtualMachine(vm)
		if err != nil {
			return err
		}
		if v.Status != "RUNNING" {
			return fmt.Errorf("it is %s", v.Status)
		}
		return nil
	})
}

// greet reads the SSH server's greeting at a public address, as anybody on this machine would reach it.
func greet(t *testing.T, address string) {
	t.Helper()
	eventually(t, "SSH at "+address, patience, func() error {
		c, err := net.DialTimeout("tcp", net.JoinHostPort(address, "22"), time.Second)
		if err != nil {
			return err
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(5 * time.Second)) // a closed connection fails at the read
		got := make([]byte, 4)
		if _, err := c.Read(got); err != nil || !bytes.HasPrefix(got, []byte("SSH-")) {
			return fmt.Errorf("it said %q: %v", got, err)
		}
		return nil
	})
}

func nothingLeft(t *testing.T, dir string) {
	t.Helper()
	require.NoDirExists(t, dir)
	require.Empty(t, guests(t))
	out, err := exec.Command("ps", "-eo", "comm=").Output()
	require.NoError(t, err)
	for _, name := range []string{"ovs", "ovn", "libvirt", "virtlog", "qemu"} {
		require.NotContains(t, string(out), name)
	}
	links, err := net.Interfaces()
	require.NoError(t, err)
	for _, l := range links {
		require.NotRegexp(t, "^(br-|vnet|tap|ovs-netdev|genev)", l.Name)
	}
	for _, path := range []string{"/etc/openvswitch/conf.db", "/var/lib/ovn/ovnnb_db.db", "/var/lib/ovn/ovnsb_db.db", "/etc/libvirt/qemu.conf"} {
		require.NoFileExists(t, path)
	}
	defined, err := filepath.Glob("/etc/libvirt/qemu/*.xml")
	require.NoError(t, err)
	require.Empty(t, defined)
}
