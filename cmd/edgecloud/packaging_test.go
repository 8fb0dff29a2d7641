package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/settings"
)

// The units must start commands that exist, with flags and configuration files that the commands take.
func TestPackagedUnitsCallWhatExists(t *testing.T) {
	units, err := filepath.Glob("../../packaging/systemd/*.service")
	require.NoError(t, err)
	require.Len(t, units, 2)
	for _, unit := range units {
		text, err := os.ReadFile(unit)
		require.NoError(t, err)
		_, line, found := strings.Cut(string(text), "\nExecStart=/usr/bin/edgecloud ")
		require.True(t, found, unit)
		line, _, _ = strings.Cut(line, "\n")
		c, rest, err := root().Find(strings.Fields(strings.ReplaceAll(line, "/etc/edgecloud/", "../../packaging/etc/")))
		require.NoError(t, err)
		require.NotNil(t, c.RunE, line)
		require.NoError(t, c.ParseFlags(rest), line)
		require.NoError(t, c.ValidateArgs(c.Flags().Args()))
		require.NoError(t, settings.Apply(c.Flags(), func(string) (string, bool) { return "", false }))
		require.NotEmpty(t, c.Flags().Lookup(settings.FileFlag).Value.String())
	}
}

// What the examples have in comments must be settings too.
func TestPackagedExamplesAreSettings(t *testing.T) {
	for file, command := range map[string][]string{"control.yaml": {"control"}, "agent.yaml": {"agent", "run"}} {
		text, err := os.ReadFile("../../packaging/etc/" + file)
		require.NoError(t, err)
		c, _, err := root().Find(command)
		require.NoError(t, err)
		for line := range strings.Lines(string(text)) {
			key, _, found := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "# "), ": ")
			if found && !strings.Contains(key, " ") {
				require.NotNil(t, c.Flags().Lookup(key), "%s: %s", file, key)
			}
		}
	}
}
