package seed_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/kdomanski/iso9660"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"edgecloud/fault"
	"edgecloud/guest/seed"
)

func good() seed.Seed {
	return seed.Seed{InstanceID: "i-1", Hostname: "web-1", SSHKeys: []string{"ssh-ed25519 AAAA me"}, PasswordHash: "$6$salt$hash", UserData: []byte("#!/bin/sh\necho hi\n"),
		Network: []seed.NIC{{MAC: "02:00:00:00:00:01", DHCP4: true}, {MAC: "02:00:00:00:00:02", Addresses: []string{"10.0.0.5/24"}, Gateway4: "10.0.0.1", Nameservers: []string{"1.1.1.1"}}}}
}

func read(t *testing.T, data []byte) map[string]string {
	t.Helper()
	img, err := iso9660.OpenImage(bytes.NewReader(data))
	require.NoError(t, err)
	label, err := img.Label()
	require.NoError(t, err)
	require.Equal(t, "cidata", label)
	root, err := img.RootDir()
	require.NoError(t, err)
	children, err := root.GetChildren()
	require.NoError(t, err)
	files := map[string]string{}
	for _, c := range children {
		text, err := io.ReadAll(c.Reader())
		require.NoError(t, err)
		files[c.Name()] = string(text)
	}
	return files
}

func TestBuildReadsBack(t *testing.T) {
	data, err := seed.Build(good())
	require.NoError(t, err)
	files := read(t, data)
	require.Len(t, files, 4)
	require.Equal(t, "#!/bin/sh\necho hi\n", files["user-data"])
	var meta map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(files["meta-data"]), &meta))
	require.Equal(t, map[string]any{"instance-id": "i-1", "local-hostname": "web-1", "public-keys": []any{"ssh-ed25519 AAAA me"}}, meta)
	require.Contains(t, files["vendor-data"], "$6$salt$hash")
	var net map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(files["network-config"]), &net))
	nic1 := net["ethernets"].(map[string]any)["nic1"].(map[string]any)
	require.Equal(t, "10.0.0.1", nic1["gateway4"])
	require.Equal(t, []any{"10.0.0.5/24"}, nic1["addresses"])
	require.NotContains(t, nic1, "dhcp4-overrides")
}

func TestASecondNICsRoutesComeAfterTheFirsts(t *testing.T) {
	s := good()
	s.Network[1] = seed.NIC{MAC: "02:00:00:00:00:02", DHCP4: true, Metric: 200}
	data, err := seed.Build(s)
	require.NoError(t, err)
	var net struct {
		Ethernets map[string]struct {
			Overrides map[string]int `yaml:"dhcp4-overrides"`
		}
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, data)["network-config"]), &net))
	require.Empty(t, net.Ethernets["nic0"].Overrides)
	require.Equal(t, map[string]int{"route-metric": 200}, net.Ethernets["nic1"].Overrides)
}

func TestBuildIsDeterministic(t *testing.T) {
	first, err := seed.Build(good())
	require.NoError(t, err)
	second, err := seed.Build(good())
	require.NoError(t, err)
	require.Equal(t, first, second)
	require.Equal(t, "0000000000000000\x00", string(first[16*2048+813:16*2048+830]))
}

func TestBuildNamesTheBadField(t *testing.T) {
	cases := map[string]func(*seed.Seed){
		"instance_id":             func(s *seed.Seed) { s.InstanceID = "" },
		"hostname":                func(s *seed.Seed) { s.Hostname = "a b" },
		"user":                    func(s *seed.Seed) { s.User = "Root User" },
		"password_hash":           func(s *seed.Seed) { s.PasswordHash = "secret" },
		"ssh_keys[0]":             func(s *seed.Seed) { s.SSHKeys = []string{"a\nb"} },
		"network[0].mac":          func(s *seed.Seed) { s.Network[0].MAC = "02:00" },
		"network[1].addresses[0]": func(s *seed.Seed) { s.Network[1].Addresses = []string{"10.0.0.5"} },
		"network[1].gateway4":     func(s *seed.Seed) { s.Network[1].Gateway4 = "gw" },
		"network[0].mtu":          func(s *seed.Seed) { s.Network[0].MTU = 10 },
	}
	for field, spoil := range cases {
		t.Run(field, func(t *testing.T) {
			s := good()
			spoil(&s)
			_, err := seed.Build(s)
			var f *fault.Fault
			require.True(t, errors.As(err, &f), "%v", err)
			require.Equal(t, fault.Invalid, f.Kind)
			require.Equal(t, field, f.Field)
		})
	}
}
