package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"edgecloud/onebox"
)

func imageCommand() *cobra.Command {
	c := &cobra.Command{Use: "image", Short: "Make images on this machine"}
	c.AddCommand(imageBuildCommand())
	return c
}

func imageBuildCommand() *cobra.Command {
	var dir, out string
	var quiet bool
	long := "Make an image on this machine. With --out it is a file; without, it goes into the catalogue of the running cloud, under the names that users expect.\n"
	for _, b := range onebox.Buildables() {
		long += fmt.Sprintf("\n  %-10s %s", b.Name, b.About)
	}
	c := &cobra.Command{Use: "build NAME", Short: "Make an image and put it into the catalogue", Args: cobra.ExactArgs(1), Long: long}
	dataFlag(c, &dir)
	c.Flags().StringVar(&out, "out", "", "qcow2 file to write instead")
	c.Flags().BoolVar(&quiet, "quiet", false, "do not show what the building programs say")
	c.RunE = func(c *cobra.Command, args []string) error {
		b, err := onebox.BuildableNamed(args[0])
		if err != nil {
			return err
		}
		log := c.ErrOrStderr()
		if quiet {
			log = io.Discard
		}
		if out != "" {
			return b.Build(c.Context(), out, log)
		}
		client, err := localClient(dir)
		if err != nil {
			return err
		}
		scratch, err := os.MkdirTemp(dir, "build-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(scratch)
		path := filepath.Join(scratch, b.Name+".qcow2")
		if err := b.Build(c.Context(), path, log); err != nil {
			return err
		}
		return importImage(c.Context(), c, client, path, "", b.Import)
	}
	return c
}
