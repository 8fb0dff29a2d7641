package iec

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"edgecloud/cloud/identity"
	"edgecloud/fault"
)

// The lists of the identity service are not in the contract (the document leaves IAM to another one); their fields are Keystone v3's.

type links struct {
	Self     string  `json:"self"`
	Previous *string `json:"previous"`
	Next     *string `json:"next"`
}

type domain struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Enabled     bool     `json:"enabled"`
	Links       selfLink `json:"links"`
}

type selfLink struct {
	Self string `json:"self"`
}

type project struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	DomainID    string   `json:"domain_id"`
	ParentID    string   `json:"parent_id"`
	IsDomain    bool     `json:"is_domain"`
	Enabled     bool     `json:"enabled"`
	Links       selfLink `json:"links"`
}

type user struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	DomainID string   `json:"domain_id"`
	Enabled  bool     `json:"enabled"`
	Links    selfLink `json:"links"`
}

// listDomains answers GET /v3/auth/domains: the caller's own account, which is the only one that its tokens can be scoped to.
func (m *IAM) listDomains(w http.ResponseWriter, r *http.Request) {
	m.as(w, r, func(c *identity.Caller) (any, error) {
		a, err := m.identity.Account(r.Context(), c, c.Account)
		if err != nil {
			return nil, err
		}
		d := domain{ID: a.UID, Name: a.Name, Enabled: !a.Suspended, Links: selfLink{Self: self(r, "/v3/domains/"+a.UID)}}
		return map[string]any{"domains": []domain{d}, "links": links{Self: self(r, r.URL.Path)}}, nil
	})
}

// listProjects answers GET /v3/auth/projects and /v3/projects?domain_id=&name=. A foreign account has no projects.
func (m *IAM) listProjects(w http.ResponseWriter, r *http.Request) {
	m.as(w, r, func(c *identity.Caller) (any, error) {
		found, err := m.identity.Projects(r.Context(), c, wantedAccount(r, c), r.URL.Query().Get("name"))
		if err != nil {
			return nil, err
		}
		projects := make([]project, 0, len(found))
		for _, p := range found {
			projects = append(projects, describeProject(r, p))
		}
		return map[string]any{"projects": projects, "links": links{Self: self(r, r.URL.Path)}}, nil
	})
}

func (m *IAM) showProject(w http.ResponseWriter, r *http.Request) {
	m.as(w, r, func(c *identity.Caller) (any, error) {
		id := chi.URLParam(r, "id")
		found, err := m.identity.Projects(r.Context(), c, c.Account, "")
		if err != nil {
			return nil, err
		}
		for _, p := range found {
			if p.UID == id {
				return map[string]any{"project": describeProject(r, p)}, nil
			}
		}
		return nil, fault.New(fault.NotFound, "Could not find project: %s.", id)
	})
}

func describeProject(r *http.Request, p *identity.Project) project {
	return project{ID: p.UID, Name: p.Name, DomainID: p.Account, ParentID: p.Account, Enabled: true, Links: selfLink{Self: self(r, "/v3/projects/"+p.UID)}}
}

// listUsers answers GET /v3/users?domain_id=&name=. A foreign account has no users.
func (m *IAM) listUsers(w http.ResponseWriter, r *http.Request) {
	m.as(w, r, func(c *identity.Caller) (any, error) {
		found, err := m.identity.Users(r.Context(), c, wantedAccount(r, c), r.URL.Query().Get("name"))
		if err != nil {
			return nil, err
		}
		users := make([]user, 0, len(found))
		for _, u := range found {
			users = append(users, user{ID: u.UID, Name: u.Name, DomainID: u.Account, Enabled: !u.Disabled, Links: selfLink{Self: self(r, "/v3/users/"+u.UID)}})
		}
		return map[string]any{"users": users, "links": links{Self: self(r, r.URL.Path)}}, nil
	})
}

func wantedAccount(r *http.Request, c *identity.Caller) string {
	if id := r.URL.Query().Get("domain_id"); id != "" {
		return id
	}
	return c.Account
}
