//go:build terraform

package terraform

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// workspace is a folder with a configuration and its state.
type workspace struct {
	*cloud
	t   *testing.T
	dir string
}

// open makes a workspace; Terraform takes the provider that was built here, not a registry's.
func (c *cloud) open(t *testing.T, configuration string) *workspace {
	t.Helper()
	w := &workspace{cloud: c, t: t, dir: t.TempDir()}
	provider := filepath.Dir(tool(t, "provider-"+providerVersion+"/terraform-provider-huaweicloud"))
	rc := filepath.Join(w.dir, "terraform.rc")
	w.write("terraform.rc", fmt.Sprintf("provider_installation {\n  dev_overrides { \"huaweicloud/huaweicloud\" = %q }\n  direct {}\n}\n", provider))
	w.write("provider.tf", fmt.Sprintf("terraform {\n  required_providers {\n    huaweicloud = { source = \"huaweicloud/huaweicloud\" }\n  }\n}\nprovider \"huaweicloud\" {\n"+
		"  auth_url = \"%s/v3\"\n  endpoints = { iec = %q }\n}\n", c.URL["iam"], c.URL["iec"]))
	w.write("main.tf", configuration)
	w.env = append(w.env[:len(w.env):len(w.env)], "TF_CLI_CONFIG_FILE="+rc)
	return w
}

func (w *workspace) write(name, text string) {
	w.t.Helper()
	require.NoError(w.t, os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600))
}

// run runs Terraform, which must end with one of the codes.
func (w *workspace) run(codes []int, args ...string) string {
	w.t.Helper()
	cmd := w.command(w.t, 15*time.Minute, tool(w.t, "terraform-"+terraformVersion), args...)
	cmd.Dir = w.dir
	out, err := cmd.CombinedOutput()
	if _, failed := err.(*exec.ExitError); err != nil && !failed { //nolint:errorlint // Run gives it bare
		require.NoError(w.t, err)
	}
	require.Contains(w.t, codes, cmd.ProcessState.ExitCode(), "terraform %s\n%s", strings.Join(args, " "), lines(out, 120))
	return string(out)
}

func (w *workspace) apply(args ...string) {
	w.t.Helper()
	w.run([]int{0}, append([]string{"apply", "-auto-approve", "-no-color", "-input=false"}, args...)...)
}

// unchanged demands that a plan wants nothing: all that was applied reads back as it was written.
func (w *workspace) unchanged(args ...string) {
	w.t.Helper()
	w.run([]int{0}, append([]string{"plan", "-detailed-exitcode", "-no-color", "-input=false"}, args...)...)
}

// resources gives the IDs in the state by address.
func (w *workspace) resources() map[string]string {
	w.t.Helper()
	cmd := w.command(w.t, time.Minute, tool(w.t, "terraform-"+terraformVersion), "show", "-json")
	cmd.Dir = w.dir
	out, err := cmd.Output()
	require.NoError(w.t, err)
	var state struct {
		Values struct {
			Root struct {
				Resources []struct {
					Address, Mode string
					Values        struct{ ID string }
				}
			} `json:"root_module"`
		}
	}
	require.NoError(w.t, json.Unmarshal(out, &state))
	ids := map[string]string{}
	for _, r := range state.Values.Root.Resources {
		if r.Mode == "managed" {
			ids[r.Address] = r.Values.ID
		}
	}
	return ids
}

// notImportable have no importer in the provider.
var notImportable = []string{"huaweicloud_iec_server.", "huaweicloud_iec_network_acl_rule.", "huaweicloud_iec_security_group_rule."}

// ofServer is bound to a server's port, which a state without the server does not know.
const ofServer = "huaweicloud_iec_eip.bound"

// TestLife applies a configuration with every resource and data source, plans it again, changes it, imports what can be imported, and destroys it.
func TestLife(t *testing.T) {
	c := start(t)
	configuration, err := os.ReadFile(filepath.Join("testdata", "life.tf"))
	require.NoError(t, err)
	w := c.open(t, string(configuration))
	w.apply()
	w.unchanged()
	w.apply("-var", "suffix=-2")
	w.unchanged("-var", "suffix=-2")

	ids := w.resources()
	require.Len(t, ids, 18)
	again := c.open(t, string(configuration))
	for address, id := range ids {
		if !hasPrefix(address, notImportable) {
			again.run([]int{0}, "import", "-no-color", "-input=false", address, id)
		}
	}
	changed := again.run([]int{0, 2}, "plan", "-detailed-exitcode", "-no-color", "-input=false", "-var", "suffix=-2")
	for address := range ids {
		if !hasPrefix(address, notImportable) && address != ofServer {
			require.NotContains(t, changed, "# "+address+" will be updated", "imported and then different")
		}
	}

	w.run([]int{0}, "destroy", "-auto-approve", "-no-color", "-input=false", "-var", "suffix=-2")
	require.Empty(t, w.resources())
	c.nothingLeft(t)
}

func hasPrefix(text string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(text, p) {
			return true
		}
	}
	return false
}
