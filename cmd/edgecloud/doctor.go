package main

import (
	"os"

	"github.com/spf13/cobra"

	"edgecloud/control"
	"edgecloud/doctor"
)

func doctorCommand() *cobra.Command {
	var cfg doctor.Config
	var engine string
	var asJSON bool
	c := &cobra.Command{Use: "doctor", Short: "Look at this machine and say what to do about what is missing", Args: cobra.NoArgs,
		Long: "Look at this machine and say what to do about what is missing. The exit code is 1 when something keeps a cloud from running, else 0."}
	dataFlag(c, &cfg.Dir)
	c.Flags().StringVar(&engine, "engine", "", "check for sim or real (default: real for root, else sim)")
	c.Flags().StringVar(&cfg.Listen, "listen", control.DefaultListen, "address of the main listener")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg.Real = engine == control.EngineReal || engine == "" && os.Geteuid() == 0
		cfg.Doors = control.Doors
		_, err := control.Running(cfg.Dir)
		cfg.Uses = err == nil
		all := doctor.Examine(c.Context(), cfg)
		print := doctor.Print
		if asJSON {
			print = doctor.PrintJSON
		}
		if err := print(c.OutOrStdout(), all); err != nil {
			return err
		}
		if doctor.Worst(all) == doctor.Fail {
			return exitError(1)
		}
		return nil
	}
	return c
}
