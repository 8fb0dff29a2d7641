package onebox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"edgecloud/engine/daemons"
)

// Down stops the cloud that runs on a data folder and waits for its end. What it made stays, and real guests run on.
func Down(ctx context.Context, dir string, limit time.Duration) error {
	pid, err := Running(dir)
	if err != nil {
		return err
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop process %d: %w", pid, err)
	}
	return daemons.WaitFor(ctx, limit, fmt.Sprintf("end of process %d", pid), func() error {
		if _, err := Running(dir); errors.Is(err, ErrNotRunning) {
			return nil
		}
		return ErrRunning
	})
}

// ErrNoCloud is returned for a folder in which no cloud was ever started.
var ErrNoCloud = errors.New("there is no edgecloud in this data folder")

// Uninstall stops the cloud and removes everything that it made, on the machine and in its folder. Files of others in the folder stay, and are told.
func Uninstall(ctx context.Context, dir string, limit time.Duration) (left []string, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	state, err := LoadState(dir)
	if err != nil {
		return nil, err
	}
	if state.Engine == "" {
		return nil, fmt.Errorf("%w: %s", ErrNoCloud, dir)
	}
	if err := Down(ctx, dir, limit); err != nil && !errors.Is(err, ErrNotRunning) {
		return nil, err
	}
	held, err := lock(dir) // so that nobody starts it meanwhile
	if err != nil {
		return nil, err
	}
	defer held.Close()
	if state.Engine == EngineReal {
		if err := removeReal(ctx, dir); err != nil {
			return nil, err
		}
	}
	return removeOwn(dir)
}

func removeOwn(dir string) (left []string, err error) {
	for _, name := range ownNames() {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return nil, err
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		left = append(left, filepath.Join(dir, e.Name()))
	}
	if len(left) == 0 {
		err = os.Remove(dir)
	}
	return left, err
}
