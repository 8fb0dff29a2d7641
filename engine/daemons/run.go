package daemons

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// Runner makes commands that run where the daemons live: in a Namespace, or on the machine itself (Direct).
type Runner interface {
	// Command prepares a command; args[0] is the program.
	Command(ctx context.Context, args ...string) *exec.Cmd
}

// Direct runs commands on the machine itself.
type Direct struct{}

// Command implements Runner.
func (Direct) Command(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, args[0], args[1:]...)
}

// Run runs a command to its end and returns what it wrote to its standard output, without the last newline. The error quotes its standard error.
func Run(ctx context.Context, r Runner, args ...string) (string, error) {
	return run(r.Command(ctx, args...), args)
}

// Script runs a bash script that stops at its first failing command.
func Script(ctx context.Context, r Runner, script string) (string, error) {
	cmd := r.Command(ctx, "bash", "-e")
	cmd.Stdin = strings.NewReader(script)
	return run(cmd, []string{"bash script", firstLine(script)})
}

func run(cmd *exec.Cmd, args []string) (string, error) {
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	// A daemon that detaches may keep our pipes open: do not wait for them for ever.
	cmd.WaitDelay = 2 * time.Second
	if err := cmd.Run(); err != nil {
		return strings.TrimSpace(out.String()), fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(errs.String()+" "+out.String()))
	}
	return strings.TrimRight(out.String(), "\n"), nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

// WaitFor polls until check returns nil, and returns its last error when the time is over. A level is waited for, never an edge.
func WaitFor(ctx context.Context, limit time.Duration, what string, check func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: not within %s: %w", what, limit, err)
		case <-tick.C:
		}
	}
}
