package main

import (
	"fmt"
	"io"
	"log/slog"
	"path/filepath"

	"github.com/spf13/cobra"

	"edgecloud/control"
	"edgecloud/settings"
)

func controlCommand() *cobra.Command {
	var o control.Options
	c := &cobra.Command{Use: "control", Short: "Run the centre of a cloud whose hosts are other machines", Args: cobra.NoArgs, Long: `Run the centre of a cloud whose hosts are other machines, until Ctrl-C or "edgecloud down".

Hosts join with a one-time token ("edgecloud admin host enrol" prints the command to run there) and keep a connection to --link-listen, or to a NATS
cluster of the operator's (--link-cluster). Sites, hosts and images are the operator's to add: "edgecloud admin --help".

Every flag can also be a key of the YAML file that --config names, or a variable: --link-listen, link-listen: and EDGECLOUD_LINK_LISTEN are the same.`}
	dataFlag(c, &o.Dir)
	logger := logFlag(c, slog.LevelInfo)
	configFlag(c)
	f := c.Flags()
	f.StringVar(&o.Database, "database", "", "sqlite:PATH or postgres://... (default: SQLite in the data folder)")
	f.StringVar(&o.MasterKey, "master-key", "", "key file that seals secrets (default: in the data folder)")
	f.StringVar(&o.Listen, "listen", "", "address of the main listener; port 0 takes any (default: as at the last start, or "+control.DefaultListen+")")
	f.StringVar(&o.Domain, "domain", "", "domain of the dialects' names (default: as at the last start, or edgecloud.localhost)")
	f.StringVar(&o.Region, "region", "", "name of the region (default region-1)")
	f.BoolVar(&o.PlainHTTP, "http", false, "take plain HTTP beside TLS; on loopback only")
	f.StringVar(&o.CertFile, "tls-cert", "", "certificate chain instead of the self-made one")
	f.StringVar(&o.KeyFile, "tls-key", "", "key of --tls-cert")
	f.StringVar(&o.CAFile, "tls-ca", "", "authority of --tls-cert, if not every system knows it")
	f.StringVar(&o.Advertise, "advertise", "", "name or address in URLs (default: that of --listen)")
	f.StringVar(&o.Link.Listen, "link-listen", control.DefaultLinkListen, "address of the NATS server for hosts; port 0 takes any")
	f.StringVar(&o.Link.URL, "link-url", "", "where hosts find it, tls://HOST:PORT, several with commas (default: --advertise with the port of --link-listen)")
	f.StringVar(&o.Link.Cluster, "link-cluster", "", "tls://HOST:PORT of a NATS cluster of your own, several with commas, instead of --link-listen")
	f.StringVar(&o.Link.ClusterCA, "link-cluster-ca", "", "PEM file of the cluster's authority, if not every system knows it")
	metricsFlag(c, &o.SeriesDays)
	f.StringVar(&o.Link.Account, "link-account", "", "the cluster's account (default EDGECLOUD)")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := settings.Apply(c.Flags(), nil); err != nil {
			return err
		}
		if o.Link.Cluster != "" && !c.Flags().Changed("link-listen") {
			o.Link.Listen = ""
		}
		o.Logger, o.Version = logger(), version
		o.Ready = func(e control.Env) { printCentre(c.OutOrStdout(), o.Dir, e) }
		return control.Run(c.Context(), o)
	}
	return c
}

// metricsFlag adds how long the record of what is used is kept.
func metricsFlag(c *cobra.Command, into *int) {
	c.Flags().IntVar(into, "metrics-days", 93, "days for which the record of what instances, addresses and gateways use is kept")
}

// configFlag adds --config; settings.Apply reads it.
func configFlag(c *cobra.Command) {
	c.Flags().String(settings.FileFlag, "", "YAML file with the other flags' names as keys (EDGECLOUD_CONFIG)")
}

func printCentre(w io.Writer, dir string, e control.Env) {
	fmt.Fprintf(w, `The centre is ready: %s (reference: %s/docs).

Its variables are in %s.

  edgecloud admin site create --name cn-hangzhou-cm     a place for hosts
  edgecloud admin host enrol cn-hangzhou-cm             prints what to run on a host
`, e.Admin, e.Admin, filepath.Join(dir, "edgecloud.env"))
}
