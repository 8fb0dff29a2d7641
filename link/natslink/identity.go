package natslink

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/nkeys"

	"edgecloud/link/protocol"
)

// Identity is an enrolled host and its key.
type Identity struct {
	protocol.Joined
	key nkeys.KeyPair
}

// Files of an agent's folder.
const (
	keyFile      = "nkey"
	identityFile = "identity"
)

// PublicKey is the host's nkey.
func (i Identity) PublicKey() (string, error) { return i.key.PublicKey() }

// Dialer reaches the centre as the enrolment said.
func (i Identity) Dialer() (Dialer, error) {
	config, err := Trust(i.CA)
	return Dialer{URL: i.URL, TLS: config}, err
}

// Key reads the agent's nkey seed from DIR/nkey, or makes it there.
func Key(dir string) (nkeys.KeyPair, error) {
	return keyAt(filepath.Join(dir, keyFile), nkeys.CreateUser)
}

func keep(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("natslink: %w", err)
	}
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("natslink: %w", err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	return err
}

// Load gives the identity that Join kept; fs.ErrNotExist before that.
func Load(dir string) (Identity, error) {
	data, err := os.ReadFile(filepath.Join(dir, identityFile))
	if err != nil {
		return Identity{}, err
	}
	j, err := decode[protocol.Joined](data)
	if err != nil {
		return Identity{}, err
	}
	key, err := Key(dir)
	return Identity{Joined: j, key: key}, err
}

// Local keeps the identity of a host that the control plane enrols itself (link.Service.Enrol), with the key in dir.
func Local(dir, host, site string) (Identity, error) {
	key, err := Key(dir)
	if err != nil {
		return Identity{}, err
	}
	return remember(dir, key, protocol.Joined{Host: host, Site: site})
}

// Forget removes a host's key and identity, so that the machine can join as a new host.
func Forget(dir string) error {
	var errs []error
	for _, name := range []string{identityFile, keyFile} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func remember(dir string, key nkeys.KeyPair, j protocol.Joined) (Identity, error) {
	data, err := json.Marshal(j)
	if err != nil {
		return Identity{}, err
	}
	return Identity{Joined: j, key: key}, keep(filepath.Join(dir, identityFile), data)
}

// addresses joins where the host has reached the centre with where the centre says it is: the first is proven, the others may be better one day.
func addresses(reached, told string) string {
	all := strings.Split(reached, ",")
	for one := range strings.SplitSeq(told, ",") {
		if one != "" && !strings.Contains(","+reached+",", ","+one+",") {
			all = append(all, one)
		}
	}
	return strings.Join(all, ",")
}
