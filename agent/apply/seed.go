package apply

import (
	"fmt"

	"edgecloud/guest/seed"
	"edgecloud/link/spec"
)

// routeMetric is what guests' own network services give to routes that DHCP brings; those of further NICs come after it.
const routeMetric = 100

// Seed makes an instance's NoCloud image. Its instance ID holds the first-boot epoch, so that a new epoch makes the guest run its first boot again.
func Seed(s spec.Instance) ([]byte, error) { return seed.Build(seedOf(s)) }

// SeedText is Seed for simulated hosts, whose guests read nothing: the same content without the image's file system, which takes longer to write than all else
// of a simulated machine.
func SeedText(s spec.Instance) ([]byte, error) { return seed.Text(seedOf(s)) }

func seedOf(s spec.Instance) seed.Seed {
	out := seed.Seed{InstanceID: fmt.Sprintf("%s-%d", s.UID, s.Guest.Epoch), Hostname: s.Guest.Hostname, SSHKeys: s.Guest.SSHKeys, User: s.Guest.User,
		PasswordHash: s.Guest.PasswordHash, UserData: s.Guest.UserData}
	if out.Hostname == "" {
		out.Hostname = s.Name
	}
	for _, n := range s.NICs {
		nic := seed.NIC{MAC: n.MAC, DHCP4: n.DHCP, MTU: n.MTU}
		if n.Slot > 0 { // every subnet's DHCP offers a default route: the first NIC's is to be taken
			nic.Metric = routeMetric * (n.Slot + 1)
		}
		if !n.DHCP {
			for _, a := range n.Addresses {
				nic.Addresses = append(nic.Addresses, a.String())
			}
			if n.Gateway.Is4() {
				nic.Gateway4 = n.Gateway.String()
			} else if n.Gateway.IsValid() {
				nic.Gateway6 = n.Gateway.String()
			}
		}
		for _, d := range n.DNS {
			nic.Nameservers = append(nic.Nameservers, d.String())
		}
		out.Network = append(out.Network, nic)
	}
	return out
}
