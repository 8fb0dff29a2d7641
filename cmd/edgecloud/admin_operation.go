package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"edgecloud/adminclient"
)

// failed is an error with the exit code that scripts tell it by.
type failed struct {
	error
	code int
}

func (f failed) Unwrap() error { return f.error }

// addOperations adds a command for every operation of the admin API; a noun that is there already gets further verbs.
func addOperations(admin *cobra.Command, connect func() (*adminclient.Client, error)) {
	all, err := adminclient.Operations()
	if err != nil {
		panic(err) // the contract is embedded, and a test reads it
	}
	nouns := map[string]*cobra.Command{}
	for _, c := range admin.Commands() {
		nouns[c.Name()] = c
	}
	for _, o := range all {
		parent, verb := admin, o.Words[0]
		if len(o.Words) == 2 {
			verb = o.Words[1]
			if nouns[o.Words[0]] == nil {
				nouns[o.Words[0]] = &cobra.Command{Use: o.Words[0], Short: adminclient.Nouns[o.Words[0]]}
				admin.AddCommand(nouns[o.Words[0]])
			}
			parent = nouns[o.Words[0]]
		}
		parent.AddCommand(operationCommand(o, verb, connect))
	}
}

func operationCommand(o *adminclient.Operation, verb string, connect func() (*adminclient.Client, error)) *cobra.Command {
	use := verb
	for _, a := range o.Args {
		use += " " + strings.ToUpper(strings.TrimSuffix(a, "Id"))
	}
	c := &cobra.Command{Use: use, Short: o.Short(), Long: o.Long(), Args: func(c *cobra.Command, args []string) error {
		if len(args) != len(o.Args) {
			return failed{fmt.Errorf("wrong arguments %q: use %s", args, c.UseLine()), adminclient.ExitUsage}
		}
		return nil
	}}
	var asJSON bool
	c.Flags().BoolVar(&asJSON, "json", false, "print the answer as JSON")
	for _, f := range o.Flags {
		addFlag(c, f)
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		for _, f := range o.Flags {
			if f.Required && !c.Flags().Changed(f.Name) {
				return failed{fmt.Errorf("--%s is needed", f.Name), adminclient.ExitUsage}
			}
		}
		client, err := connect()
		if err != nil {
			return failed{fmt.Errorf("%w (--data or EDGECLOUD_ADMIN_URL say which cloud is meant)", err), adminclient.ExitAway}
		}
		answer, err := client.Do(c.Context(), o, args, given(c, o))
		if err != nil {
			return failed{client.Explain(err), adminclient.ExitCode(err)}
		}
		if asJSON {
			err = printJSON(c, answer)
		} else {
			err = o.Print(c.OutOrStdout(), answer)
		}
		return errors.Join(err, o.Verdict(answer))
	}
	return c
}

func addFlag(c *cobra.Command, f adminclient.Flag) {
	if f.Required {
		f.Help = strings.TrimSpace(f.Help + " (needed)")
	}
	switch {
	case f.Many:
		c.Flags().StringArray(f.Name, nil, f.Help)
	case f.Switch:
		c.Flags().Bool(f.Name, false, f.Help)
	default:
		c.Flags().String(f.Name, "", f.Help)
	}
}

// given are the texts of the flags that were said.
func given(c *cobra.Command, o *adminclient.Operation) map[string][]string {
	values := map[string][]string{}
	for _, f := range o.Flags {
		if !c.Flags().Changed(f.Name) {
			continue
		}
		if f.Many {
			values[f.Name], _ = c.Flags().GetStringArray(f.Name) // its type is known
			continue
		}
		values[f.Name] = []string{c.Flags().Lookup(f.Name).Value.String()}
	}
	return values
}

func printJSON(c *cobra.Command, answer json.RawMessage) error {
	if len(answer) == 0 {
		answer = json.RawMessage("{}")
	}
	e := json.NewEncoder(c.OutOrStdout())
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(answer); err != nil {
		return fmt.Errorf("print the answer: %w", err)
	}
	return nil
}
