package storetest

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/stretchr/testify/require"

	"edgecloud/store"
)

// cluster is this test binary's PostgreSQL.
type cluster struct {
	dir       string
	stdin     io.WriteCloser // while it is open, the cluster lives
	admin     *sql.DB
	mu        sync.Mutex
	templates map[string]string
	next      atomic.Int64
}

var (
	once     sync.Once
	one      *cluster
	startErr error
)

// supervise starts PostgreSQL and ends it, with all its files, when the standard input ends: the kernel closes that however the test binary ends.
const supervise = `
cd / && "$1/initdb" -D "$2/data" -U edgecloud -A trust -E UTF8 --locale=C --no-sync >"$2/initdb.log" 2>&1 || exit 1
"$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c wal_level=minimal \
  -c max_wal_senders=0 -c shared_buffers=16MB -c max_connections=200 -c autovacuum=off -c jit=off -c max_wal_size=256MB >"$2/postgres.log" 2>&1 &
pid=$!
read -r _
kill -QUIT $pid
wait $pid
rm -rf "$2"
`

// start starts the cluster.
func start() (*cluster, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		return nil, fmt.Errorf("PostgreSQL's server programs are missing in /usr/lib/postgresql/*/bin: apt-get install postgresql")
	}
	bin := filepath.Dir(slices.Max(found))
	dir, err := os.MkdirTemp("/tmp", "edgecloud-pg-") // not TMPDIR: a socket's path is at most 107 bytes
	if err != nil {
		return nil, err
	}
	c := &cluster{dir: dir, templates: map[string]string{}}
	cmd := exec.Command("/bin/sh", "-c", supervise, "edgecloud-pg", bin, dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt at the terminal must not end it before it has cleaned up
	if err := c.unprivileged(cmd); err != nil {
		return nil, err
	}
	if c.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting PostgreSQL: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	if c.admin, err = sql.Open("pgx", c.dsn("postgres")); err != nil {
		return nil, err
	}
	return c, c.ready(ended)
}

// unprivileged lets PostgreSQL, which refuses root, run as the user postgres.
func (c *cluster) unprivileged(cmd *exec.Cmd) error {
	if os.Geteuid() != 0 {
		return nil
	}
	who, err := user.Lookup("postgres")
	if err != nil {
		return fmt.Errorf("PostgreSQL does not run as root, and there is no user postgres (apt-get install postgresql): %w", err)
	}
	uid, _ := strconv.Atoi(who.Uid)
	gid, _ := strconv.Atoi(who.Gid)
	cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return os.Chown(c.dir, uid, gid)
}

// ready waits until the cluster answers.
func (c *cluster) ready(ended <-chan error) error {
	deadline := time.NewTimer(2 * time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if c.admin.Ping() == nil {
			return nil
		}
		select {
		case err := <-ended:
			return fmt.Errorf("PostgreSQL ended at once (%v): see %s/*.log", err, c.dir)
		case <-deadline.C:
			return fmt.Errorf("PostgreSQL did not answer within 2 min: see %s/*.log", c.dir)
		case <-tick.C:
		}
	}
}

func (c *cluster) dsn(database string) string {
	return "postgres:///" + database + "?" + url.Values{"host": {c.dir}, "user": {"edgecloud"}}.Encode()
}

// fresh makes a database with the tables of the migrations and gives its address. It is dropped when the test ends.
func fresh(t testing.TB, migrations []store.MigrationSet) string {
	t.Helper()
	once.Do(func() { one, startErr = start() })
	require.NoError(t, startErr, "a real PostgreSQL is needed for this test")
	template, err := one.template(migrations)
	require.NoError(t, err)
	name := fmt.Sprintf("test_%d", one.next.Add(1))
	_, err = one.admin.Exec("CREATE DATABASE " + name + " TEMPLATE " + template)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := one.admin.Exec("DROP DATABASE " + name + " WITH (FORCE)")
		require.NoError(t, err)
	})
	return one.dsn(name)
}

// Address makes an empty PostgreSQL database, without any table, for tests of opening itself.
func Address(t testing.TB) string { return fresh(t, nil) }

// template gives a database that the migrations have been applied to, to copy from.
func (c *cluster) template(migrations []store.MigrationSet) (string, error) {
	if len(migrations) == 0 {
		return "template0", nil
	}
	hash := sha256.New()
	for _, set := range migrations {
		for _, m := range set.Migrations {
			fmt.Fprintf(hash, "%s %s %q\n", set.Package, m.Name, m.SQL)
		}
	}
	key := string(hash.Sum(nil))
	c.mu.Lock()
	defer c.mu.Unlock()
	if name, ok := c.templates[key]; ok {
		return name, nil
	}
	name := fmt.Sprintf("template_%d", len(c.templates)+10)
	if _, err := c.admin.Exec("CREATE DATABASE " + name + " TEMPLATE template0"); err != nil {
		return "", err
	}
	db, err := store.Open(context.Background(), store.Config{DSN: c.dsn(name), Migrations: migrations})
	if err != nil {
		return "", err
	}
	if err := db.Close(); err != nil {
		return "", err
	}
	c.templates[key] = name
	return name, nil
}
