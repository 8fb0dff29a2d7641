package doctor

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// What a cloud needs on its disk.
const (
	needSim  = 1 << 30
	needReal = 20 << 30
)

// checkFolder looks at the nearest folder that exists on the way to the data folder.
func checkFolder(_ context.Context, c Config) []Finding {
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return bad("data", Fail, "Name another folder by --data.", "%v", err)
	}
	for {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	if err := unix.Access(dir, unix.W_OK|unix.X_OK); err != nil {
		return bad("data", Fail, "Name a folder that you may write by --data, or run as root.", "%s cannot be written: %v", dir, err)
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return bad("disk", Fail, "Name another folder by --data.", "%s: %v", dir, err)
	}
	free, need := int64(fs.Bavail)*fs.Bsize, int64(needSim)
	if c.Real {
		need = needReal
	}
	if free < need {
		return bad("disk", Fail, "Free some space, or name a folder on a larger disk by --data.", "%.1f GiB free at %s; %d GiB are needed", gib(free), dir, need>>30)
	}
	return ok("disk", "%.1f GiB free at %s", gib(free), dir)
}

func gib(n int64) float64 { return float64(n) / (1 << 30) }

func checkPorts(_ context.Context, c Config) []Finding {
	host, port, err := net.SplitHostPort(c.Listen)
	first, failed := strconv.Atoi(port)
	if err != nil || failed != nil {
		return bad("ports", Fail, "Give --listen as ADDRESS:PORT.", "%q is no address", c.Listen)
	}
	if c.Uses {
		return ok("ports", "a cloud runs on the data folder and holds its ports")
	}
	var all []Finding
	for i := 0; i <= c.Doors && first != 0; i++ {
		address := net.JoinHostPort(host, strconv.Itoa(first+i))
		l, err := net.Listen("tcp", address)
		switch {
		case err == nil:
			_ = l.Close() // it was only to see
		case i == 0:
			all = append(all, bad("ports", Fail, "Stop what listens there (ss -ltnp), or choose another by --listen.", "%s: %v", address, err)...)
		default:
			all = append(all, bad("ports", Warn, "Nothing: another port is taken for that dialect, and kept from then on.", "%s: %v", address, err)...)
		}
	}
	if len(all) == 0 {
		return ok("ports", "%s and the %d after it are free", c.Listen, c.Doors)
	}
	return all
}

// programTime is before any machine that runs this program: a clock behind it was never set.
var programTime = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

func checkClock(context.Context, Config) []Finding {
	if now := time.Now(); now.Before(programTime) {
		return bad("clock", Fail, "Set the clock: requests are signed with the time (date -s, chronyc makestep).", "it says %s", now.Format(time.RFC3339))
	}
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return bad("clock", Warn, "See that something keeps the clock right (apt-get install chrony).", "the kernel does not tell whether it is kept: %v", err)
	}
	if state == unix.TIME_ERROR || t.Status&unix.STA_UNSYNC != 0 {
		return bad("clock", Warn, "Install something that keeps it: apt-get install chrony. Clients whose clock differs by minutes are refused.", "nothing keeps it synchronized")
	}
	return ok("clock", "kept synchronized")
}

// wantFiles is for 25,000 connections; fewFiles for a handful of clients.
const (
	wantFiles = 65536
	fewFiles  = 1024
)

func checkFiles(context.Context, Config) []Finding {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return bad("open files", Warn, "See ulimit -n.", "%v", err)
	}
	switch {
	case l.Max < fewFiles:
		return bad("open files", Fail, "Raise it: ulimit -n 65536, or LimitNOFILE= in the unit.", "at most %d", l.Max)
	case l.Max < wantFiles:
		return bad("open files", Warn, "For thousands of hosts raise it: LimitNOFILE=1048576 in the unit.", "at most %d", l.Max)
	}
	return ok("open files", "up to %d", l.Max)
}

func checkRoot(context.Context, Config) []Finding {
	if os.Geteuid() != 0 {
		return bad("root", Fail, "Run as root, or use --engine sim.", "real engines need root")
	}
	return ok("root", "yes")
}

func checkTun(context.Context, Config) []Finding {
	f, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
	if err != nil {
		return bad("tun", Fail, "modprobe tun; in a container, give it /dev/net/tun and CAP_NET_ADMIN.", "guests get no network: %v", err)
	}
	_ = f.Close() // it was only to see
	return ok("tun", "/dev/net/tun opens")
}

func missingFile(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, os.ErrNotExist)
}
