package onebox

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"edgecloud/control"
	"edgecloud/engine/daemons"
)

// detachTime is how long a cloud may take to be ready: real hosts start their daemons and build an image.
const detachTime = 5 * time.Minute

// Detach starts this program with args as a process of its own session, and waits until the cloud on dir is ready. It writes to the folder's edgecloud.log.
func Detach(ctx context.Context, dir string, args []string) (*control.Env, error) {
	if pid, err := control.Running(dir); err == nil {
		return nil, fmt.Errorf("%w: %s, process %d", control.ErrRunning, dir, pid)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	out, err := os.OpenFile(filepath.Join(dir, logFile), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program, args...) // its life is not that of ctx
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = out, out, &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var env *control.Env
	var died error
	err = daemons.WaitFor(ctx, detachTime, "the cloud to be ready", func() (err error) {
		select {
		case died = <-ended:
			cancel()
			return fmt.Errorf("it ended: %w", died)
		default:
		}
		if pid, err := control.Running(dir); err != nil || pid != cmd.Process.Pid {
			return fmt.Errorf("it is starting")
		}
		env, err = control.ReadEnv(dir)
		return err
	})
	if err != nil {
		text, _ := os.ReadFile(filepath.Join(dir, logFile)) // only to say why
		return nil, fmt.Errorf("%w\n%s", err, strings.TrimSpace(string(text)))
	}
	return env, nil
}
