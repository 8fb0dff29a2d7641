package seed

import (
	"fmt"

	"gopkg.in/yaml.v3"
)

type metaData struct {
	InstanceID string   `yaml:"instance-id"`
	Hostname   string   `yaml:"local-hostname"`
	Keys       []string `yaml:"public-keys,omitempty"`
}

type vendorData struct {
	SSHPasswordAuth bool     `yaml:"ssh_pwauth"`
	DisableRoot     bool     `yaml:"disable_root"`
	Passwords       *chpass  `yaml:"chpasswd,omitempty"`
	SystemInfo      *sysInfo `yaml:"system_info,omitempty"`
}

type sysInfo struct {
	DefaultUser struct {
		Name string `yaml:"name"`
	} `yaml:"default_user"`
}

type chpass struct {
	Expire bool       `yaml:"expire"`
	Users  []password `yaml:"users"`
}

type password struct {
	Name     string `yaml:"name"`
	Password string `yaml:"password"`
	Type     string `yaml:"type"`
}

type network struct {
	Version   int                 `yaml:"version"`
	Ethernets map[string]ethernet `yaml:"ethernets"`
}

type ethernet struct {
	Match       match        `yaml:"match"`
	DHCP4       bool         `yaml:"dhcp4"`
	DHCP6       bool         `yaml:"dhcp6"`
	MTU         int          `yaml:"mtu,omitempty"`
	Addresses   []string     `yaml:"addresses,omitempty"`
	Gateway4    string       `yaml:"gateway4,omitempty"`
	Gateway6    string       `yaml:"gateway6,omitempty"`
	Nameservers *nameservers `yaml:"nameservers,omitempty"`
	Overrides   *overrides   `yaml:"dhcp4-overrides,omitempty"`
}

type overrides struct {
	RouteMetric int `yaml:"route-metric"`
}

type match struct {
	MAC string `yaml:"macaddress"`
}

type nameservers struct {
	Addresses []string `yaml:"addresses"`
}

// files are those of cloud-init's NoCloud data source. What the cloud sets (password) is vendor data, so that the tenant's user data wins.
func (s Seed) files() ([]file, error) {
	vendor := vendorData{SSHPasswordAuth: s.PasswordHash != ""}
	if s.PasswordHash != "" {
		vendor.Passwords = &chpass{Users: []password{{Name: s.User, Password: s.PasswordHash, Type: "hash"}}}
	}
	vendor.SystemInfo = &sysInfo{}
	vendor.SystemInfo.DefaultUser.Name = s.User
	user := s.UserData
	if len(user) == 0 {
		user = []byte("#cloud-config\n{}\n")
	}
	var failed error
	text := func(v any) []byte {
		data, err := yaml.Marshal(v)
		if err != nil {
			failed = err
		}
		return data
	}
	files := []file{
		{"meta-data", text(metaData{s.InstanceID, s.Hostname, s.SSHKeys})},
		{"user-data", user},
		{"vendor-data", append([]byte("#cloud-config\n"), text(vendor)...)},
	}
	if len(s.Network) > 0 {
		files = append(files, file{"network-config", text(s.network())})
	}
	return files, failed
}

func (s Seed) network() network {
	cfg := network{Version: 2, Ethernets: map[string]ethernet{}}
	for i, nic := range s.Network {
		e := ethernet{Match: match{nic.MAC}, DHCP4: nic.DHCP4, DHCP6: nic.DHCP6, MTU: nic.MTU, Addresses: nic.Addresses, Gateway4: nic.Gateway4, Gateway6: nic.Gateway6}
		if nic.Metric > 0 {
			e.Overrides = &overrides{nic.Metric}
		}
		if len(nic.Nameservers) > 0 {
			e.Nameservers = &nameservers{nic.Nameservers}
		}
		cfg.Ethernets[fmt.Sprintf("nic%d", i)] = e
	}
	return cfg
}
