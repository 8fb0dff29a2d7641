// Package imports holds the arrows of the architecture: who may import whom.
package imports

import (
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// pkg is what `go list` says of a package.
type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

const module = "edgecloud/"

// list gives every package of the module with all that it depends on, tests left out: they may look everywhere.
func list(t *testing.T) []pkg {
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Imports,Deps", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	require.NoError(t, err)
	var all []pkg
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p pkg
		err := dec.Decode(&p)
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		if strings.HasPrefix(p.ImportPath, module) {
			all = append(all, p)
		}
	}
	require.Greater(t, len(all), 50, "go list found next to nothing")
	return all
}

// under tells whether a package is one of the folders or below it.
func under(path string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return path == module+f || strings.HasPrefix(path, module+f+"/") })
}

// never lists what a part of the house must not reach, not even through others.
var never = map[string][]string{
	"fault":        {"api", "contract", "dialect", "cloud", "store", "work", "link", "agent", "engine", "controlplane", "control", "host", "onebox", "guest", "consoleproxy"},
	"store":        {"contract", "dialect", "cloud", "work", "link", "agent", "engine", "controlplane", "control", "host", "onebox", "guest", "consoleproxy"},
	"work":         {"contract", "dialect", "cloud", "link", "agent", "engine", "controlplane", "control", "host", "onebox", "guest", "consoleproxy"},
	"link":         {"contract", "dialect", "cloud", "work", "agent", "engine", "controlplane", "control", "host", "onebox", "guest", "consoleproxy"},
	"contract":     {"dialect", "cloud", "store", "work", "link", "agent", "engine", "controlplane", "control", "host", "onebox", "guest", "consoleproxy"},
	"cloud":        {"contract", "dialect", "agent", "engine", "controlplane", "control", "host", "onebox", "consoleproxy"},
	"engine":       {"contract", "dialect", "cloud", "store", "work", "agent", "controlplane", "control", "host", "onebox", "consoleproxy"},
	"agent":        {"contract", "dialect", "cloud", "store", "work", "controlplane", "control", "host", "onebox", "consoleproxy"},
	"dialect":      {"agent", "engine", "controlplane", "control", "host", "onebox", "adminclient"},
	"guest":        {"contract", "dialect", "cloud", "store", "work", "agent", "controlplane", "control", "host", "onebox"},
	"controlplane": {"agent", "engine", "control", "host", "onebox", "adminclient"},
	"control":      {"agent", "engine", "host", "onebox", "adminclient"},
	"host":         {"contract", "dialect", "cloud", "work", "controlplane", "control", "onebox", "adminclient"},
	"adminclient":  {"cloud", "store", "work", "link", "agent", "engine", "controlplane", "control", "host", "onebox"},
}

// excused packages serve tests only, and start whole clouds.
var excused = []string{"controlplane/controlplanetest"}

func TestArrowsPointOneWay(t *testing.T) {
	for _, p := range list(t) {
		if under(p.ImportPath, excused...) {
			continue
		}
		for from, forbidden := range never {
			if !under(p.ImportPath, from) {
				continue
			}
			for _, d := range p.Deps {
				if under(d, forbidden...) && !under(d, from) {
					t.Errorf("%s reaches %s, which %s must not", p.ImportPath, d, from)
				}
			}
		}
	}
}

// floors of the cloud, lowest first: a package imports only its own floor and those below. On a floor of more than one, the order inside is by name of who
// may see whom: Go refuses circles.
var floors = [][]string{
	{"identity", "place", "quota", "audit", "operation"},
	{"image", "network", "volume", "object"},
	{"compute", "container", "baremetal"},
	{"balancer", "desktop", "monitor", "metering", "check", "plan"},
}

func floorOf(path string) int {
	for n, floor := range floors {
		for _, name := range floor {
			if under(path, "cloud/"+name) {
				return n
			}
		}
	}
	return -1
}

func TestTheCloudsFloors(t *testing.T) {
	for _, p := range list(t) {
		if !under(p.ImportPath, "cloud") || p.ImportPath == module+"cloud" {
			continue
		}
		own := floorOf(p.ImportPath)
		require.GreaterOrEqual(t, own, 0, "%s is on no floor: say which in this test and in the architecture", p.ImportPath)
		for _, d := range p.Deps {
			if f := floorOf(d); under(d, "cloud") && f > own {
				t.Errorf("%s (floor %d) reaches up to %s (floor %d)", p.ImportPath, own, d, f)
			}
		}
	}
}

// sdks are the vendors' clients: the cloud is what they call, so only tests use them.
var sdks = []string{"github.com/baidubce/", "github.com/tencentcloud/", "github.com/huaweicloud/"}

func TestOnlyTestsImportVendorsSDKs(t *testing.T) {
	for _, p := range list(t) {
		if under(p.ImportPath, append(excused, "test")...) {
			continue
		}
		for _, i := range p.Imports {
			if slices.ContainsFunc(sdks, func(s string) bool { return strings.HasPrefix(i, s) }) {
				t.Errorf("%s imports %s", p.ImportPath, i)
			}
		}
	}
}

// Every door is apart from the others: what two of them need belongs into the cloud. Only the operators' door takes the others' signatures, so that any key opens it.
func TestDialectsDoNotKnowEachOther(t *testing.T) {
	doors := []string{"bec", "iec", "cecstack", "tcebms", "admin"}
	for _, p := range list(t) {
		for _, own := range doors {
			if !under(p.ImportPath, "dialect/"+own) {
				continue
			}
			for _, other := range doors {
				for _, d := range p.Deps {
					signature := own == "admin" && under(d, "dialect/"+other+"/auth")
					if other != own && under(d, "dialect/"+other) && !signature {
						t.Errorf("%s reaches %s", p.ImportPath, d)
					}
				}
			}
		}
	}
}
