package settings_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"edgecloud/settings"
)

type all struct {
	flags  *pflag.FlagSet
	listen string
	hosts  int
	names  []string
}

func flags(t *testing.T, file string, args ...string) *all {
	a := &all{flags: pflag.NewFlagSet("test", pflag.ContinueOnError)}
	a.flags.StringVar(&a.listen, "link-listen", "default", "")
	a.flags.IntVar(&a.hosts, "hosts", 1, "")
	a.flags.StringSliceVar(&a.names, "names", nil, "")
	a.flags.String(settings.FileFlag, "", "")
	if file != "" {
		path := filepath.Join(t.TempDir(), "a.yaml")
		require.NoError(t, os.WriteFile(path, []byte(file), 0o600))
		args = append(args, "--config", path)
	}
	require.NoError(t, a.flags.Parse(args))
	return a
}

func environment(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

func TestTheCommandLineCountsFirstThenTheEnvironmentThenTheFile(t *testing.T) {
	file := "# of a test\nlink-listen: file\nhosts: 3\nnames: [a, b]\n"
	a := flags(t, file)
	require.NoError(t, settings.Apply(a.flags, environment()))
	require.Equal(t, []any{"file", 3, []string{"a", "b"}}, []any{a.listen, a.hosts, a.names})
	a = flags(t, file, "--hosts", "5")
	require.NoError(t, settings.Apply(a.flags, environment("EDGECLOUD_LINK_LISTEN", "variable", "EDGECLOUD_HOSTS", "4", "EDGECLOUD_NAMES", "c,d")))
	require.Equal(t, []any{"variable", 5, []string{"c", "d"}}, []any{a.listen, a.hosts, a.names})
	a = flags(t, "")
	require.NoError(t, settings.Apply(a.flags, environment()))
	require.Equal(t, "default", a.listen)
	require.NoError(t, settings.Apply(flags(t, "# nothing\n").flags, environment()))
}

func TestErrorsNameTheFieldAndItsPlace(t *testing.T) {
	for file, says := range map[string]string{
		"hosts: many\n":                     `a.yaml:1: hosts: `,
		"\nlisten: x\n":                     `a.yaml:2: listen: there is no such setting; known are hosts, link-listen, names`,
		"hosts: {a: 1}\n":                   `a.yaml:1: hosts: must be a plain value`,
		"hosts:\n":                          `a.yaml:1: hosts: must be a plain value`,
		"names: [[a]]\n":                    `a.yaml:1: names: must be a list of plain values`,
		"hosts: 1\nhosts: 2\n":              `hosts`,
		"config: b.yaml\n":                  `a.yaml:1: config: there is no such setting`,
		"- a\n":                             `must be a list of KEY: VALUE`,
		"a: b: c\n":                         `a.yaml: yaml`,
		"hosts: many\nlink-listen: [[a]]\n": `a.yaml:2: link-listen: must be`,
	} {
		err := settings.Apply(flags(t, file).flags, environment())
		require.ErrorContains(t, err, says, file)
	}
	require.ErrorContains(t, settings.Apply(flags(t, "").flags, environment("EDGECLOUD_HOSTS", "many")), "EDGECLOUD_HOSTS=many: ")
	require.ErrorContains(t, settings.Apply(flags(t, "", "--config", "/nowhere").flags, environment()), "--config: open /nowhere")
}
