// Command generate compiles api/ into contract/index and the wire types of every dialect. Run it with `make generate` or `go generate ./contract`.
package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"edgecloud/api"
	"edgecloud/contract/compile"
	"edgecloud/contract/wiregen"
)

func main() {
	log.SetFlags(0)
	root, err := moduleRoot()
	if err != nil {
		log.Fatal(err)
	}
	if err := run(root); err != nil {
		log.Fatal(err)
	}
}

func run(root string) error {
	dialects, err := compile.All(api.FS)
	if err != nil {
		return err
	}
	index := filepath.Join(root, "contract", "index")
	if err := os.MkdirAll(index, 0o755); err != nil {
		return err
	}
	for _, d := range dialects {
		raw, err := d.Archive()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(index, d.Name+".zip"), raw, 0o644); err != nil {
			return err
		}
		fmt.Printf("%-9s %3d operations, %3d files, index %d KiB\n", d.Name, len(d.Operations), len(d.Files), len(raw)>>10)
	}
	return writeWire(root, dialects)
}

// writeWire replaces every wire package, so that one without a contract file disappears.
func writeWire(root string, dialects []*compile.Dialect) error {
	files, err := wiregen.All(dialects)
	if err != nil {
		return err
	}
	for _, d := range dialects {
		if err := os.RemoveAll(filepath.Join(root, "dialect", d.Name, "wire")); err != nil {
			return err
		}
	}
	registry, err := wiregen.Registry(dialects)
	if err != nil {
		return err
	}
	files["contract/wiregen/registry_gen_test.go"] = registry
	for name, src := range files {
		p := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(p, src, 0o644); err != nil {
			return err
		}
	}
	fmt.Printf("%d wire packages\n", len(files)-1)
	return nil
}

// moduleRoot is the nearest folder upwards with a go.mod: go generate runs in the package's folder, make in the root.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("no go.mod above the working directory")
		}
		dir = up
	}
}
