package onebox

import (
	"net/netip"
	"strconv"

	"edgecloud/guest/seed"
	"edgecloud/link/spec"
)

// seedOf builds what an instance's guest reads at boot. The instance ID carries the first-boot epoch, so that a reinstalled guest starts afresh.
func seedOf(s spec.Instance) ([]byte, error) {
	n := seed.Seed{InstanceID: s.UID + "-" + strconv.FormatInt(s.Guest.Epoch, 10), Hostname: s.Guest.Hostname, SSHKeys: s.Guest.SSHKeys, User: s.Guest.User,
		PasswordHash: s.Guest.PasswordHash, UserData: s.Guest.UserData}
	if n.User == "Administrator" {
		n.User = "" // cloudbase-init knows who that is
	}
	for _, nic := range s.NICs {
		n.Network = append(n.Network, nicOf(nic))
	}
	return seed.Build(n)
}

func nicOf(n spec.NIC) seed.NIC {
	out := seed.NIC{MAC: n.MAC, DHCP4: n.DHCP, MTU: n.MTU}
	if n.DHCP {
		return out
	}
	for _, a := range n.Addresses {
		out.Addresses = append(out.Addresses, a.String())
	}
	if n.Gateway != (netip.Addr{}) {
		out.Gateway4 = n.Gateway.String()
	}
	for _, d := range n.DNS {
		out.Nameservers = append(out.Nameservers, d.String())
	}
	return out
}
