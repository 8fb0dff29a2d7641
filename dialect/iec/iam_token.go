package iec

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"edgecloud/cloud/identity"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/iec/wire/auth"
	"edgecloud/fault"
)

const (
	subjectHeader = "X-Subject-Token"
	maxLogin      = 64 << 10 // bytes of a login's body
	iamTime       = "2006-01-02T15:04:05.000000Z"
)

// CreateToken answers POST /v3/auth/tokens: the token is in the header X-Subject-Token.
func (m *IAM) CreateToken(w http.ResponseWriter, r *http.Request) {
	nameRequest(w)
	var body wire.AuthRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxLogin)).Decode(&body); err != nil {
		writeIAMFault(w, fault.BadField("auth", "the request body is not valid JSON of the documented form").Because(err))
		return
	}
	bearer, token, err := m.login(r, body)
	if err != nil {
		writeIAMFault(w, err)
		return
	}
	w.Header().Set(subjectHeader, bearer)
	writeJSON(w, http.StatusCreated, token)
}

// login gives a token, and what is said of it.
func (m *IAM) login(r *http.Request, body wire.AuthRequest) (bearer string, described any, err error) {
	login, err := readLogin(body.Auth)
	if err != nil {
		return "", nil, err
	}
	bearer, token, err := m.identity.Login(r.Context(), login)
	if err != nil {
		return "", nil, err
	}
	return bearer, m.describe(r, token), nil
}

// tokens binds the login at IEC's own address too: clients that are given one address for everything log in there.
func (d *Door) tokens() dialect.Handlers {
	return dialect.Handlers{wire.OpCreateToken: func(_ context.Context, c *dialect.Call) (*dialect.Answer, error) {
		var body wire.AuthRequest
		if err := c.Decode(&body); err != nil {
			return nil, err
		}
		bearer, token, err := d.IAM.login(c.Request, body)
		if err != nil {
			return nil, err
		}
		return &dialect.Answer{Status: http.StatusCreated, Header: http.Header{subjectHeader: {bearer}}, Body: token}, nil
	}}
}

func readLogin(a wire.Auth) (identity.Login, error) {
	var l identity.Login
	if len(a.Identity.Methods) != 1 {
		return l, fault.BadField("auth.identity.methods", "must name one method")
	}
	if err := readMethod(a.Identity, &l); err != nil {
		return l, err
	}
	if a.Scope == nil || (a.Scope.Domain == nil && a.Scope.Project == nil) {
		return l, nil
	}
	if a.Scope.Domain != nil && a.Scope.Project != nil {
		return l, fault.BadField("auth.scope", "must be a domain or a project, not both")
	}
	if d := a.Scope.Domain; d != nil {
		l.Scope, l.ScopeAccount, l.ScopeAccountName = identity.AccountScope, text(d.ID), text(d.Name)
		if l.ScopeAccount == "" && l.ScopeAccountName == "" {
			return l, fault.BadField("auth.scope.domain", "needs id or name")
		}
		return l, nil
	}
	p := a.Scope.Project
	l.Scope, l.ScopeProject, l.ScopeProjectName = identity.ProjectScope, text(p.ID), text(p.Name)
	if p.Domain != nil {
		l.ScopeAccount, l.ScopeAccountName = text(p.Domain.ID), text(p.Domain.Name)
	}
	if l.ScopeProject == "" && l.ScopeProjectName == "" {
		return l, fault.BadField("auth.scope.project", "needs id or name")
	}
	return l, nil
}

func readMethod(i wire.Identity, l *identity.Login) error {
	switch i.Methods[0] {
	case "password":
		if i.Password == nil || i.Password.User == nil {
			return fault.BadField("auth.identity.password.user", "is required by the method password")
		}
		u := i.Password.User
		l.User, l.UserName, l.Password = text(u.ID), text(u.Name), u.Password
		if u.Domain != nil {
			l.Account, l.AccountName = text(u.Domain.ID), text(u.Domain.Name)
		}
		if l.User == "" && (l.UserName == "" || (l.Account == "" && l.AccountName == "")) {
			return fault.BadField("auth.identity.password.user", "needs id, or name and domain")
		}
		return nil
	case "token":
		if i.Token == nil || text(i.Token.ID) == "" {
			return fault.BadField("auth.identity.token.id", "is required by the method token")
		}
		l.Bearer = *i.Token.ID
		return nil
	}
	return fault.BadField("auth.identity.methods", "must be password or token; agencies (assume_role) are not offered")
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// describe says of a token what Keystone v3 says: official clients read a part of it, other OpenStack clients the rest.
func (m *IAM) describe(r *http.Request, t identity.Token) map[string]any {
	account := wire.IDOrName{ID: t.Account, Name: t.AccountName}
	out := wire.Token{ID: t.ID, Methods: t.Methods, IssuedAt: t.IssuedAt.Format(iamTime), ExpiresAt: t.ExpiresAt.Format(iamTime)}
	setUser(&out, t, account)
	switch t.Scope {
	case identity.AccountScope:
		out.Domain = &account
	case identity.ProjectScope:
		setProject(&out, t, account)
	}
	if t.Scope != identity.Unscoped {
		out.Roles = scalar.List[wire.IDOrName]{{ID: string(t.Role), Name: keystoneRole(t.Role)}}
		if !r.URL.Query().Has("nocatalog") {
			m.fillCatalog(&out, r)
		}
	}
	return map[string]any{"token": out}
}

// keystoneRole names a role as Huawei's IAM does: te_admin has every right in the account.
func keystoneRole(role identity.Role) string {
	if role == identity.Reader {
		return "readonly"
	}
	return "te_admin"
}

func setUser(out *wire.Token, t identity.Token, account wire.IDOrName) {
	fill(&out.User)
	out.User.ID, out.User.Name, out.User.Domain = t.User, t.UserName, &account
}

func setProject(out *wire.Token, t identity.Token, account wire.IDOrName) {
	fill(&out.Project)
	out.Project.ID, out.Project.Name, out.Project.Domain = t.Project, t.ProjectName, &account
}

func (m *IAM) fillCatalog(out *wire.Token, r *http.Request) {
	for _, s := range m.catalog(r) {
		entry := more(&out.Catalog)
		entry.ID, entry.Name, entry.Type = s.ID, s.Name, s.Type
		for _, e := range s.Endpoints {
			endpoint := more(&entry.Endpoints)
			endpoint.ID, endpoint.Region, endpoint.Interface, endpoint.URL = e.ID, e.Region, "public", e.URL
		}
	}
}

// fill makes a value of a type that the generated code leaves without a name.
func fill[T any](p **T) { *p = new(T) }

// more appends an element of a type that the generated code leaves without a name.
func more[T any](l *scalar.List[T]) *T {
	var zero T
	*l = append(*l, zero)
	return &(*l)[len(*l)-1]
}

// subject proves the caller and the token that it asks about: its own user's, or, by an operator, any. Others' tokens are as absent as unknown ones.
func (m *IAM) subject(r *http.Request) (*identity.Caller, identity.Token, error) {
	caller, err := m.caller(r)
	if err != nil {
		return nil, identity.Token{}, err
	}
	bearer := r.Header.Get(subjectHeader)
	if bearer == "" {
		return nil, identity.Token{}, fault.BadField(subjectHeader, "the header is required")
	}
	token, err := m.identity.Token(r.Context(), bearer)
	if (err != nil && identity.ReasonOf(err) != "") || (err == nil && !caller.Operator && token.User != caller.User) {
		return nil, identity.Token{}, fault.New(fault.NotFound, "Could not find the token.")
	}
	return caller, token, err
}

func (m *IAM) showToken(w http.ResponseWriter, r *http.Request) {
	_, token, err := m.subject(r)
	if err != nil {
		writeIAMFault(w, err)
		return
	}
	w.Header().Set(subjectHeader, r.Header.Get(subjectHeader))
	writeJSON(w, http.StatusOK, m.describe(r, token))
}

func (m *IAM) revokeToken(w http.ResponseWriter, r *http.Request) {
	caller, _, err := m.subject(r)
	if err == nil {
		err = m.identity.Revoke(r.Context(), caller, r.Header.Get(subjectHeader))
	}
	if err != nil {
		writeIAMFault(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (m *IAM) showCatalog(w http.ResponseWriter, r *http.Request) {
	m.as(w, r, func(*identity.Caller) (any, error) {
		var t wire.Token
		m.fillCatalog(&t, r)
		return map[string]any{"catalog": t.Catalog, "links": links{Self: self(r, r.URL.Path)}}, nil
	})
}

// versions answers version discovery with 300, as Keystone does (RFC 9110 section 15.4.1).
func (m *IAM) versions(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusMultipleChoices, map[string]any{"versions": map[string]any{"values": []apiVersion{describeVersion(r)}}})
}

func (m *IAM) version(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"version": describeVersion(r)})
}

type apiVersion struct {
	ID      string `json:"id"`
	Status  string `json:"status"`
	Updated string `json:"updated"`
	Links   []link `json:"links"`
}

type link struct {
	Rel  string `json:"rel"`
	Href string `json:"href"`
}

func describeVersion(r *http.Request) apiVersion {
	released := time.Date(2016, 4, 4, 0, 0, 0, 0, time.UTC) // of Keystone's API 3.6
	return apiVersion{ID: "v3.6", Status: "stable", Updated: released.Format(time.RFC3339), Links: []link{{Rel: "self", Href: self(r, "/v3/")}}}
}
