package haproxy

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"edgecloud/link/spec"
)

// Backends of these names check the members of a pool; those of the listeners follow what they find.
const poolPrefix = "pool-"

// fullWeight is what every member with a weight has where the scheduler does not heed it.
const fullWeight = 100

func weight(s spec.Scheduler, m spec.PoolMember) int {
	if m.Weight == 0 || s == spec.RoundRobin {
		return m.Weight
	}
	return fullWeight
}

// tcpConfig is HAProxy's configuration: the TCP listeners, and the checks of all pools.
func tcpConfig(s spec.Balancer) []byte {
	var b bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# Made by edgecloud for balancer %s.", s.UID)
	line("global")
	line("  no strict-limits")
	line("  stats socket unix@stats.sock mode 600 level admin expose-fd listeners")
	line("  server-state-file servers.state")
	if needsScripts(s) {
		line("  external-check")
		line("  insecure-fork-wanted")
	}
	line("defaults")
	line("  mode tcp")
	line("  timeout connect 5s")
	line("  timeout client 1m")
	line("  timeout server 1m")
	line("  load-server-state-from-file global")
	// HAProxy does not start without a listener, and a balancer may have none.
	line("listen idle")
	line("  bind unix@idle.sock mode 600")
	for _, p := range s.Pools {
		writePool(line, p)
	}
	pools := poolsOf(s)
	for _, l := range s.Listeners {
		if l.Protocol == "tcp" {
			writeListener(line, s, l, pools[l.Pool])
		}
	}
	return b.Bytes()
}

func poolsOf(s spec.Balancer) map[string]spec.Pool {
	pools := map[string]spec.Pool{}
	for _, p := range s.Pools {
		pools[p.UID] = p
	}
	return pools
}

func writePool(line func(string, ...any), p spec.Pool) {
	line("backend %s%s", poolPrefix, p.UID)
	c := p.Check
	check := ""
	if c.Protocol != "" {
		line("  timeout check %ds", c.TimeoutSeconds)
		check = fmt.Sprintf(" check inter %ds fall %d rise %d", c.IntervalSeconds, c.Fall, c.Rise)
		if c.Port > 0 {
			check += fmt.Sprintf(" port %d", c.Port)
		}
	}
	switch c.Protocol {
	case "http":
		line("  option httpchk")
		host := ""
		if c.Host != "" {
			host = " hdr Host " + c.Host
		}
		line("  http-check send meth GET uri %s ver HTTP/1.1%s hdr Connection close", c.Path, host)
		line("  http-check expect rstatus %s", c.Statuses)
	case "udp", "icmp":
		line("  option external-check")
		line("  external-check path /usr/sbin:/usr/bin:/sbin:/bin")
		line("  external-check command ./%s", checkScript(p.UID))
	}
	for _, m := range p.Members {
		line("  server %s %s weight %d%s", m.UID, hostPort(m), m.Weight, check)
	}
}

func writeListener(line func(string, ...any), s spec.Balancer, l spec.Listener, p spec.Pool) {
	line("listen listener-%s", l.UID)
	for _, a := range s.NIC.Addresses {
		line("  bind %s", hostPort(spec.PoolMember{Address: a.Addr(), Port: l.Port}))
	}
	line("  timeout client %ds", l.TimeoutSeconds)
	line("  timeout server %ds", l.TimeoutSeconds)
	switch l.Scheduler {
	case spec.LeastConnections:
		line("  balance leastconn")
	case spec.SourceHash:
		line("  balance source")
		line("  hash-type consistent")
	default:
		line("  balance roundrobin")
	}
	for _, m := range p.Members {
		follow := ""
		if p.Check.Protocol != "" {
			follow = fmt.Sprintf(" track %s%s/%s", poolPrefix, p.UID, m.UID)
		}
		line("  server %s %s weight %d%s", m.UID, hostPort(m), weight(l.Scheduler, m), follow)
	}
}

func hostPort(m spec.PoolMember) string {
	if m.Address.Is6() {
		return fmt.Sprintf("[%s]:%d", m.Address, m.Port)
	}
	return fmt.Sprintf("%s:%d", m.Address, m.Port)
}

func needsScripts(s spec.Balancer) bool {
	for _, p := range s.Pools {
		if p.Check.Protocol == "udp" || p.Check.Protocol == "icmp" {
			return true
		}
	}
	return false
}

func checkScript(pool string) string { return "check-" + pool }

// writeChecks writes the programs that HAProxy calls for checks that it cannot make: with the address and port of the member as third and fourth argument
// (Configuration Manual, "external-check command"). What a UDP check sends lies in a file beside, so that nothing of a tenant is ever read as a command.
func (p place) writeChecks(s spec.Balancer) error {
	for _, pool := range s.Pools {
		c := pool.Check
		var script string
		switch c.Protocol {
		case "icmp":
			script = fmt.Sprintf("#!/bin/sh\nexec ping -n -q -c 1 -W %d \"$3\" >/dev/null 2>&1\n", c.TimeoutSeconds)
		case "udp":
			port := `"$4"`
			if c.Port > 0 {
				port = fmt.Sprint(c.Port)
			}
			name := checkScript(pool.UID)
			// Without a string only a closed port is a failure, for which read fails at once; silence ends in another status.
			say, judge := fmt.Sprintf("cat ./%s.send >&3", name), ""
			if c.Send == "" {
				say, judge = "echo >&3", "[ $? -ne 1 ]\n"
			}
			script = fmt.Sprintf("#!/bin/bash\nLC_ALL=C\nexec 3<>/dev/udp/\"$3\"/%s 2>/dev/null || exit 1\n%s\nread -r -t %d -N 1 -u 3 _\n%s", port, say, c.TimeoutSeconds, judge)
			if err := writeIfOther(filepath.Join(p.dir, name+".send"), c.Send, 0o600); err != nil {
				return err
			}
		default:
			continue
		}
		if err := writeIfOther(filepath.Join(p.dir, checkScript(pool.UID)), script, 0o700); err != nil {
			return err
		}
	}
	return nil
}

// writeIfOther replaces a file that may be run at this moment.
func writeIfOther(path, content string, mode os.FileMode) error {
	if before, err := os.ReadFile(path); err == nil && string(before) == content {
		return nil
	}
	if err := os.WriteFile(path+".next", []byte(content), mode); err != nil {
		return err
	}
	return os.Rename(path+".next", path)
}

func hasUDP(s spec.Balancer) bool {
	for _, l := range s.Listeners {
		if l.Protocol == "udp" {
			return true
		}
	}
	return false
}

// udpConfig is nginx's configuration: the UDP listeners with those members that the checks have not found unhealthy.
func udpConfig(s spec.Balancer, health []spec.MemberHealth) []byte {
	sick := map[string]bool{}
	for _, h := range health {
		sick[h.Pool+"/"+h.Member] = !h.Healthy
	}
	var b bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# Made by edgecloud for balancer %s.", s.UID)
	line("load_module /usr/lib/nginx/modules/ngx_stream_module.so;")
	line("user root;")
	line("pid nginx.pid;")
	line("worker_processes 1;")
	line("events { worker_connections 4096; }")
	line("stream {")
	line("  server { listen unix:alive.sock; return $pid; }")
	pools := poolsOf(s)
	for _, l := range s.Listeners {
		if l.Protocol == "udp" {
			writeUDP(line, s, l, pools[l.Pool], sick)
		}
	}
	line("}")
	return b.Bytes()
}

// writeUDP leaves a listener out for which nobody is left: who asks is told that the port is closed.
func writeUDP(line func(string, ...any), s spec.Balancer, l spec.Listener, p spec.Pool, sick map[string]bool) {
	var servers []string
	for _, m := range p.Members {
		if w := weight(l.Scheduler, m); w > 0 && !sick[p.UID+"/"+m.UID] {
			servers = append(servers, fmt.Sprintf("    server %s weight=%d max_fails=0;", hostPort(m), w))
		}
	}
	if len(servers) == 0 {
		return
	}
	line("  upstream listener-%s {", l.UID)
	switch l.Scheduler {
	case spec.LeastConnections:
		line("    least_conn;")
	case spec.SourceHash:
		line("    hash $remote_addr consistent;")
	}
	line("%s", strings.Join(servers, "\n"))
	line("  }")
	line("  server {")
	for _, a := range s.NIC.Addresses {
		line("    listen %s udp;", hostPort(spec.PoolMember{Address: a.Addr(), Port: l.Port}))
	}
	line("    proxy_timeout %ds;", l.TimeoutSeconds)
	line("    proxy_pass listener-%s;", l.UID)
	line("  }")
}
