package libvirt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	golibvirt "github.com/digitalocean/go-libvirt"
	"github.com/google/uuid"
	"libvirt.org/go/libvirtxml"
)

// libvirt takes no snapshots of the disks of a running machine inside their files without its memory; QEMU's own commands do.

// SnapshotDisks takes a snapshot of those disks that a running machine has open, and tells which they are. Its guest rests for that moment if there are several,
// so that no write comes between them.
func (e *Engine) SnapshotDisks(ctx context.Context, name string, paths []string) (done []string, err error) {
	err = e.call(ctx, func(l *golibvirt.Libvirt) error {
		done = nil
		return eachRunning(l, func(d golibvirt.Domain, live libvirtxml.Domain) error {
			var here []string
			for _, disk := range live.Devices.Disks {
				if path := sourcePath(disk); slices.Contains(paths, path) {
					here = append(here, path)
				}
			}
			if len(here) == 0 {
				return nil
			}
			if err := e.snapshot(l, d, name, here); err != nil {
				return fmt.Errorf("libvirt: snapshot of %s: %w", live.UUID, err)
			}
			done = append(done, here...)
			return nil
		})
	})
	return done, err
}

// RemoveDiskSnapshot removes a snapshot from a disk that a running machine has open. It tells false if none has.
func (e *Engine) RemoveDiskSnapshot(ctx context.Context, name, path string) (done bool, err error) {
	err = e.call(ctx, func(l *golibvirt.Libvirt) error {
		done = false
		return eachRunning(l, func(d golibvirt.Domain, live libvirtxml.Domain) error {
			if !slices.ContainsFunc(live.Devices.Disks, func(disk libvirtxml.DomainDisk) bool { return sourcePath(disk) == path }) {
				return nil
			}
			nodes, err := diskNodes(l, d)
			if err != nil {
				return err
			}
			done = true
			return qmp(l, d, "blockdev-snapshot-delete-internal-sync", map[string]any{"device": nodes[path], "name": name}, nil)
		})
	})
	return done, err
}

// eachRunning calls do for every running domain.
func eachRunning(l *golibvirt.Libvirt, do func(golibvirt.Domain, libvirtxml.Domain) error) error {
	domains, _, err := l.ConnectListAllDomains(1, golibvirt.ConnectListDomainsActive)
	if err != nil {
		return err
	}
	for _, d := range domains {
		live, err := readDomain(l, d, 0)
		if isCode(err, golibvirt.ErrNoDomain) {
			continue
		}
		if err == nil {
			err = do(d, live)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) snapshot(l *golibvirt.Libvirt, d golibvirt.Domain, name string, paths []string) error {
	nodes, err := diskNodes(l, d)
	if err != nil {
		return err
	}
	var actions []any
	for _, path := range paths {
		if nodes[path] == "" {
			return fmt.Errorf("QEMU does not know the disk %s", path)
		}
		actions = append(actions, map[string]any{"type": "blockdev-snapshot-internal-sync", "data": map[string]any{"device": nodes[path], "name": name}})
	}
	take := func() error { return qmp(l, d, "transaction", map[string]any{"actions": actions}, nil) }
	if len(paths) == 1 {
		return take()
	}
	return e.resting(l, d, take)
}

// resting does something while a guest rests. A note that outlives a crash lets Open wake the guest up.
func (e *Engine) resting(l *golibvirt.Libvirt, d golibvirt.Domain, do func() error) error {
	code, _, err := l.DomainGetState(d, 0)
	if err != nil {
		return err
	}
	if golibvirt.DomainState(code) == golibvirt.DomainPaused {
		return do() // it rests already, and whoever made it rest will wake it up
	}
	note := filepath.Join(e.rests(), uuid.UUID(d.UUID).String())
	if err := os.WriteFile(note, nil, 0o600); err != nil {
		return err
	}
	if err := l.DomainSuspend(d); err != nil {
		return errors.Join(err, wake(l, d, note))
	}
	return errors.Join(do(), wake(l, d, note))
}

// wake lets a guest go on that we made rest. The note stays until it does.
func wake(l *golibvirt.Libvirt, d golibvirt.Domain, note string) error {
	if err := l.DomainResume(d); err != nil && !isCode(err, golibvirt.ErrOperationInvalid, golibvirt.ErrNoDomain) {
		return err
	}
	return os.Remove(note)
}

func (e *Engine) rests() string { return filepath.Join(e.config.StateDir, "resting") }

// wakeAll wakes up the guests that rest since this program was killed in the middle of a snapshot.
func (e *Engine) wakeAll(ctx context.Context) error {
	notes, err := os.ReadDir(e.rests())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, n := range notes {
		id, broken := uuid.Parse(n.Name())
		if broken != nil {
			continue
		}
		note := filepath.Join(e.rests(), n.Name())
		err = errors.Join(err, e.call(ctx, func(l *golibvirt.Libvirt) error {
			d, err := l.DomainLookupByUUID(golibvirt.UUID(id))
			if isCode(err, golibvirt.ErrNoDomain) {
				return os.Remove(note)
			}
			if err != nil {
				return err
			}
			return wake(l, d, note)
		}))
	}
	return err
}

// diskNodes tells by which name QEMU knows a running machine's disks, by path.
func diskNodes(l *golibvirt.Libvirt, d golibvirt.Domain) (map[string]string, error) {
	var devices []struct {
		Inserted struct {
			Node string `json:"node-name"`
			File string `json:"file"`
		} `json:"inserted"`
	}
	if err := qmp(l, d, "query-block", nil, &devices); err != nil {
		return nil, err
	}
	nodes := map[string]string{}
	for _, v := range devices {
		path, err := nodePath(v.Inserted.File)
		if err != nil {
			return nil, err
		}
		if path != "" {
			nodes[path] = v.Inserted.Node
		}
	}
	return nodes, nil
}

// nodePath reads the name that QEMU gives a disk: its path, or, if that would not say all of it (as with a backing file that is named apart), "json:" and its options.
func nodePath(name string) (string, error) {
	options, described := strings.CutPrefix(name, "json:")
	if !described {
		return name, nil
	}
	var o struct {
		File struct {
			Name string `json:"filename"`
		} `json:"file"`
	}
	err := json.Unmarshal([]byte(options), &o)
	return o.File.Name, err
}

// qmp runs one of QEMU's own commands.
func qmp(l *golibvirt.Libvirt, d golibvirt.Domain, command string, arguments, into any) error {
	request := map[string]any{"execute": command}
	if arguments != nil {
		request["arguments"] = arguments
	}
	text, err := json.Marshal(request)
	if err != nil {
		return err
	}
	answer, err := l.QEMUDomainMonitorCommand(d, string(text), 0)
	if err != nil {
		return err
	}
	var found struct {
		Return json.RawMessage `json:"return"`
		Error  *struct {
			Description string `json:"desc"`
		} `json:"error"`
	}
	if err := json.Unmarshal([]byte(answer), &found); err != nil {
		return fmt.Errorf("QEMU's answer to %s: %w", command, err)
	}
	if found.Error != nil {
		return fmt.Errorf("QEMU refuses %s: %s", command, found.Error.Description)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(found.Return, into)
}
