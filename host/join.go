package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"edgecloud/link/natslink"
	"edgecloud/link/spec"
)

// JoinOptions say how a machine becomes a host.
type JoinOptions struct {
	Dir     string // of the host
	URL     string // tls://HOST:PORT of the centre's link, several with commas
	Token   string // the join token
	CAFile  string // authority of the centre, if neither the token nor the system knows it
	Name    string // of the host; empty: what the token says, or the machine's own
	Version string // of the program
	Replace bool   // join as a new host although the machine has an identity
}

// joinTime bounds a join: an operator waits for it.
const joinTime = 10 * time.Second

// Join enrols the machine: it makes its key, gives the token away for an identity, and keeps both in Dir. After a crash or a lost answer it can be repeated with
// the same token.
func Join(ctx context.Context, o JoinOptions) (natslink.Identity, error) {
	if err := o.check(); err != nil {
		return natslink.Identity{}, err
	}
	old, err := natslink.Load(o.Dir)
	switch {
	case err == nil && !o.Replace:
		return old, fmt.Errorf("the machine is host %s of site %s already (%s); --replace gives that up and joins as a new host", old.Host, old.Site, o.Dir)
	case err == nil:
		if err := leave(o.Dir, old); err != nil {
			return old, err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return old, err
	}
	d := natslink.Dialer{URL: o.URL}
	if o.CAFile != "" {
		if d.TLS, err = trustFile(o.CAFile); err != nil {
			return old, err
		}
	}
	name, err := nameOr(o.Name)
	if err != nil {
		return old, err
	}
	ctx, cancel := context.WithTimeout(ctx, joinTime)
	defer cancel()
	return natslink.Join(ctx, d, o.Dir, o.Token, spec.HostFacts{Name: name, Version: o.Version})
}

func (o JoinOptions) check() error {
	if o.URL == "" {
		return errors.New("--url: where is the centre's link? edgecloud admin host enrol prints the whole command")
	}
	for one := range strings.SplitSeq(o.URL, ",") {
		if !strings.HasPrefix(one, "tls://") {
			return fmt.Errorf("--url %s: must be tls://HOST:PORT, several with commas", o.URL)
		}
	}
	if o.Token == "" {
		return errors.New("--token: edgecloud admin host enrol gives one out")
	}
	return nil
}

// leave puts the past of another identity aside. What runs on the machine stays, and is reported as orphans.
func leave(dir string, old natslink.Identity) error {
	if err := os.Rename(filepath.Join(dir, ledgerName), filepath.Join(dir, ledgerName+"-of-"+old.Host)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return natslink.Forget(dir)
}

// nameOr gives a name, or the machine's own.
func nameOr(name string) (string, error) {
	if name != "" {
		return name, nil
	}
	name, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("--name: the machine does not know its own: %w", err)
	}
	return name, nil
}
