package consoleproxy

import (
	"embed"
	"net/http"
	"regexp"
)

//go:embed page
var files embed.FS

var served = map[string]struct{ name, kind string }{
	"":           {"page/viewer.html", "text/html; charset=utf-8"},
	"viewer.js":  {"page/viewer.js", "text/javascript; charset=utf-8"},
	"rfb.js":     {"page/rfb.js", "text/javascript; charset=utf-8"},
	"keys.js":    {"page/keys.js", "text/javascript; charset=utf-8"},
	"viewer.css": {"page/viewer.css", "text/css; charset=utf-8"},
}

// hostForm is a Host header that may be repeated in a policy.
var hostForm = regexp.MustCompile(`^[A-Za-z0-9.\-]+(:[0-9]+)?$|^\[[0-9A-Fa-f:]+\](:[0-9]+)?$`)

// secure sets what every answer of the door says to browsers: load nothing from elsewhere, tell nobody the address (it holds the token), keep nothing.
func secure(w http.ResponseWriter, r *http.Request) {
	connect := "'self'"
	if hostForm.MatchString(r.Host) {
		connect += " ws://" + r.Host + " wss://" + r.Host // some browsers do not count websockets as 'self'
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src "+connect+
		"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}

// page serves the viewer. It needs no ticket: without one it shows that the link is not good.
func page(w http.ResponseWriter, r *http.Request, file string) {
	f, ok := served[file]
	if !ok {
		http.NotFound(w, r)
		return
	}
	data, err := files.ReadFile(f.name)
	if err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", f.kind)
	_, _ = w.Write(data) // the browser went away
}
