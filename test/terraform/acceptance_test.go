//go:build terraform

package terraform

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestProviderAcceptance runs the provider's own acceptance tests of IEC, as its authors run them against the real cloud.
func TestProviderAcceptance(t *testing.T) {
	c := start(t)
	binary := tool(t, "huaweicloud-"+providerVersion+".test")
	c.env = append(c.env, "TF_ACC=1", "TF_ACC_TERRAFORM_PATH="+tool(t, "terraform-"+terraformVersion))
	listed, err := c.command(t, time.Minute, binary, "-test.list", "^TestAcc(Iec|IEC)").Output()
	require.NoError(t, err)
	names := strings.Fields(string(listed))
	require.Greater(t, len(names), 20, "the provider's tests of IEC")
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := c.command(t, 10*time.Minute, binary, "-test.run", "^"+name+"$", "-test.v").CombinedOutput()
			require.NoError(t, err, lines(out, 60))
			require.Contains(t, string(out), "--- PASS: "+name, "it ran and was not skipped")
		})
	}
}
