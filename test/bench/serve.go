package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	_ "net/http/pprof" // served on the side listener
	"os"
	"syscall"
	"time"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/operation"
	"edgecloud/engine/sim"
	"edgecloud/onebox"
	"edgecloud/store"
)

const (
	site   = "cn-hangzhou-cm"
	flavor = "bec.g4.c1m4"
	hosts  = 4
)

// access is how the measuring process reaches the cloud; the cloud's process writes it to its standard output when it is ready.
type access struct {
	URL, Side, Key, Secret, KeyPair string

	IEC iecAccess
}

// usage is what the cloud's process has used so far.
type usage struct {
	CPU       time.Duration
	Resident  int64 // bytes
	Unsettled int   // operations under way
	Failed    int   // operations that failed
}

// serve runs the cloud until its standard input ends. Its hosts are as large as needed.
func serve(dir string) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	capacity := sim.Capacity{VCPUs: 1 << 20, MemoryMiB: 1 << 40, DiskBytes: 1 << 58, Arch: "x86_64"}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	box, err := onebox.Open(ctx, onebox.Config{Dir: dir, Sim: &onebox.Sim{Sites: []string{site}, Hosts: hosts, Capacity: capacity}, Logger: log})
	if err != nil {
		return err
	}
	door := httptest.NewServer(box.Control.Door("bec"))
	http.HandleFunc("/usage", func(w http.ResponseWriter, r *http.Request) {
		u, err := used(r.Context(), box.Control.DB)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(u) // the reader notices
	})
	side := httptest.NewServer(nil)
	done := make(chan error, 1)
	go func() { done <- box.Run(ctx) }()
	iecDoor := httptest.NewServer(box.Control.Door("iec"))
	a, err := furnish(ctx, box)
	if err == nil {
		a.URL, a.Side, a.IEC.URL = door.URL, side.URL, iecDoor.URL
		err = json.NewEncoder(os.Stdout).Encode(a)
	}
	if err == nil {
		_, err = io.Copy(io.Discard, os.Stdin)
	}
	side.Close()
	door.Close()
	iecDoor.Close()
	cancel()
	return errors.Join(err, <-done, box.Close())
}

// furnish makes what cannot be made through BEC's door.
func furnish(ctx context.Context, box *onebox.Box) (a access, err error) {
	admin := box.Admin
	caller := &identity.Caller{Account: admin.Account.UID, User: admin.User.UID, Role: identity.Admin, Operator: true, Dialect: "bench", Operation: "furnish"}
	pair, _, err := box.Control.Compute.CreateKeyPair(ctx, caller, "bench")
	if err != nil {
		return a, err
	}
	a = access{Key: admin.Key.ID, Secret: admin.Key.Secret, KeyPair: "k-" + pair.Slug}
	a.IEC, err = iecGround(ctx, box, caller)
	return a, err
}

func used(ctx context.Context, db *store.DB) (u usage, err error) {
	if u.CPU, err = processorTime(); err != nil {
		return u, err
	}
	if u.Resident, err = resident(os.Getpid()); err != nil {
		return u, err
	}
	err = db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		count := func(s operation.Status) (int, error) {
			return tx.NewSelect().Model((*operation.Operation)(nil)).Where("status = ?", s).Count(ctx)
		}
		if u.Unsettled, err = count(operation.Running); err != nil {
			return err
		}
		u.Failed, err = count(operation.Failed)
		return err
	})
	return u, err
}

// processorTime is what this process has used, in all its threads.
func processorTime() (time.Duration, error) {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0, err
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano()), nil
}

// resident is a process's memory in bytes.
func resident(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, err
	}
	var size, pages int64
	if _, err := fmt.Sscan(string(text), &size, &pages); err != nil {
		return 0, err
	}
	return pages * int64(os.Getpagesize()), nil
}
