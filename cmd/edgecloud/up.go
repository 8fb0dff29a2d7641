package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"edgecloud/control"
	"edgecloud/onebox"
)

func upCommand() *cobra.Command {
	var o onebox.Options
	var plain, detach bool
	c := &cobra.Command{Use: "up", Short: "Run a whole cloud on this machine", Args: cobra.NoArgs, Long: `Run a whole cloud on this machine, until Ctrl-C or "edgecloud down".

With --engine sim the hosts are simulated: nothing is needed and nothing of the machine is touched.
With --engine real this machine is the host (root; see "edgecloud doctor").

The main address serves all dialects, chosen by the Host header (bec.DOMAIN, iecs.DOMAIN, iam.DOMAIN, ecs-service.DOMAIN, bms.DOMAIN,
admin.DOMAIN). The six ports after it serve one dialect each. All take TLS, with a certificate of the folder's own authority (ca.pem). On loopback they
also take plain HTTP, and the URLs say http:// so that SDKs work as they are; --http=false turns that off.

When the cloud is ready, the folder's edgecloud.env says how to reach it; "edgecloud env" prints it.`}
	dataFlag(c, &o.Dir)
	logger := logFlag(c, slog.LevelWarn)
	f := c.Flags()
	f.StringVar(&o.Engine, "engine", "", "sim or real (default: as at the last start, or sim)")
	f.StringVar(&o.Listen, "listen", "", "address of the main listener; port 0 takes any (default: as at the last start, or "+control.DefaultListen+")")
	f.StringVar(&o.Domain, "domain", "", "domain of the dialects' names (default: as at the last start, or edgecloud.localhost)")
	f.StringVar(&o.Region, "region", "", "name of the region (default region-1)")
	f.BoolVar(&plain, "http", true, "take plain HTTP beside TLS; on loopback only, and the default there")
	f.StringVar(&o.CertFile, "tls-cert", "", "certificate chain instead of the self-made one")
	f.StringVar(&o.KeyFile, "tls-key", "", "key of --tls-cert")
	f.StringVar(&o.Advertise, "advertise", "", "name or address in URLs (default: that of --listen)")
	f.Uint64Var(&o.Sim.World.Seed, "seed", 0, "seed of the simulated world's randomness")
	f.StringSliceVar(&o.Sim.Sites, "sites", nil, "only these simulated sites (default: all of the catalogue)")
	f.IntVar(&o.Sim.Hosts, "hosts", 0, "simulated hosts at each site (default 2)")
	f.StringVar(&o.Real.Site, "site", "", "real: name of this machine's site (default cn-hangzhou-cm)")
	f.TextVar(&o.Real.Range, "public-range", netip.Prefix{}, "real: CIDR of the guests' public addresses, whose first one this machine takes (default: as at the last start, or "+onebox.DefaultRange.String()+")")
	sampleFlag(c, &o.Sample)
	metricsFlag(c, &o.SeriesDays)
	f.BoolVar(&detach, "detach", false, "return when the cloud is ready; it runs on in the background")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := checkSample(o.Sample); err != nil {
			return err
		}
		o.Logger, o.Version = logger(), version
		if detach {
			return runDetached(c, o.Dir)
		}
		if err := askHTTP(c, &o, plain); err != nil {
			return err
		}
		o.Ready = func(e control.Env) { printReady(c.OutOrStdout(), o.Dir, e) }
		return onebox.Up(c.Context(), o)
	}
	return c
}

// askHTTP decides about plain HTTP: on by default where only this machine can listen in.
func askHTTP(c *cobra.Command, o *onebox.Options, plain bool) error {
	if c.Flags().Changed("http") {
		o.PlainHTTP = plain
		return nil
	}
	address := o.Listen
	if address == "" {
		state, err := control.LoadState(o.Dir)
		if err != nil {
			return err
		}
		address = state.Listen
	}
	if address == "" {
		address = control.DefaultListen
	}
	o.PlainHTTP = control.Loopback(address)
	return nil
}

func printReady(w io.Writer, dir string, e control.Env) {
	fmt.Fprintf(w, `The cloud is ready.

  BEC       %s
  IEC       %s   (IAM %s)
  CECSTACK  %s
  TCE BMS   %s
  Admin     %s   (reference: %s/docs)

Its variables are in %s:

  set -a; . %s; set +a

Go SDK of BEC (github.com/baidubce/bce-sdk-go/services/bec):

  client, err := bec.NewClient(os.Getenv("EDGECLOUD_ACCESS_KEY"), os.Getenv("EDGECLOUD_SECRET_KEY"), os.Getenv("EDGECLOUD_BEC_URL"))

curl:

  curl -s --cacert %s %s/admin/v1/tokens -H 'Content-Type: application/json' -d '{"account":"%s","user":"%s","password":"'"$EDGECLOUD_PASSWORD"'"}'

Images for real guests (see "edgecloud admin image import --help" for your own):

  edgecloud image build debian-12 --data %s

Ctrl-C or "edgecloud down" stops it; what was made stays.
`, e.BEC, e.IEC, e.IAM, e.CECStack, e.TCEBMS, e.Admin, e.Admin, filepath.Join(dir, "edgecloud.env"), filepath.Join(dir, "edgecloud.env"), e.CA, e.Admin, e.Account, e.User, dir)
}

func envCommand() *cobra.Command {
	var dir string
	c := &cobra.Command{Use: "env", Short: "Print how to reach the cloud, as shell variables", Args: cobra.NoArgs}
	dataFlag(c, &dir)
	c.RunE = func(c *cobra.Command, _ []string) error {
		e, err := control.ReadEnv(dir)
		if err != nil {
			return err
		}
		if _, err := control.Running(dir); err != nil {
			return err
		}
		_, err = io.WriteString(c.OutOrStdout(), e.String())
		return err
	}
	return c
}

// runDetached starts this program once more, without --detach and away from the terminal.
func runDetached(c *cobra.Command, dir string) error {
	args := []string{"up"}
	for _, a := range os.Args[2:] {
		if a != "--detach" && a != "--detach=true" {
			args = append(args, a)
		}
	}
	e, err := onebox.Detach(c.Context(), dir, args)
	if err != nil {
		return err
	}
	printReady(c.OutOrStdout(), dir, *e)
	return nil
}
