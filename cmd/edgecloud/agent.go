package main

import (
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"edgecloud/agent/spool"
	"edgecloud/host"
	"edgecloud/link/natslink"
	"edgecloud/onebox"
	"edgecloud/settings"
)

func agentCommand() *cobra.Command {
	c := &cobra.Command{Use: "agent", Short: "Make this machine a host of a cloud, and run its agent"}
	c.AddCommand(joinCommand(), runCommand())
	return c
}

// hostFlag adds --data for a host.
func hostFlag(c *cobra.Command, into *string) {
	c.Flags().StringVar(into, "data", dataFolder("edgecloud-agent"), "folder of the host: its identity, what it should have, disks (EDGECLOUD_DATA)")
}

// sampleFlag adds how often a host tells what is used.
func sampleFlag(c *cobra.Command, into *time.Duration) {
	c.Flags().DurationVar(into, "sample-every", time.Minute, "how often a host samples what is used, from 1s to 30m")
}

func checkSample(every time.Duration) error {
	if every < time.Second || every > 30*time.Minute {
		return fmt.Errorf("--sample-every %s: must be from 1s to 30m", every)
	}
	return nil
}

func joinCommand() *cobra.Command {
	var o host.JoinOptions
	c := &cobra.Command{Use: "join", Short: "Enrol this machine with a one-time token", Args: cobra.NoArgs,
		Long: `Enrol this machine with a one-time token of "edgecloud admin host enrol", which prints the whole command.

The token names the authority that proves the centre; nothing else has to be copied. After a break, run the same command again.`}
	hostFlag(c, &o.Dir)
	configFlag(c)
	f := c.Flags()
	f.StringVar(&o.URL, "url", "", "tls://HOST:PORT of the centre's link, several with commas")
	f.StringVar(&o.Token, "token", "", "the one-time token (EDGECLOUD_TOKEN keeps it out of the process list)")
	f.StringVar(&o.CAFile, "ca", "", "PEM file of the centre's authority, if neither the token nor the system knows it")
	f.StringVar(&o.Name, "name", "", "name of the host (default: what the token says, or the machine's)")
	f.BoolVar(&o.Replace, "replace", false, "give up the identity that the machine has, and join as a new host")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := applyHost(c); err != nil {
			return err
		}
		o.Version = version
		id, err := host.Join(c.Context(), o)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.OutOrStdout(), "Joined as host %s (%s) of site %s. Its agent: edgecloud agent run --data %s\n", id.Name, id.Host, id.Site, o.Dir)
		return nil
	}
	return c
}

// applyHost fills flags in from variables and file. EDGECLOUD_CA and EDGECLOUD_URL are for the clients of a cloud (edgecloud env), not for its hosts.
func applyHost(c *cobra.Command) error {
	return settings.Apply(c.Flags(), func(name string) (string, bool) {
		if name == "EDGECLOUD_CA" {
			return "", false
		}
		return os.LookupEnv(name)
	})
}

func runCommand() *cobra.Command {
	var o host.Options
	var vcpus int
	var memory, disk, reserve, keep int64
	c := &cobra.Command{Use: "run", Short: "Run this host's agent", Args: cobra.NoArgs, Long: `Run this host's agent, until Ctrl-C; guests run on.

It works without the centre: what the host should have is in its data folder. --engine real drives this machine's libvirt, Open vSwitch and OVN, whose
services must run; --engine sim simulates a host in this process.`}
	hostFlag(c, &o.Dir)
	logger := logFlag(c, slog.LevelInfo)
	configFlag(c)
	f := c.Flags()
	f.StringVar(&o.Engine, "engine", host.EngineReal, "real or sim")
	f.StringVar(&o.URL, "url", "", "tls://HOST:PORT of the centre's link (default: as the enrolment said)")
	f.StringVar(&o.CAFile, "ca", "", "PEM file of the centre's authority (default: as the enrolment said)")
	f.StringVar(&o.Real.LibvirtSocket, "libvirt-socket", "", "real: libvirtd's socket (default: libvirt's own)")
	f.StringVar(&o.Real.NBEndpoint, "ovn-nb", "", "real: OVN's northbound database, unix:/PATH, tcp:HOST:PORT or ssl:HOST:PORT, a cluster's with commas (default: this machine's, if it has one)")
	f.StringSliceVar(&o.Real.Gateways, "gateways", nil, "real: OVN system-ids of the hosts that carry the site's uplinks, best first (default: those that the site has)")
	f.StringVar(&o.Real.DiskDir, "disks", "", "real: folder of images and volumes (default: in the data folder)")
	f.Int64Var(&reserve, "reserve-gib", host.DefaultReserve>>30, "real: GiB of the disks' file system that stay free")
	f.IntVar(&o.Real.MTU, "mtu", 0, "real: MTU of guests in bytes (default 1442, for an underlay of 1500)")
	f.IntVar(&vcpus, "sim-vcpus", onebox.DefaultCapacity.VCPUs, "sim: processors of the host")
	f.Int64Var(&memory, "sim-memory-mib", onebox.DefaultCapacity.MemoryMiB, "sim: memory in MiB")
	f.Int64Var(&disk, "sim-disk-gib", onebox.DefaultCapacity.DiskBytes>>30, "sim: disk in GiB")
	sampleFlag(c, &o.Sample)
	f.Int64Var(&keep, "sample-keep-mib", spool.DefaultLimit>>20, "MiB of samples that are kept while the centre is not reached; past it the oldest go")
	f.Uint64Var(&o.Sim.Seed, "seed", 0, "sim: seed of the simulated world's randomness")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := applyHost(c); err != nil {
			return err
		}
		for flag, value := range map[string]int64{"--sim-vcpus": int64(vcpus), "--sim-memory-mib": memory, "--sim-disk-gib": disk, "--reserve-gib": reserve + 1, "--sample-keep-mib": keep} {
			if value < 1 {
				return fmt.Errorf("%s: must be positive", flag)
			}
		}
		if err := checkSample(o.Sample); err != nil {
			return err
		}
		o.SampleKeep = keep << 20
		o.Sim.Capacity = onebox.DefaultCapacity
		o.Sim.Capacity.VCPUs, o.Sim.Capacity.MemoryMiB, o.Sim.Capacity.DiskBytes, o.Real.DiskReserve = vcpus, memory, disk<<30, reserve<<30
		o.Logger, o.Version = logger(), version
		o.Ready = func(id natslink.Identity) {
			fmt.Fprintf(c.OutOrStdout(), "The agent of host %s (%s) works.\n", id.Name, id.Host)
		}
		return host.Run(c.Context(), o)
	}
	return c
}
