package onebox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"edgecloud/control"
	"edgecloud/engine/daemons"
)

// Down stops the cloud that runs on a data folder and waits for its end. What it made stays, and real guests run on.
func Down(ctx context.Context, dir string, limit time.Duration) error {
	pid, err := control.Running(dir)
	if err != nil {
		return err
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop process %d: %w", pid, err)
	}
	return daemons.WaitFor(ctx, limit, fmt.Sprintf("end of process %d", pid), func() error {
		if _, err := control.Running(dir); errors.Is(err, control.ErrNotRunning) {
			return nil
		}
		return control.ErrRunning
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
	state, err := control.LoadState(dir)
	if err != nil {
		return nil, err
	}
	if state.Engine == "" {
		return nil, fmt.Errorf("%w: %s", ErrNoCloud, dir)
	}
	if err := Down(ctx, dir, limit); err != nil && !errors.Is(err, control.ErrNotRunning) {
		return nil, err
	}
	held, err := control.Lock(dir) // so that nobody starts it meanwhile
	if err != nil {
		return nil, err
	}
	defer held.Close()
	if state.Engine == control.EngineReal {
		if err := removeReal(ctx, dir); err != nil {
			return nil, err
		}
	}
	return removeOwn(dir)
}

// What a one-machine cloud has in its folder beside the centre's files (control.Names).
const (
	logFile   = "edgecloud.log" // of a detached cloud
	worldName = "world"
	hostName  = "host"
	imageName = "images"
)

func ownNames() []string { return []string{worldName, hostName, imageName, logFile} }

func removeOwn(dir string) (left []string, err error) {
	for _, name := range append(ownNames(), control.Names()...) {
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
