package controlplane

import (
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"edgecloud/contract"
	"edgecloud/dialect/admin"
)

// Config says what a control plane is made of. The zero value of a field takes its default.
type Config struct {
	DSN       string // of the database: "sqlite:PATH" or "postgres://..."
	MasterKey string // path of the key file that seals secrets; made if it is absent
	Domain    string // the dialects' names end in it: bec.DOMAIN, iecs.DOMAIN, ...; default DefaultDomain
	Names     map[string]string
	Region    string // default "region-1"
	FilesDir  string // image files that hosts fetch; empty: images cannot be imported
	SeriesDir string // time series of what is used; empty: none are kept, and whoever asks finds nothing
	Version   string // of the program, as the health check tells it
	TLS       *tls.Config

	SeriesKeep time.Duration // how long time series are kept; default tsdb.DefaultRetention

	FilesURL     string         // where hosts fetch from FilesDir; empty: they see the folder itself
	ImageLimit   int64          // bytes of an image file; default files.DefaultLimit
	ImageSources []netip.Prefix // networks that tenants' image URLs may point into, beside public ones

	// BaseURL is how callers reach the main listener, for addresses in answers: "https://127.0.0.1:8443". Empty: as the request came.
	BaseURL string
	// Endpoints are the URLs of the dialects' own ports by door, for the catalogue in IAM's tokens when the caller came by such a port.
	Endpoints map[string]string

	Heartbeat time.Duration // of hosts; default 10 s
	Workers   int           // step transactions at a time
	Strict    bool          // refuse members that the contract does not name

	Faults admin.Faults // of the simulated world; nil with other engines

	Now    func() time.Time
	Rand   io.Reader
	Logger *slog.Logger

	// RememberStatements keeps the texts of all statements, for tests of their plans.
	RememberStatements bool

	// Answered is told every answer of every door, for tests that hold answers against the contract.
	Answered func(op *contract.Operation, status int, header http.Header, body []byte)
}

// DefaultDomain is the domain of a cloud that was given no other; it resolves to loopback on most resolvers.
const DefaultDomain = "edgecloud.localhost"
