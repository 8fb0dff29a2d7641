package controlplane

import (
	"net"
	"net/http"
	"strings"

	"edgecloud/consoleproxy"
)

// serviceOf tells which door a Host header is for, by the vendors' own service prefixes under the cloud's domain (any port): bec. ; iecs. and iec. ; iam. and
// iam.{region}. ; ecs-service. and ecs-service.{region}. ; bms. and bms.{anything}. ; admin. More names can be mapped in the configuration.
func (c *ControlPlane) serviceOf(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if door, ok := c.cfg.Names[host]; ok {
		return door
	}
	rest, ok := strings.CutSuffix(host, "."+c.cfg.Domain)
	if !ok {
		return ""
	}
	first, _, _ := strings.Cut(rest, ".")
	return map[string]string{"bec": "bec", "iecs": "iec", "iec": "iec", "iam": "iam", "ecs-service": "cecstack", "bms": "tcebms", "admin": "admin"}[first]
}

// common gives what every name and port serves: consoles, reference pages and image files. nil for all else.
func (c *ControlPlane) common(path string) http.Handler {
	switch {
	case strings.HasPrefix(path, consoleproxy.Prefix):
		return c.Console
	case path == "/docs" || strings.HasPrefix(path, "/docs/"):
		return c.docs()
	case strings.HasPrefix(path, FilesPath):
		return c.files
	}
	return nil
}

// ServeHTTP serves the main listener: the door that the Host header names, and what every name has.
func (c *ControlPlane) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h := c.common(r.URL.Path); h != nil {
		h.ServeHTTP(w, r)
		return
	}
	door := c.serviceOf(r.Host)
	if door == "" && strings.HasPrefix(r.URL.Path, "/admin/") {
		door = "admin"
	}
	if h := c.Door(door); h != nil {
		h.ServeHTTP(w, r)
		return
	}
	http.Error(w, "No service answers to the name "+r.Host+". Use bec., iecs., iam., ecs-service., bms. or admin. under "+c.cfg.Domain+
		", or the port of one dialect. The reference is at /docs.", http.StatusNotFound)
}

// Handler serves one listener: one dialect's with what every port has, or all dialects' if there is no door of that name.
func (c *ControlPlane) Handler(name string) http.Handler {
	door := c.Door(name)
	if door == nil {
		return c
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h := c.common(r.URL.Path); h != nil {
			h.ServeHTTP(w, r)
			return
		}
		door.ServeHTTP(w, r)
	})
}

// Door gives the handler of one door for a listener of its own: bec, iec, iam, cecstack, tcebms or admin. nil if there is none of that name.
func (c *ControlPlane) Door(name string) http.Handler {
	if d, ok := c.doors[name]; ok {
		return d
	}
	if h, ok := c.other[name]; ok {
		return h
	}
	return nil
}
