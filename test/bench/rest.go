package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"edgecloud/control"
	"edgecloud/onebox"
)

const (
	calm    = 10 * time.Second // after the start, before the look at a cloud at rest
	resting = 20 * time.Second // of looking
)

// up is `edgecloud up --engine sim` until standard input ends.
func up(dir string) error {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // its end is what counts
		cancel()
	}()
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	return onebox.Up(ctx, onebox.Options{Options: control.Options{Dir: dir, Listen: "127.0.0.1:0", PlainHTTP: true, Logger: log}})
}

// atRest measures the start and a cloud without work: the time to the first signed answer, the memory, and the processor time.
func atRest(t *table, dir string) (err error) {
	dir = filepath.Join(dir, "up")
	process := exec.Command("/proc/self/exe", "-up", dir)
	process.Stderr = os.Stderr
	input, err := process.StdinPipe()
	if err != nil {
		return err
	}
	start := time.Now()
	if err := process.Start(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, input.Close(), process.Wait()) }()
	if err := firstAnswer(dir); err != nil {
		return err
	}
	t.atMost("start of up --engine sim to the first signed answer", "ms", float64(time.Since(start).Microseconds())/1000, 350)
	time.Sleep(calm)
	before, err := timeOf(process.Process.Pid)
	if err != nil {
		return err
	}
	time.Sleep(resting)
	after, err := timeOf(process.Process.Pid)
	if err != nil {
		return err
	}
	bytes, err := resident(process.Process.Pid)
	t.atMost("memory at rest", "MB", float64(bytes)/1e6, 80)
	t.atMost("processor time at rest, of one core", "%", 100*(after-before).Seconds()/resting.Seconds(), 0.5)
	return err
}

// firstAnswer asks until the cloud answers a signed request.
func firstAnswer(dir string) error {
	deadline := time.Now().Add(timeout)
	for {
		env, err := control.ReadEnv(dir)
		if err == nil {
			_, err = newClient(env.BEC, env.AccessKey, env.SecretKey).call("GET", "/v2/vm/instance", "maxKeys=1", nil)
		}
		if err == nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(time.Millisecond)
	}
}

// timeOf is the processor time of another process, in steps of its scheduler's accounting.
func timeOf(pid int) (sum time.Duration, err error) {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		return 0, err
	}
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if err != nil {
			return 0, err
		}
		var ns int64
		if _, err := fmt.Sscan(string(text), &ns); err != nil {
			return 0, err
		}
		sum += time.Duration(ns)
	}
	return sum, nil
}
