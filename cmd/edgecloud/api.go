package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"edgecloud/contract"
	"edgecloud/controlplane"
)

func apiCommand() *cobra.Command {
	var asJSON bool
	coverage := &cobra.Command{Use: "coverage", Short: "Tell which documented operations are built", Args: cobra.NoArgs}
	coverage.Flags().BoolVar(&asJSON, "json", false, `print {"dialect": {"total": n, "built": n, "missing": ["operationId", ...]}}`)
	coverage.RunE = func(c *cobra.Command, _ []string) error {
		report, err := coverageReport(c.Context())
		if err != nil {
			return err
		}
		if asJSON {
			e := json.NewEncoder(c.OutOrStdout())
			e.SetIndent("", "  ")
			return e.Encode(report)
		}
		return printCoverage(c.OutOrStdout(), report)
	}
	api := &cobra.Command{Use: "api", Short: "About the APIs"}
	api.AddCommand(coverage)
	return api
}

// coverageReport counts the handlers that a control plane really binds, on a database that is thrown away.
func coverageReport(ctx context.Context) (map[string]contract.Coverage, error) {
	dir, err := os.MkdirTemp("", "edgecloud-coverage-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	c, err := controlplane.Open(ctx, controlplane.Config{DSN: "sqlite:" + filepath.Join(dir, "empty.db"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.Coverage()
}

func printCoverage(w io.Writer, report map[string]contract.Coverage) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "DIALECT\tRESOURCE\tBUILT\tTOTAL")
	for _, name := range contract.Dialects() {
		for _, r := range report[name].Files {
			fmt.Fprintf(t, "%s\t%s\t%d\t%d\n", name, r.File, r.Built, r.Total)
		}
		fmt.Fprintf(t, "%s\tall\t%d\t%d\n", name, report[name].Built, report[name].Total)
	}
	return t.Flush()
}
