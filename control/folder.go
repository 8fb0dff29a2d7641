package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Files of a data folder.
const (
	pidFile   = "edgecloud.pid" // locked while a centre runs; holds its process ID
	stateFile = "edgecloud.json"
	envFile   = "edgecloud.env"
	dbFile    = "edgecloud.db"
	keyFile   = "master.key"
	filesName = "files"
	seriesDir = "series"
)

// Names lists all that a centre ever writes into its data folder, so that uninstalling touches nothing else. The lock comes last.
func Names() []string {
	return []string{envFile, stateFile, dbFile, dbFile + "-wal", dbFile + "-shm", keyFile, filesName, seriesDir, clusterKeys, caFile, caKeyFile, certFile, certKeyFile, pidFile}
}

// DSN is the address of a folder's own database.
func DSN(dir string) string { return "sqlite:" + filepath.Join(dir, dbFile) }

// KeyPath is the key file that seals a folder's secrets.
func KeyPath(dir string) string { return filepath.Join(dir, keyFile) }

// FilesDir is where a folder's image files lie, by their SHA-256.
func FilesDir(dir string) string { return filepath.Join(dir, filesName) }

// SeriesDir is where a folder's time series lie.
func SeriesDir(dir string) string { return filepath.Join(dir, seriesDir) }

// State is what a centre remembers of how it was started, so that the next start is the same.
type State struct {
	Engine string         `json:"engine"` // what its hosts are: sim, real, or remote for a centre alone
	Listen string         `json:"listen"` // as it was asked for; port 0 means "any"
	Ports  map[string]int `json:"ports"`  // of every listener
	Domain string         `json:"domain"`
}

// LoadState reads what a data folder remembers; the zero State if there is nothing.
func LoadState(dir string) (State, error) {
	var s State
	text, err := os.ReadFile(filepath.Join(dir, stateFile))
	if errors.Is(err, os.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		return s, fmt.Errorf("read the state of %s: %w", dir, err)
	}
	return s, nil
}

func (s State) save(dir string) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return ReplaceFile(filepath.Join(dir, stateFile), append(text, '\n'), 0o600)
}

// ReplaceFile writes a file so that a reader sees the old text or the new one.
func ReplaceFile(path string, text []byte, mode os.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when all went well
	err = f.Chmod(mode)
	if err == nil {
		_, err = f.Write(text)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// ErrRunning is returned when a cloud runs on the folder already.
var ErrRunning = errors.New("an edgecloud runs on this data folder already")

// ErrNotRunning is returned when none does.
var ErrNotRunning = errors.New("no edgecloud runs on this data folder")

// Lock takes the data folder for this process. The kernel frees it when the process ends, however that happens.
func Lock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, pidFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		text, _ := io.ReadAll(f)
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w: %s, process %s", ErrRunning, dir, strings.TrimSpace(string(text)))
		}
		return nil, err
	}
	err = f.Truncate(0)
	if err == nil {
		_, err = f.WriteString(strconv.Itoa(os.Getpid()) + "\n")
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Running gives the process that runs a cloud on the folder, or ErrNotRunning.
func Running(dir string) (pid int, err error) {
	f, err := os.OpenFile(filepath.Join(dir, pidFile), os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return 0, fmt.Errorf("%w: %s", ErrNotRunning, dir)
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil { // closing the file gives the lock back
		return 0, fmt.Errorf("%w: %s", ErrNotRunning, dir)
	}
	if !errors.Is(err, syscall.EWOULDBLOCK) {
		return 0, err
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return 0, err
	}
	pid, err = strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("%s holds no process ID: %w", pidFile, err)
	}
	return pid, nil
}
