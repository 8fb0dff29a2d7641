package seed

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"regexp"
	"strings"

	"github.com/kdomanski/iso9660"

	"edgecloud/fault"
)

// Seed is what a guest learns at its first boot.
type Seed struct {
	InstanceID   string   // a new one makes cloud-init run again
	Hostname     string   // RFC 1123 label or name
	SSHKeys      []string // authorized_keys lines of the login user
	User         string   // who gets the password and keys; root if empty
	PasswordHash string   // sha512crypt ("$6$..."); empty leaves the password locked
	UserData     []byte   // as the tenant wrote it: a script, cloud-config, or gzip; empty is fine
	Network      []NIC
}

// NIC is one interface's configuration.
type NIC struct {
	MAC         string // how the guest finds the interface
	DHCP4       bool
	DHCP6       bool
	Addresses   []string // with prefix length: "192.168.0.5/24"
	Gateway4    string
	Gateway6    string
	Nameservers []string
	MTU         int // 0: the guest's own choice
	Metric      int // of routes learned by DHCP; 0: the guest's own choice
}

var (
	hostname = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$`)
	macAddr  = regexp.MustCompile(`^[0-9a-f]{2}(:[0-9a-f]{2}){5}$`)
	userName = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)
)

// Build gives the drive's bytes. A bad field is an Invalid fault.
func Build(s Seed) ([]byte, error) {
	files, err := s.checked()
	if err != nil {
		return nil, err
	}
	return image(files)
}

// Text gives the drive's files one after the other, without the file system around them: for hosts whose guests read nothing, and which only need to know
// whether a drive is another. A bad field is an Invalid fault.
func Text(s Seed) ([]byte, error) {
	files, err := s.checked()
	if err != nil {
		return nil, err
	}
	var text []byte
	for _, f := range files {
		text = fmt.Appendf(text, "%s %d\n%s\n", f.name, len(f.data), f.data)
	}
	return text, nil
}

func (s Seed) checked() ([]file, error) {
	if s.User == "" {
		s.User = "root"
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	return s.files()
}

func (s Seed) check() error {
	if s.InstanceID == "" || strings.ContainsAny(s.InstanceID, "\n\r") {
		return fault.BadField("instance_id", "one line is needed")
	}
	if !hostname.MatchString(s.Hostname) {
		return fault.BadField("hostname", "%q is no host name", s.Hostname)
	}
	if !userName.MatchString(s.User) {
		return fault.BadField("user", "%q is no user name", s.User)
	}
	if s.PasswordHash != "" && (!strings.HasPrefix(s.PasswordHash, "$6$") || strings.ContainsAny(s.PasswordHash, ":\n\r")) {
		return fault.BadField("password_hash", "a sha512crypt hash ($6$...) is needed")
	}
	for i, key := range s.SSHKeys {
		if strings.TrimSpace(key) == "" || strings.ContainsAny(strings.TrimSpace(key), "\n\r") {
			return fault.BadField(fmt.Sprintf("ssh_keys[%d]", i), "one line is needed")
		}
	}
	for i, nic := range s.Network {
		if err := nic.check(fmt.Sprintf("network[%d]", i)); err != nil {
			return err
		}
	}
	return nil
}

func (n NIC) check(field string) error {
	if !macAddr.MatchString(n.MAC) {
		return fault.BadField(field+".mac", "%q is no lower-case MAC address", n.MAC)
	}
	for i, address := range n.Addresses {
		if _, err := netip.ParsePrefix(address); err != nil {
			return fault.BadField(fmt.Sprintf("%s.addresses[%d]", field, i), "%q is no address with a prefix length", address)
		}
	}
	single := map[string][]string{".nameservers": n.Nameservers}
	if n.Gateway4 != "" {
		single[".gateway4"] = []string{n.Gateway4}
	}
	if n.Gateway6 != "" {
		single[".gateway6"] = []string{n.Gateway6}
	}
	for name, list := range single {
		for _, address := range list {
			if _, err := netip.ParseAddr(address); err != nil {
				return fault.BadField(field+name, "%q is no address", address)
			}
		}
	}
	if n.MTU != 0 && (n.MTU < 576 || n.MTU > 65535) {
		return fault.BadField(field+".mtu", "%d is not in 576..65535", n.MTU)
	}
	return nil
}

// file is one file of the drive, in the order written.
type file struct {
	name string
	data []byte
}

func image(files []file) (data []byte, err error) {
	w, err := iso9660.NewWriter()
	if err != nil {
		return nil, err
	}
	defer func() {
		if cerr := w.Cleanup(); err == nil {
			err = cerr
		}
	}()
	for _, f := range files {
		if err := w.AddFile(bytes.NewReader(f.data), f.name); err != nil {
			return nil, fmt.Errorf("add %s: %w", f.name, err)
		}
	}
	var buf bytes.Buffer
	if err := w.WriteTo(io.Writer(&buf), "cidata"); err != nil {
		return nil, err
	}
	data = buf.Bytes()
	return data, clearTimes(data)
}

// ISO 9660 (ECMA-119 8.4): the primary volume descriptor is sector 16; its four timestamps of 17 bytes begin at byte 813.
const (
	descriptor = 16 * 2048
	timesAt    = descriptor + 813
	timesLen   = 4 * 17
)

// clearTimes writes "not specified" (ECMA-119 8.4.26.1) over the time of writing, which the library takes from the machine.
func clearTimes(data []byte) error {
	if len(data) < descriptor+2048 || string(data[descriptor+1:descriptor+6]) != "CD001" {
		return fmt.Errorf("no primary volume descriptor")
	}
	unset := append(bytes.Repeat([]byte("0"), 16), 0)
	copy(data[timesAt:timesAt+timesLen], bytes.Repeat(unset, 4))
	return nil
}
