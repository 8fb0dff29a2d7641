package iec

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"edgecloud/cloud/compute"
	"edgecloud/cloud/plan"
)

func TestEveryStateHasAStatus(t *testing.T) {
	for _, s := range compute.Lifecycle().States() {
		view := &compute.View{Instance: compute.Instance{State: compute.State(s.Name)}}
		require.NotEmpty(t, statusOf(view).status, s.Name)
		covers := stagesOf(statusOf(view).status)
		found := false
		for _, stage := range covers {
			found = found || stage.State == view.State
		}
		require.True(t, found, "a filter by %s finds %s", statusOf(view).status, s.Name)
	}
	for _, s := range plan.Lifecycle().States() {
		require.NotEmpty(t, cloudStatuses[plan.State(s.Name)], s.Name)
	}
	require.Empty(t, stagesOf("SHELVED"))
}

// A guest's host name is one that compute takes, whatever the instance is called.
func TestHostNamesOfAnyName(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		host := hostName(rapid.String().Draw(t, "name"))
		require.Regexp(t, "^[a-z][a-z0-9-]{1,62}$", host)
	})
	for name, want := range map[string]string{"IEC-ZS01-res_ga2n.x-0001": "iec-zs01-res-ga2n-x-0001", "服务器": "iec", "9lives": "iec-9lives", "r": "iec-r", strings.Repeat("x", 80): strings.Repeat("x", 63)} {
		require.Equal(t, want, hostName(name))
	}
}

func TestPasswords(t *testing.T) {
	for _, good := range []string{"Good!Pass1", "abcDEF123", "abc123!@$", "Aa1!Aa1!Aa1!Aa1!Aa1!Aa1!Aa"} {
		require.NoError(t, checkPassword("p", good), good)
	}
	for _, bad := range []string{"", "Aa1!Aa1", "Aa1!Aa1!Aa1!Aa1!Aa1!Aa1!Aa1", "abcdefgh1", "ABCDEFGH1", "12345678!", "Aa1 Aa1 Aa1", "Aa1!rOOt", "Aa1!toor", "Aa1#Bb2#"} {
		require.Error(t, checkPassword("p", bad), bad)
	}
}

func TestStackPlaces(t *testing.T) {
	require.Equal(t, "xi_a", stackPlace("xi'an"))
	require.Equal(t, "hang", stackPlace("hangzhou"))
}
