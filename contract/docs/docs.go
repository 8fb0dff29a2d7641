package docs

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"edgecloud/api"
	"edgecloud/contract"
)

//go:embed pages
var pages embed.FS

var templates = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{
		"json": indent, "type": typeName, "limits": limits, "rows": rows, "plural": plural,
	}).ParseFS(pages, "pages/*.html"))
})

// Titles of the dialects, for people.
var titles = map[string]string{
	"bec":      "Baidu Edge Computing (BEC), API 1.0 and 2.0",
	"iec":      "Huawei Intelligent Edge Cloud (IEC)",
	"cecstack": "CECSTACK 5.2 ECS",
	"tcebms":   "Tencent TCE bare metal (BMS)",
	"admin":    "edgecloud administration",
}

type handler struct {
	prefix string
	built  func(key string) bool
}

// Handler serves the pages under prefix ("/docs"). built tells whether an operation has a handler, by its key.
//
//	{prefix}/                     all dialects
//	{prefix}/{dialect}/           its resources
//	{prefix}/{dialect}/{file}     one resource; with .yaml the OpenAPI document itself
func Handler(prefix string, built func(key string) bool) http.Handler {
	if built == nil {
		built = func(string) bool { return false }
	}
	return &handler{prefix: strings.TrimSuffix(prefix, "/"), built: built}
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	path := strings.Trim(strings.TrimPrefix(r.URL.Path, h.prefix), "/")
	name, file, _ := strings.Cut(path, "/")
	switch {
	case path == "":
		h.render(w, "index.html", h.index())
	case path == "style.css":
		h.style(w)
	case strings.HasSuffix(file, ".yaml"):
		h.source(w, path)
	case file == "":
		h.dialect(w, name)
	default:
		h.file(w, name, file)
	}
}

func (h *handler) style(w http.ResponseWriter) {
	css, err := pages.ReadFile("pages/style.css")
	if err != nil {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "max-age=3600")
	_, _ = w.Write(css)
}

func (h *handler) source(w http.ResponseWriter, path string) {
	raw, err := fs.ReadFile(api.FS, path)
	if err != nil {
		h.notFound(w)
		return
	}
	w.Header().Set("Content-Type", "text/yaml; charset=utf-8")
	_, _ = w.Write(raw)
}

func (h *handler) notFound(w http.ResponseWriter) {
	http.Error(w, "There is no such page. The list of all is at "+h.prefix+"/.", http.StatusNotFound)
}

func (h *handler) render(w http.ResponseWriter, page string, data any) {
	var b bytes.Buffer
	if err := templates().ExecuteTemplate(&b, page, data); err != nil {
		slog.Error("rendering a reference page", "page", page, "error", err)
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(b.Bytes())
}

// load finds a dialect without building an error page for names that are none.
func load(name string) *contract.Dialect {
	d, err := contract.Load(name)
	if err != nil {
		return nil
	}
	return d
}
