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

// ServeHTTP serves the main listener: the door that the Host header names, and what every name has: /docs, /console and image files.
func (c *ControlPlane) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.URL.Path, consoleproxy.Prefix):
		c.Console.ServeHTTP(w, r)
		return
	case r.URL.Path == "/docs" || strings.HasPrefix(r.URL.Path, "/docs/"):
		c.docs().ServeHTTP(w, r)
		return
	case strings.HasPrefix(r.URL.Path, filesPrefix):
		c.files.ServeHTTP(w, r)
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
