package main

import (
	"bufio"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"edgecloud/control"
	"edgecloud/onebox"
)

// stopLimit is how long a cloud may take to stop.
const stopLimit = 30 * time.Second

func downCommand() *cobra.Command {
	var dir string
	var guests bool
	c := &cobra.Command{Use: "down", Short: "Stop the cloud; what was made stays, and real guests run on", Args: cobra.NoArgs}
	dataFlag(c, &dir)
	c.Flags().BoolVar(&guests, "stop-guests", false, "shut real guests down too; the next start starts them again")
	c.RunE = func(c *cobra.Command, _ []string) error {
		err := onebox.Down(c.Context(), dir, stopLimit)
		if err != nil && !errors.Is(err, control.ErrNotRunning) {
			return err
		}
		if err != nil {
			fmt.Fprintln(c.OutOrStdout(), "Nothing to stop:", err)
		} else {
			fmt.Fprintln(c.OutOrStdout(), "Stopped. The same command as before goes on where it was.")
		}
		state, err := control.LoadState(dir)
		if err != nil || state.Engine != control.EngineReal {
			return err
		}
		if !guests {
			fmt.Fprintln(c.OutOrStdout(), "Guests run on; --stop-guests shuts them down.")
			return nil
		}
		return onebox.StopGuests(c.Context(), dir)
	}
	return c
}

func uninstallCommand() *cobra.Command {
	var dir string
	var yes bool
	c := &cobra.Command{Use: "uninstall", Short: "Stop the cloud and remove everything that it made", Args: cobra.NoArgs}
	dataFlag(c, &dir)
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if !yes && !confirm(c, "Remove the cloud in "+dir+" with all its instances, disks and accounts? [y/N] ") {
			return errors.New("nothing was removed")
		}
		left, err := onebox.Uninstall(c.Context(), dir, stopLimit)
		if errors.Is(err, onebox.ErrNoCloud) {
			fmt.Fprintln(c.OutOrStdout(), "Nothing to remove:", err)
			return nil
		}
		if err != nil {
			return err
		}
		fmt.Fprintln(c.OutOrStdout(), "Removed.")
		for _, path := range left {
			fmt.Fprintln(c.OutOrStdout(), "Not of the cloud, left alone:", path)
		}
		return nil
	}
	return c
}

func confirm(c *cobra.Command, question string) bool {
	fmt.Fprint(c.OutOrStdout(), question)
	line, _ := bufio.NewReader(c.InOrStdin()).ReadString('\n') // no answer is a no
	return strings.EqualFold(strings.TrimSpace(line), "y") || strings.EqualFold(strings.TrimSpace(line), "yes")
}
