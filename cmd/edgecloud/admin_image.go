package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"edgecloud/adminclient"
	"edgecloud/contract/scalar"
	wire "edgecloud/dialect/admin/wire/catalogue"
)

// adminImageCommand gives `edgecloud admin image`; connect makes the client from what was said on the command line.
func adminImageCommand(connect func() (*adminclient.Client, error)) *cobra.Command {
	c := &cobra.Command{Use: "image", Short: "Public images"}
	c.AddCommand(imageImportCommand(connect))
	return c
}

func imageImportCommand(connect func() (*adminclient.Client, error)) *cobra.Command {
	var want wire.ImportImageRequest
	var checksum, description, osName, osVersion, arch string
	var minDisk, minMemory int64
	var replace bool
	c := &cobra.Command{Use: "import FILE|URL", Short: "Put an image into the catalogue: a qcow2 or raw disk, packed by gzip or not", Args: cobra.ExactArgs(1),
		Long: `Put an image into the catalogue: a qcow2 or raw disk, packed by gzip or not.

A FILE is sent to the control plane in pieces; the same command again goes on after a break. A URL (http or https) is fetched by the control plane.`}
	f := c.Flags()
	f.StringVar(&want.Name, "name", "", "name in the catalogue")
	f.StringVar(&checksum, "checksum", "", "of the file as it is: sha256:HEX; needed for a URL")
	f.StringVar(&description, "description", "", "description")
	f.StringVar(&want.OSType, "os-type", "linux", "linux, windows or freebsd")
	f.StringVar(&osName, "os-name", "", "such as Ubuntu")
	f.StringVar(&osVersion, "os-version", "", "such as 22.04")
	f.StringVar(&arch, "arch", "x86_64 (64bit)", "processor architecture, as users see it")
	f.Int64Var(&minDisk, "min-disk", 0, "smallest system disk in GiB (default: what the image needs)")
	f.Int64Var(&minMemory, "min-memory", 0, "least memory in MiB")
	f.StringArrayVar(&want.Names, "public-name", nil, `a further name for the same file, such as "Ubuntu 16.04 server 64bit"; again for more`)
	f.BoolVar(&replace, "replace", false, "give names that the catalogue has the new file")
	_ = c.MarkFlagRequired("name") // the flag is there
	c.RunE = func(c *cobra.Command, args []string) error {
		want.Description, want.OSName, want.OSVersion, want.OSArch = optional(description), optional(osName), optional(osVersion), optional(arch)
		want.MinDiskGiB, want.MinMemoryMiB, want.Replace = new(scalar.Int(minDisk)), new(scalar.Int(minMemory)), new(scalar.Bool(replace))
		client, err := connect()
		if err != nil {
			return err
		}
		return importImage(c.Context(), c, client, args[0], checksum, want)
	}
	return c
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func importImage(ctx context.Context, c *cobra.Command, client *adminclient.Client, source, checksum string, want wire.ImportImageRequest) error {
	bar := &adminclient.Bar{Out: c.ErrOrStderr(), Terminal: isTerminal(os.Stderr)}
	image, err := client.ImportImage(ctx, source, checksum, want, bar.Tell)
	bar.End()
	if err != nil {
		return err
	}
	fmt.Fprintln(c.OutOrStdout(), image.Name, image.ID, "sha256:"+*image.Sha256)
	return nil
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
