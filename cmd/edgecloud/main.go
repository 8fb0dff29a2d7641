// Command edgecloud runs an edge cloud: everything on one machine (up), or its parts (control, agent), and the tools around it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set by the build.
var version = "dev"

// exitError ends the process with a code of its own, without a word: the command has said everything.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit %d", int(e)) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := root().ExecuteContext(ctx)
	stop()
	var code exitError
	switch {
	case errors.As(err, &code):
		os.Exit(int(code))
	case err != nil:
		fmt.Fprintln(os.Stderr, "edgecloud:", err)
		code = 1
		var f failed
		if errors.As(err, &f) {
			code = exitError(f.code)
		}
		os.Exit(int(code))
	}
}

func root() *cobra.Command {
	c := &cobra.Command{Use: "edgecloud", Short: "An edge cloud on one machine, or on thousands", Version: version, SilenceUsage: true, SilenceErrors: true}
	c.AddCommand(upCommand(), controlCommand(), agentCommand(), downCommand(), envCommand(), uninstallCommand(), apiCommand(), doctorCommand(), imageCommand(), adminCommand())
	return c
}
