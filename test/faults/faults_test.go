// Package faults kills the real program at random moments while clients use it, and demands that nothing is lost, doubled or left.
package faults

import (
	"context"
	"crypto/aes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/baidubce/bce-sdk-go/bce"
	"github.com/baidubce/bce-sdk-go/http"
	"github.com/baidubce/bce-sdk-go/services/bec"
	"github.com/stretchr/testify/require"

	"edgecloud/cloud/check"
	"edgecloud/control"
	"edgecloud/controlplane"
	"edgecloud/store"
)

var (
	seed       = flag.Uint64("seed", 0, "draws the operations and the moments of the kills; 0: a new one")
	operations = flag.Int("operations", 200, "how many operations")
)

// program is the real binary on one data folder.
type program struct {
	t      *testing.T
	rng    *rand.Rand
	binary string
	data   string
	cmd    *exec.Cmd
	exited chan struct{}
	client *bec.Client
	tokens int
	last   error // of a call
	lost   int   // answers that did not come
	kills  int

	password string // of guests, as BEC wants it: AES-128-ECB with the first half of the secret key, in hex
}

func (p *program) start() {
	p.cmd = exec.Command(p.binary, "up", "--engine", "sim", "--data", p.data, "--listen", "127.0.0.1:0")
	log, err := os.OpenFile(filepath.Join(p.t.TempDir(), "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(p.t, err)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	require.NoError(p.t, p.cmd.Start())
	require.NoError(p.t, log.Close())
	p.exited = make(chan struct{})
	go func(c *exec.Cmd, done chan struct{}) { _ = c.Wait(); close(done) }(p.cmd, p.exited)
	p.await("the program's edgecloud.env", func() bool {
		env, err := control.ReadEnv(p.data)
		if err != nil || env.BEC == "" {
			return false
		}
		p.client, err = bec.NewClient(env.AccessKey, env.SecretKey, env.BEC)
		if err != nil {
			return false
		}
		plain := []byte("Good#Pass1" + "\x06\x06\x06\x06\x06\x06")
		block, err := aes.NewCipher([]byte(env.SecretKey)[:len(plain)])
		require.NoError(p.t, err)
		block.Encrypt(plain, plain)
		p.password = hex.EncodeToString(plain)
		p.client.Config.Retry = bce.NewNoRetryPolicy()
		_, err = p.call(http.GET, "/v2/vpc", nil, nil)
		return err == nil
	})
}

func (p *program) kill() {
	_ = p.cmd.Process.Signal(syscall.SIGKILL)
	<-p.exited
}

func (p *program) await(what string, reached func() bool) {
	p.t.Helper()
	deadline, tick := time.After(time.Minute), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for !reached() { // on this goroutine, since looking may also start the program again
		select {
		case <-deadline:
			p.t.Fatalf("%s did not come within a minute; the last error: %v", what, p.last)
		case <-tick.C:
		}
	}
}

func (p *program) call(method, path string, query map[string]string, body any) (map[string]any, error) {
	out := map[string]any{}
	b := bce.NewRequestBuilder(p.client).WithMethod(method).WithURL(path).WithQueryParams(query).WithResult(&out)
	if body != nil {
		b = b.WithBody(body)
	}
	err := b.Do()
	if errors.Is(err, io.EOF) { // the SDK's decoder met an answer without a body, which is how BEC answers a deletion
		err = nil
	}
	p.last = err
	return out, err
}

// change makes a change with a token, and again with the same one as long as no answer comes.
func (p *program) change(method, path string, query map[string]string, body any) (out map[string]any, err error) {
	p.tokens++
	all := map[string]string{"clientToken": fmt.Sprint("token-", p.tokens)}
	maps.Copy(all, query)
	p.await("an answer to "+method+" "+path, func() bool {
		out, err = p.call(method, path, all, body)
		var refused *bce.BceServiceError
		if err == nil || errors.As(err, &refused) && refused.StatusCode < 500 {
			return true
		}
		p.lost++
		select {
		case <-p.exited:
			p.start()
		default:
		}
		return false
	})
	return out, err
}

func TestKilledAtAnyMoment(t *testing.T) {
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	t.Logf("again: go test ./test/faults -run TestKilledAtAnyMoment -seed %d (the moments of the kills depend on the machine's speed too)", *seed)
	binary := filepath.Join(t.TempDir(), "edgecloud")
	out, err := exec.Command("go", "build", "-o", binary, "edgecloud/cmd/edgecloud").CombinedOutput()
	require.NoError(t, err, string(out))
	p := &program{t: t, rng: rand.New(rand.NewPCG(*seed, 1)), binary: binary, data: t.TempDir()}
	p.start()
	defer func() { p.kill() }()
	live := map[string]bool{}
	for n := range *operations {
		if p.rng.IntN(8) == 0 {
			victim, exited := p.cmd.Process, p.exited
			p.kills++
			time.AfterFunc(time.Duration(p.rng.IntN(30))*time.Millisecond, func() {
				select {
				case <-exited:
				default:
					_ = victim.Signal(syscall.SIGKILL)
				}
			})
		}
		p.operate(n, live)
	}
	p.settle(live)
	for _, id := range slices.Sorted(maps.Keys(live)) {
		_, err := p.change(http.DELETE, "/v2/vm/instance/"+id, nil, nil)
		require.NoError(t, err)
	}
	p.settle(map[string]bool{})
	p.kill()
	p.check()
	t.Logf("%d operations, %d kills, %d lost answers", *operations, p.kills, p.lost)
}

func (p *program) operate(n int, live map[string]bool) {
	ids := slices.Sorted(maps.Keys(live))
	if len(ids) == 0 || n%3 == 0 && len(ids) < 40 {
		out, err := p.change(http.POST, "/v2/vm/instance", nil, map[string]any{"imageId": "Debian 12 64bit", "cpuCount": 1, "memoryCapacityInGB": 1, "rootDiskSizeInGb": 40,
			"adminPass": p.password, "networkCapacityInMbps": 5, "billing": map[string]any{"paymentTiming": "Postpaid"},
			"deployInstances": []any{map[string]any{"regionId": "cn-hangzhou-cm", "purchaseCount": 1}}})
		require.NoError(p.t, err)
		for _, i := range out["instances"].([]any) {
			live[i.(map[string]any)["instanceId"].(string)] = true
		}
		return
	}
	id := ids[p.rng.IntN(len(ids))]
	path := "/v2/vm/instance/" + id
	verbs := []string{"stop", "start", "reboot"}
	if p.rng.IntN(5) == 0 {
		_, err := p.change(http.DELETE, path, nil, nil)
		require.NoError(p.t, err)
		delete(live, id)
		return
	}
	_, _ = p.change(http.PUT, path, map[string]string{verbs[p.rng.IntN(3)]: ""}, map[string]any{"forceStop": true}) // 409 in most states
}

// settle waits until exactly the wanted instances are there, all at rest.
func (p *program) settle(want map[string]bool) {
	var last []string // what keeps it from being settled
	defer func() {
		if p.t.Failed() {
			p.kill()
			p.t.Log("at last:", last, p.findings())
		}
	}()
	p.await("exactly the instances that were accepted, at rest", func() bool {
		select {
		case <-p.exited:
			p.start()
		default:
		}
		out, err := p.call(http.GET, "/v2/vm/instance", map[string]string{"maxKeys": "1000"}, nil)
		if err != nil {
			return false
		}
		last = nil
		missing := maps.Clone(want)
		all, _ := out["instances"].([]any)
		for _, i := range all {
			o := i.(map[string]any)
			id, status := fmt.Sprint(o["id"]), fmt.Sprint(o["status"])
			delete(missing, id)
			if !want[id] || !slices.Contains([]string{"RUNNING", "STOPPED"}, status) {
				last = append(last, fmt.Sprintf("%s is %s, wanted: %t", id, status, want[id]))
			}
		}
		for id := range missing {
			last = append(last, id+" is missing")
		}
		return len(last) == 0
	})
}

// check demands that the database of the dead program is in order.
func (p *program) check() { require.Empty(p.t, p.findings()) }

// findings opens the database that the dead program left.
func (p *program) findings() (all []check.Finding) {
	ctx := context.Background()
	db, err := store.Open(ctx, store.Config{DSN: "sqlite:" + filepath.Join(p.data, "edgecloud.db"), Migrations: controlplane.Migrations(), Logger: slog.New(slog.DiscardHandler)})
	require.NoError(p.t, err)
	defer func() { require.NoError(p.t, db.Close()) }()
	for _, look := range []func(context.Context, *store.DB) ([]check.Finding, error){check.Rows, check.Settled} {
		found, err := look(ctx, db)
		require.NoError(p.t, err)
		all = append(all, found...)
	}
	return all
}
