package haproxy_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"edgecloud/engine/balancer/balancertest"
	"edgecloud/engine/balancer/haproxy"
	"edgecloud/engine/network/ovn"
	"edgecloud/link/spec"
	"edgecloud/test/host"
)

const answerLimit = 2 * time.Second

// within runs a function in a network namespace: sockets that it opens stay there.
func within(netns string, do func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine, since its namespace is another
		f, err := os.Open(netns)
		if err == nil {
			defer f.Close()
			err = unix.Setns(int(f.Fd()), unix.CLONE_NEWNET)
		}
		if err == nil {
			err = do()
		}
		done <- err
	}()
	return <-done
}

// machine is a namespace that answers with its name.
type machine struct {
	name    string
	address netip.Addr
	netns   string

	mu   sync.Mutex
	ends []io.Closer
}

func (m *machine) Address() netip.Addr { return m.address }

func (m *machine) Stop(t testing.TB) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.ends {
		require.NoError(t, e.Close())
	}
	m.ends = nil
	require.NoError(t, within(m.netns, func() error { return echoIgnored("1") }))
}

func (m *machine) Start(t testing.TB) {
	m.mu.Lock()
	defer m.mu.Unlock()
	require.NoError(t, within(m.netns, func() error {
		tcp, err := net.Listen("tcp", netip.AddrPortFrom(m.address, balancertest.Port).String())
		if err != nil {
			return err
		}
		m.ends = append(m.ends, tcp)
		go m.serveTCP(tcp)
		udp, err := net.ListenPacket("udp", netip.AddrPortFrom(m.address, balancertest.Port).String())
		if err != nil {
			return err
		}
		m.ends = append(m.ends, udp)
		go m.serveUDP(udp)
		web, err := net.Listen("tcp", netip.AddrPortFrom(m.address, balancertest.HTTPPort).String())
		if err != nil {
			return err
		}
		m.ends = append(m.ends, web)
		go func() {
			_ = http.Serve(web, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Host != "example.com" || r.URL.Path != "/" {
					w.WriteHeader(http.StatusNotFound)
				}
			}))
		}()
		return echoIgnored("0")
	}))
}

// echoIgnored lets a namespace answer no pings, or answer them. /proc/sys/net shows the namespace of the thread that looks.
func echoIgnored(value string) error {
	return os.WriteFile("/proc/thread-self/root/proc/sys/net/ipv4/icmp_echo_ignore_all", []byte(value), 0o644)
}

func (m *machine) serveTCP(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			_, _ = io.WriteString(c, m.name+"\n")
			_, _ = io.Copy(c, c)
		}()
	}
}

func (m *machine) serveUDP(l net.PacketConn) {
	buffer := make([]byte, 1500)
	for {
		_, from, err := l.ReadFrom(buffer)
		if err != nil {
			return
		}
		_, _ = l.WriteTo([]byte(m.name+"\n"), from)
	}
}

type connection struct {
	net.Conn
	in  *bufio.Reader
	who string
}

func open(netns, proto string, to netip.AddrPort) (*connection, error) {
	c := &connection{}
	err := within(netns, func() (err error) {
		c.Conn, err = net.DialTimeout(proto, to.String(), answerLimit)
		return err
	})
	if err != nil {
		return nil, err
	}
	c.in = bufio.NewReader(c.Conn)
	if proto == "udp" {
		_, err = io.WriteString(c, "who?")
	}
	if err == nil {
		c.who, err = c.line()
	}
	if err != nil {
		return nil, errors.Join(err, c.Conn.Close())
	}
	return c, nil
}

func (c *connection) line() (string, error) {
	if err := c.SetReadDeadline(time.Now().Add(answerLimit)); err != nil {
		return "", err
	}
	line, err := c.in.ReadString('\n')
	return strings.TrimSpace(line), err
}

func (c *connection) Who() string { return c.who }

func (c *connection) Alive() bool {
	if _, err := io.WriteString(c, "still\n"); err != nil {
		return false
	}
	line, err := c.line()
	return err == nil && line == "still"
}

func (c *connection) Close() { _ = c.Conn.Close() }

// bench is a host on OVN with two machines, two clients and a place for a balancer.
type bench struct {
	host    *host.Host
	engine  *haproxy.Engine
	dir     string
	fixture balancertest.Fixture
}

func newBench(t *testing.T) *bench {
	f := host.NewFabric(t)
	h := f.Host(t, "a")
	e, err := ovn.Open(t.Context(), ovn.Options{Endpoint: f.NBEndpoint})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	ctx := t.Context()
	gateway := netip.MustParseAddr("10.1.0.1")
	require.NoError(t, e.EnsureNetwork(ctx, spec.Network{UID: "n"}))
	require.NoError(t, e.EnsureSubnet(ctx, spec.Subnet{UID: "s", Network: "n", Prefix: netip.MustParsePrefix("10.1.0.0/24"), Gateway: gateway}))
	require.NoError(t, e.EnsureSecurityGroup(ctx, spec.SecurityGroup{UID: "g", Rules: []spec.Rule{{UID: "in", Direction: spec.Ingress}, {UID: "out", Direction: spec.Egress}}}))
	port := func(uid string, last byte) (mac string, a netip.Addr) {
		a, mac = netip.AddrFrom4([4]byte{10, 1, 0, last}), fmt.Sprintf("0a:00:0a:01:00:%02x", last)
		require.NoError(t, e.EnsurePort(ctx, spec.Port{UID: uid, Network: "n", Subnet: "s", MAC: mac, Addresses: []netip.Addr{a}, SecurityGroups: []string{"g"}}))
		return mac, a
	}
	attach := func(uid string, last byte) (string, netip.Addr) {
		mac, a := port(uid, last)
		return h.Port(t, uid, mac, a.String()+"/24", gateway.String(), uid).Netns(), a
	}
	b := &bench{host: h, dir: t.TempDir()}
	b.fixture.NIC = spec.NIC{Port: "vip", Addresses: []netip.Prefix{netip.MustParsePrefix("10.1.0.10/24")}, Gateway: gateway}
	b.fixture.NIC.MAC, _ = port("vip", 10)
	for i, name := range []string{"one", "two"} {
		m := &machine{name: name}
		m.netns, m.address = attach(name, byte(20+i))
		m.Start(t)
		t.Cleanup(func() { m.Stop(t) })
		if name == "one" {
			b.fixture.One = m
		} else {
			b.fixture.Two = m
		}
	}
	var clients []string
	for i := range 2 {
		netns, _ := attach(fmt.Sprintf("c%d", i), byte(30+i))
		clients = append(clients, netns)
	}
	b.fixture.Open = func(client int, proto string, to netip.AddrPort) (balancertest.Connection, error) {
		return open(clients[client], proto, to)
	}
	b.engine = b.open(t)
	b.fixture.Engine = b.engine
	return b
}

func (b *bench) open(t *testing.T) *haproxy.Engine {
	e, err := haproxy.Open(haproxy.Options{Dir: filepath.Join(b.dir, "balancers"), Runner: b.host.Runner()})
	require.NoError(t, err)
	return e
}

func TestSuite(t *testing.T) {
	b := newBench(t)
	balancertest.Suite(t, b.fixture)
	out, err := b.host.Run(t.Context(), "sh", "-c", "ip netns list; pgrep -a 'haproxy|nginx'; ovs-vsctl list-ports br-int | grep ^lb; ip -o link | grep ': lb'; true")
	require.NoError(t, err)
	require.Empty(t, out, "namespaces, programs or interfaces are left behind")
}

// TestMends kills what runs for a balancer, and lets another process take the folder over.
func TestMends(t *testing.T) {
	b := newBench(t)
	s := spec.Balancer{UID: "lb", NIC: b.fixture.NIC,
		Listeners: []spec.Listener{
			{UID: "t", Protocol: "tcp", Port: 80, Scheduler: spec.RoundRobin, TimeoutSeconds: 60, Pool: "p"},
			{UID: "u", Protocol: "udp", Port: 80, Scheduler: spec.RoundRobin, TimeoutSeconds: 60, Pool: "p"},
		},
		Pools: []spec.Pool{{UID: "p", Members: []spec.PoolMember{{UID: "m", Address: b.fixture.One.Address(), Port: balancertest.Port, Weight: 1}}}}}
	answers := func(after string) {
		t.Helper()
		for _, proto := range []string{"tcp", "udp"} {
			require.Eventually(t, func() bool {
				c, err := b.fixture.Open(0, proto, netip.MustParseAddrPort("10.1.0.10:80"))
				if err == nil {
					c.Close()
				}
				return err == nil
			}, 20*time.Second, 100*time.Millisecond, "%s after %s", proto, after)
		}
	}
	ctx := t.Context()
	require.NoError(t, b.engine.Ensure(ctx, s))
	answers("the start")
	for name, harm := range map[string]string{
		"the programs die": "pkill -KILL haproxy; pkill -KILL nginx; true", "the namespace goes": "pkill -KILL haproxy; pkill -KILL nginx; ip netns del lb-lb", "the port goes": "ovs-vsctl del-port $(ovs-vsctl list-ports br-int | grep ^lb)",
	} {
		_, err := b.host.Run(ctx, "sh", "-c", harm)
		require.NoError(t, err, name)
		another := b.open(t)
		require.NoError(t, another.Ensure(ctx, s), name)
		answers(name)
	}
	held, err := b.fixture.Open(0, "tcp", netip.MustParseAddrPort("10.1.0.10:80"))
	require.NoError(t, err)
	require.NoError(t, b.open(t).Ensure(ctx, s))
	require.True(t, held.Alive(), "another process that finds all as wanted touches nothing")
	held.Close()
	require.NoError(t, b.engine.Remove(ctx, "lb"))
}
