package seed_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/fault"
	"edgecloud/guest/seed"
)

func TestTextDiffersAsTheDriveDoes(t *testing.T) {
	one := seed.Seed{InstanceID: "i-1", Hostname: "one", SSHKeys: []string{"ssh-ed25519 AAAA"}, Network: []seed.NIC{{MAC: "fa:00:00:00:00:01", DHCP4: true}}}
	text, err := seed.Text(one)
	require.NoError(t, err)
	again, err := seed.Text(one)
	require.NoError(t, err)
	require.Equal(t, text, again)
	for name, change := range map[string]func(*seed.Seed){
		"epoch": func(s *seed.Seed) { s.InstanceID = "i-2" }, "name": func(s *seed.Seed) { s.Hostname = "two" }, "keys": func(s *seed.Seed) { s.SSHKeys = nil },
		"data": func(s *seed.Seed) { s.UserData = []byte("#!/bin/sh\n") }, "network": func(s *seed.Seed) { s.Network = nil },
	} {
		other := one
		change(&other)
		text2, err := seed.Text(other)
		require.NoError(t, err)
		require.NotEqual(t, string(text), string(text2), name)
	}
	_, err = seed.Text(seed.Seed{InstanceID: "i-1", Hostname: "-"})
	require.True(t, fault.Is(err, fault.Invalid))
}
