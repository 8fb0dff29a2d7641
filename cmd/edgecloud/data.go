package main

import (
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

// dataFlag adds --data. Its default is /var/lib/edgecloud for root, whose clouds have real hosts, and the user's data folder for others.
func dataFlag(c *cobra.Command, into *string) {
	c.Flags().StringVar(into, "data", defaultData(), "folder of everything that lasts (EDGECLOUD_DATA)")
}

func defaultData() string { return dataFolder("edgecloud") }

func dataFolder(name string) string {
	if dir := os.Getenv("EDGECLOUD_DATA"); dir != "" {
		return dir
	}
	if os.Geteuid() == 0 {
		return filepath.Join("/var/lib", name)
	}
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, name)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return name + "-data"
	}
	return filepath.Join(home, ".local", "share", name)
}

// logFlag adds --log-level and gives what makes the logger.
func logFlag(c *cobra.Command, level slog.Level) func() *slog.Logger {
	c.Flags().TextVar(&level, "log-level", level, "least level of log lines: debug, info, warn, error")
	return func() *slog.Logger {
		return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	}
}
