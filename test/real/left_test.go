package real_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/stretchr/testify/require"

	"edgecloud/store"
)

// nbTables are those that the network engine writes to.
var nbTables = []string{"Logical_Switch", "Logical_Switch_Port", "Logical_Router", "Logical_Router_Port", "Logical_Router_Static_Route", "NAT", "QoS", "DHCP_Options", "Port_Group",
	"ACL", "Address_Set", "HA_Chassis_Group", "HA_Chassis"}

// rows counts what OVN's northbound database holds, without what a line and the gateways keep for as long as the site is.
func (s *site) rows() map[string]int {
	counts := map[string]int{}
	for _, table := range nbTables {
		out, err := s.fabric.NBCtl(s.t.Context(), "--bare", "--no-headings", "--columns=_uuid,external_ids", "list", table)
		require.NoError(s.t, err)
		for row := range strings.SplitSeq(out, "\n\n") {
			if strings.TrimSpace(row) != "" && !strings.Contains(row, "uplink/") {
				counts[table]++
			}
		}
	}
	return counts
}

func (s *site) rowsBecome(want map[string]int) {
	s.t.Helper()
	s.eventually("OVN's rows are as before", func() error {
		if got := s.rows(); fmt.Sprint(got) != fmt.Sprint(want) {
			return fmt.Errorf("they are %v, and were %v", got, want)
		}
		return nil
	})
}

// nothingLeft waits until no host and no table has anything of an instance.
func (s *site) nothingLeft() {
	s.t.Helper()
	s.eventually("nothing is left", func() error {
		for _, n := range s.nodes {
			if err := n.bare(s.t.Context()); err != nil {
				return err
			}
		}
		return s.noRows(s.t.Context())
	})
}

// bare tells what of an instance a host still has: guests, domains, disks, seeds.
func (n *node) bare(ctx context.Context) error {
	guests, err := n.PoweredGuests()
	if err != nil || len(guests) > 0 {
		return fmt.Errorf("%s runs %v %w", n.Name, guests, err)
	}
	out, err := n.Run(ctx, "virsh", "list", "--all", "--name")
	if err != nil || strings.TrimSpace(out) != "" {
		return fmt.Errorf("%s knows the domains %s %w", n.Name, out, err)
	}
	for _, pattern := range []string{"disks/volumes/*", "state/*/*"} {
		files, err := filepath.Glob(filepath.Join(n.site.dir, n.Name, pattern))
		if err != nil || len(files) > 0 {
			return fmt.Errorf("%s has the files %v %w", n.Name, files, err)
		}
	}
	_, err = os.Stat(filepath.Join(n.site.dir, n.Name))
	return err
}

// noRows tells which tables still have rows of instances.
func (s *site) noRows(ctx context.Context) error {
	counts := map[string]string{
		"instances": "SELECT count(*) FROM instances", "volumes": "SELECT count(*) FROM volumes", "ports": "SELECT count(*) FROM ports WHERE kind <> 'gateway'",
		"public addresses": "SELECT count(*) FROM public_ips", "placement": "SELECT count(*) FROM placement_members", "work": "SELECT count(*) FROM work WHERE kind = 'instance'",
		"leases":       "SELECT count(*) FROM line_addresses WHERE holder NOT IN (SELECT uid FROM networks)",
		"specs":        "SELECT count(*) FROM link_specs WHERE kind IN ('instance', 'volume', 'port', 'public_ip')",
		"used quota":   "SELECT count(*) FROM quota_use WHERE used > 0 AND name IN ('instances', 'vcpus', 'memory_gib', 'volumes', 'volume_gib', 'public_ips')",
		"room on host": "SELECT count(*) FROM hosts WHERE used_vcpus + used_mib + used_gib + instances > 0",
	}
	return s.box.Control.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		for what, query := range counts {
			var n int
			if err := tx.NewRaw(query).Scan(ctx, &n); err != nil {
				return err
			}
			if n > 0 {
				return fmt.Errorf("%d rows are left of %s", n, what)
			}
		}
		return nil
	})
}
