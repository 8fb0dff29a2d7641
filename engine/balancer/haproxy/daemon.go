package haproxy

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"edgecloud/engine/daemons"
	"edgecloud/link/spec"
)

// askLimit bounds a question to a program that runs on this host.
const askLimit = 3 * time.Second

// daemon is one program of a balancer.
type daemon struct {
	place
	name       string
	config     string
	pidfile    string
	socket     string // on which it answers, in its folder
	check      func(config string) []string
	start      []string
	reload     string // the signal that makes it read its configuration again
	generation func() string
	keep       func() error // before a reload
}

// alive tells whether it answers.
func (d daemon) alive() bool { return d.generation() != "" }

func (p place) haproxy() daemon {
	return daemon{
		place: p, name: "haproxy", config: filepath.Join(p.dir, "haproxy.cfg"), pidfile: filepath.Join(p.dir, "haproxy.pid"), socket: "stats.sock", reload: "USR2",
		check: func(config string) []string { return []string{"haproxy", "-c", "-C", p.dir, "-f", config} },
		start: []string{"haproxy", "-W", "-D", "-C", p.dir, "-f", filepath.Join(p.dir, "haproxy.cfg"), "-p", filepath.Join(p.dir, "haproxy.pid")},
		generation: func() string {
			info, err := ask(p.dir, "stats.sock", "show info")
			if err != nil {
				return ""
			}
			for _, line := range strings.Split(info, "\n") {
				if pid, ok := strings.CutPrefix(line, "Pid: "); ok {
					return pid
				}
			}
			return ""
		},
		keep: func() error {
			state, err := ask(p.dir, "stats.sock", "show servers state")
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(p.dir, "servers.state"), []byte(state), 0o600)
		},
	}
}

func (p place) nginx() daemon {
	return daemon{
		place: p, name: "nginx", config: filepath.Join(p.dir, "nginx.conf"), pidfile: filepath.Join(p.dir, "nginx.pid"), socket: "alive.sock", reload: "HUP",
		check: func(config string) []string {
			return []string{"nginx", "-t", "-q", "-p", p.dir, "-e", "nginx.log", "-c", config}
		},
		start: []string{"nginx", "-p", p.dir, "-e", "nginx.log", "-c", filepath.Join(p.dir, "nginx.conf")},
		generation: func() string {
			pid, err := ask(p.dir, "alive.sock", "")
			if err != nil {
				return ""
			}
			return pid
		},
	}
}

// inside is a command in the balancer's namespace and folder: the programs name their sockets from there, since the path of a socket may not be long.
func (e *Engine) inside(d daemon, args []string) []string {
	return append([]string{"ip", "netns", "exec", d.namespace, "env", "-C", d.dir}, args...)
}

func (e *Engine) signal(ctx context.Context, d daemon, signal string) error {
	pid, err := os.ReadFile(d.pidfile)
	if err != nil {
		return err
	}
	if _, err := daemons.Run(ctx, e.runner, "kill", "-"+signal, strings.TrimSpace(string(pid))); err != nil {
		return fmt.Errorf("signal %s: %w", d.name, err)
	}
	return nil
}

func (e *Engine) stop(ctx context.Context, d daemon) error {
	if err := e.signal(ctx, d, "QUIT"); err != nil {
		return err
	}
	return os.Remove(d.config)
}

// ask says a line to a socket in a folder, whose path may be longer than a socket's may, and gives the answer.
func ask(dir, socket, line string) (string, error) {
	folder, err := os.Open(dir)
	if err != nil {
		return "", err
	}
	defer folder.Close()
	c, err := net.DialTimeout("unix", fmt.Sprintf("/proc/self/fd/%d/%s", folder.Fd(), socket), askLimit)
	if err != nil {
		return "", err
	}
	defer c.Close()
	defer time.AfterFunc(askLimit, func() { _ = c.Close() }).Stop()
	if line != "" {
		if _, err := io.WriteString(c, line+"\n"); err != nil {
			return "", err
		}
	}
	answer, err := io.ReadAll(c)
	return string(answer), err
}

// health reads what HAProxy's checks have found.
func (p place) health() ([]spec.MemberHealth, error) {
	answer, err := ask(p.dir, "stats.sock", "show stat -1 4 -1")
	if err != nil {
		return nil, fmt.Errorf("ask haproxy for the health of members: %w", err)
	}
	return parseHealth(answer)
}

// parseHealth reads HAProxy's CSV statistics (Management Guide, section 9.1): proxy, server and status of the servers in the backends that check.
func parseHealth(answer string) (found []spec.MemberHealth, err error) {
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(strings.TrimSpace(answer), "# ")))
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	columns := map[string]int{}
	for i, name := range rows[0] {
		columns[name] = i
	}
	status, ok := columns["status"]
	if !ok {
		return nil, fmt.Errorf("haproxy's statistics have no status: %q", rows[0])
	}
	for _, row := range rows[1:] {
		if len(row) <= status {
			continue
		}
		if pool, ok := strings.CutPrefix(row[0], poolPrefix); ok && row[status] != "no check" {
			found = append(found, spec.MemberHealth{Pool: pool, Member: row[1], Healthy: strings.HasPrefix(row[status], "UP") || strings.HasPrefix(row[status], "DRAIN")})
		}
	}
	return found, nil
}
