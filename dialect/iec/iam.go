package iec

import (
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"

	"edgecloud/cloud/identity"
	"edgecloud/dialect/iec/auth"
	"edgecloud/fault"
)

// Service is an entry of the catalog that a token's answer lists: clients find the other services by it.
type Service struct {
	ID        string
	Name      string // "iecs"
	Type      string // "iec"
	Endpoints []Endpoint
}

// Endpoint is where a service answers.
type Endpoint struct {
	ID     string
	Region string // "*" for a global service
	URL    string
}

// IAM answers the identity service: Keystone v3 in Huawei's way (api/iec/conventions.md section 2.1, the parts marked [client] included).
type IAM struct {
	identity *identity.Identity
	catalog  func(r *http.Request) []Service
	routes   http.Handler
}

// NewIAM makes the identity service's door. catalog gives the services as the client of the request reaches them.
func NewIAM(id *identity.Identity, catalog func(r *http.Request) []Service) *IAM {
	m := &IAM{identity: id, catalog: catalog}
	routes := chi.NewRouter()
	routes.Get("/", m.versions)
	routes.Get("/v3", m.version)
	routes.Get("/v3/", m.version)
	routes.Post("/v3/auth/tokens", m.CreateToken)
	routes.Get("/v3/auth/tokens", m.showToken)
	routes.Head("/v3/auth/tokens", m.showToken)
	routes.Delete("/v3/auth/tokens", m.revokeToken)
	routes.Get("/v3/auth/catalog", m.showCatalog)
	routes.Get("/v3/auth/domains", m.listDomains)
	routes.Get("/v3/auth/projects", m.listProjects)
	routes.Get("/v3/projects", m.listProjects)
	routes.Get("/v3/projects/{id}", m.showProject)
	routes.Get("/v3/users", m.listUsers)
	routes.NotFound(m.notFound)
	routes.MethodNotAllowed(m.notFound)
	m.routes = routes
	return m
}

// ServeHTTP answers a request.
func (m *IAM) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	nameRequest(w)
	m.routes.ServeHTTP(w, r)
}

// caller proves a signature, or a token of any scope: unlike IEC itself, the identity service takes unscoped and project tokens.
func (m *IAM) caller(r *http.Request) (*identity.Caller, error) {
	if r.Header.Get("Authorization") != "" {
		return auth.Verify(r, nil, m.identity.Now(), m.identity, m.identity)
	}
	token, err := auth.Token(r, m.identity)
	if err != nil {
		return nil, err
	}
	return token.Caller("iec"), nil
}

// as runs an operation for a proven caller and writes what it gives.
func (m *IAM) as(w http.ResponseWriter, r *http.Request, operation func(c *identity.Caller) (any, error)) {
	caller, err := m.caller(r)
	if err != nil {
		writeIAMFault(w, err)
		return
	}
	body, err := operation(caller)
	if err != nil {
		writeIAMFault(w, err)
		return
	}
	writeJSON(w, http.StatusOK, body)
}

func (m *IAM) notFound(w http.ResponseWriter, r *http.Request) {
	writeIAMFault(w, fault.New(fault.NotFound, "Could not find %s %s.", r.Method, r.URL.Path))
}

// self gives the address by which the client reached a path.
func self(r *http.Request, path string) string {
	u := url.URL{Scheme: "http", Host: r.Host, Path: path}
	if r.TLS != nil {
		u.Scheme = "https"
	}
	return u.String()
}
