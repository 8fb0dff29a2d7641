package onebox

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"edgecloud/contract/scalar"
	wire "edgecloud/dialect/admin/wire/catalogue"
	"edgecloud/guest/debian"
	"edgecloud/guest/tiny"
)

// Buildable is an image that this program can make on this machine.
type Buildable struct {
	Name  string
	About string
	Build func(ctx context.Context, path string, log io.Writer) error
	// Import is how the catalogue shows it: under its own name and those that users of the clouds expect.
	Import wire.ImportImageRequest
}

// Buildables lists them.
func Buildables() []Buildable {
	return []Buildable{
		{"debian-12", "Debian 12 from this machine's apt sources, with cloud-init; takes minutes and root", buildDebian, wire.ImportImageRequest{Name: "debian-12",
			Description: new("Debian 12 with cloud-init"), OSType: "linux", OSName: new("Debian"), OSVersion: new("12"), OSArch: new("x86_64 (64bit)"),
			MinMemoryMiB: new(scalar.Int(512)), Names: []string{"Debian 12 64bit", "Debian 12.0.0 64bit"}, Replace: new(scalar.Bool(true))}},
		{"tiny", "a Linux of a few megabytes, for tests", buildTiny, wire.ImportImageRequest{Name: "tiny", Description: new("A Linux of a few megabytes"), OSType: "linux",
			OSName: new("Linux"), OSVersion: new("tiny"), OSArch: new("x86_64 (64bit)"), MinMemoryMiB: new(scalar.Int(128)), Replace: new(scalar.Bool(true))}},
	}
}

// BuildableNamed finds one.
func BuildableNamed(name string) (Buildable, error) {
	all := Buildables()
	if k := slices.IndexFunc(all, func(b Buildable) bool { return b.Name == name }); k >= 0 {
		return all[k], nil
	}
	var names []string
	for _, b := range all {
		names = append(names, b.Name)
	}
	return Buildable{}, fmt.Errorf("%s: no such image; there are %s", name, strings.Join(names, ", "))
}

func buildDebian(ctx context.Context, path string, log io.Writer) error {
	_, err := debian.Build(ctx, debian.Options{Out: path, Log: log})
	return err
}

func buildTiny(ctx context.Context, path string, _ io.Writer) error {
	cache, err := os.MkdirTemp("", "edgecloud-tiny-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(cache)
	_, err = tiny.Build(ctx, tiny.Options{Out: path, Cache: cache})
	return err
}
