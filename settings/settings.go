package settings

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"gopkg.in/yaml.v3"
)

// FileFlag is the flag that names the file; it has a variable, but is no key.
const FileFlag = "config"

// Variable is the environment's name of a flag.
func Variable(flag string) string {
	return "EDGECLOUD_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// Apply sets the flags that the command line left, from the environment (nil: the process's) and from the file that --config names. An error names the variable,
// or the file, its line and the key.
func Apply(flags *pflag.FlagSet, lookup func(string) (string, bool)) error {
	if lookup == nil {
		lookup = os.LookupEnv
	}
	if err := fromEnvironment(flags, lookup); err != nil {
		return err
	}
	file := flags.Lookup(FileFlag)
	if file == nil || file.Value.String() == "" {
		return nil
	}
	return fromFile(flags, file.Value.String())
}

func fromEnvironment(flags *pflag.FlagSet, lookup func(string) (string, bool)) error {
	var errs []error
	flags.VisitAll(func(f *pflag.Flag) {
		value, set := lookup(Variable(f.Name))
		if f.Changed || !set || f.Name == "help" {
			return
		}
		if err := flags.Set(f.Name, value); err != nil {
			errs = append(errs, fmt.Errorf("%s=%s: %s", Variable(f.Name), value, reason(err)))
		}
	})
	return errors.Join(errs...)
}

// reason is a flag's complaint without pflag's words about command lines.
func reason(err error) string {
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		return invalid.Unwrap().Error()
	}
	return err.Error()
}

func fromFile(flags *pflag.FlagSet, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("--config: %w", err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return fmt.Errorf("--config %s: %w", path, err)
	}
	if len(doc.Content) == 0 {
		return nil // nothing but comments
	}
	top := doc.Content[0]
	if top.Kind != yaml.MappingNode {
		return fmt.Errorf("--config %s: must be a list of KEY: VALUE", path)
	}
	var errs []error
	seen := map[string]bool{}
	for i := 0; i+1 < len(top.Content); i += 2 {
		key, value := top.Content[i], top.Content[i+1]
		if seen[key.Value] {
			err = errors.New("is there twice")
		} else {
			err = setKey(flags, key.Value, value)
		}
		seen[key.Value] = true
		if err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %s: %w", path, key.Line, key.Value, err))
		}
	}
	return errors.Join(errs...)
}

func setKey(flags *pflag.FlagSet, key string, value *yaml.Node) error {
	f := flags.Lookup(key)
	if f == nil || key == FileFlag || key == "help" {
		return fmt.Errorf("there is no such setting; known are %s", strings.Join(known(flags), ", "))
	}
	text, err := plain(value)
	if err != nil || f.Changed {
		return err
	}
	if err := flags.Set(key, text); err != nil {
		return errors.New(reason(err))
	}
	return nil
}

// plain is the text of a scalar, or of a list of scalars.
func plain(n *yaml.Node) (string, error) {
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag != "!!null":
		return n.Value, nil
	case n.Kind == yaml.SequenceNode:
		var all []string
		for _, one := range n.Content {
			if one.Kind != yaml.ScalarNode {
				return "", errors.New("must be a list of plain values")
			}
			all = append(all, one.Value)
		}
		return strings.Join(all, ","), nil
	}
	return "", errors.New("must be a plain value or a list of them")
}

func known(flags *pflag.FlagSet) (names []string) {
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name != FileFlag && f.Name != "help" {
			names = append(names, f.Name)
		}
	})
	slices.Sort(names)
	return names
}
