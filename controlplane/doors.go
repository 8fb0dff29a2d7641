package controlplane

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path"
	"strings"

	"edgecloud/cloud/compute"
	"edgecloud/cloud/identity"
	"edgecloud/consoleproxy"
	"edgecloud/contract"
	"edgecloud/contract/docs"
	"edgecloud/dialect"
	"edgecloud/dialect/admin"
	"edgecloud/dialect/bec"
	"edgecloud/dialect/cecstack"
	"edgecloud/dialect/iec"
	"edgecloud/dialect/tcebms"
	"edgecloud/store"
)

// FilesPath is where hosts fetch image files. They are named by their content's hash, so that nothing can be guessed or overwritten.
const FilesPath = "/files/"

// open makes the doors.
func (c *ControlPlane) open() (err error) {
	if c.Console, err = consoleproxy.New(consoleproxy.Config{Store: &consoleproxy.MemoryStore{}, Dial: c.dialConsole, Now: c.DB.Now}); err != nil {
		return err
	}
	c.doors = map[string]*dialect.Door{}
	b := &bec.Door{DB: c.DB, Identity: c.Identity, Place: c.Place, Images: c.Images, Networks: c.Networks, Balancers: c.Balancers, Compute: c.Compute, Monitor: c.Monitor, Console: c.consoleURL}
	iam := iec.NewIAM(c.Identity, c.catalog)
	i := &iec.Door{DB: c.DB, Identity: c.Identity, Place: c.Place, Images: c.Images, Networks: c.Networks, Compute: c.Compute, Plans: c.Plans, IAM: iam}
	c.admin = &admin.Door{DB: c.DB, Identity: c.Identity, Place: c.Place, Networks: c.Networks, Images: c.Images, Version: c.cfg.Version, Faults: c.cfg.Faults, Logger: c.log}
	for _, d := range []struct {
		name     string
		form     dialect.Form
		handlers dialect.Handlers
	}{
		{"bec", &bec.Form{DB: c.DB, Identity: c.Identity}, b.Handlers()},
		{"iec", &iec.Form{DB: c.DB, Identity: c.Identity}, i.Handlers()},
		{"cecstack", &cecstack.Form{DB: c.DB, Identity: c.Identity}, nil},
		{"tcebms", &tcebms.Form{DB: c.DB, Identity: c.Identity}, nil},
		{"admin", &admin.Form{DB: c.DB, Identity: c.Identity}, c.admin.Handlers()},
	} {
		if err := c.openDoor(d.name, d.form, d.handlers); err != nil {
			return err
		}
	}
	c.other = map[string]http.Handler{"iam": iam}
	c.files = http.StripPrefix(FilesPath, http.HandlerFunc(c.serveFile))
	return nil
}

func (c *ControlPlane) openDoor(name string, form dialect.Form, handlers dialect.Handlers) error {
	loaded, err := contract.Load(name)
	if err != nil {
		return fmt.Errorf("load the contract of %s: %w", name, err)
	}
	door, err := dialect.New(name, loaded, form, handlers, c.DB, c.log)
	if err != nil {
		return err
	}
	door.Strict, door.Answered = c.cfg.Strict, c.cfg.Answered
	c.doors[name] = door
	return nil
}

func (c *ControlPlane) docs() http.Handler {
	bound := c.Bound()
	return docs.Handler("/docs", func(key string) bool { return bound[key] })
}

// catalog is what IAM's tokens say of the other services, under the name that the client used.
func (c *ControlPlane) catalog(r *http.Request) []iec.Service {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	url := scheme + "://" + r.Host
	if rest, ok := strings.CutPrefix(r.Host, "iam."); ok {
		url = scheme + "://iecs." + rest
	} else if own := c.cfg.Endpoints["iec"]; own != "" {
		url = own
	}
	return []iec.Service{{ID: "iecs", Name: "iecs", Type: "iec", Endpoints: []iec.Endpoint{{ID: "iecs", Region: "*", URL: url + "/v1"}}}}
}

// consoleURL issues a ticket for an instance's screen. The caller's right to it was checked by the verb that found the instance.
func (c *ControlPlane) consoleURL(ctx context.Context, caller *identity.Caller, instance string, r *http.Request) (string, error) {
	ticket, err := c.Console.Issue(ctx, caller.Account, instance)
	if err != nil {
		return "", err
	}
	base := c.cfg.BaseURL
	if base == "" {
		base = "http://" + r.Host
		if r.TLS != nil {
			base = "https://" + r.Host
		}
	}
	return base + ticket.PagePath(), nil
}

// dialConsole reaches an instance's screen on whatever host it is now.
func (c *ControlPlane) dialConsole(ctx context.Context, instance string) (net.Conn, error) {
	var host string
	err := c.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		host, err = compute.HostOf(ctx, tx, instance)
		return err
	})
	if err != nil {
		return nil, err
	}
	return c.dialHost(ctx, host, compute.Kind, instance)
}

// serveFile serves one image file by its hash.
func (c *ControlPlane) serveFile(w http.ResponseWriter, r *http.Request) {
	name := path.Base(r.URL.Path)
	f, err := os.OpenInRoot(c.cfg.FilesDir, name)
	if c.cfg.FilesDir == "" || err != nil {
		http.NotFound(w, r)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		http.NotFound(w, r)
		return
	}
	http.ServeContent(w, r, name, info.ModTime(), f)
}
