package bec

import (
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/fault"
)

func TestEveryKindOfFaultHasACodeInBothVersions(t *testing.T) {
	require.Len(t, answers, len(fault.Kinds()))
	for _, k := range fault.Kinds() {
		row, ok := answers[k]
		require.True(t, ok, "%s has no row", k)
		require.GreaterOrEqual(t, row.status, 400, k)
		require.NotEmpty(t, row.v1, k)
		require.NotEmpty(t, row.v2, k)
	}
}

func TestAFaultHasTheMembersThatItsVersionsClientsRead(t *testing.T) {
	f := &Form{}
	one := f.Fault(httptest.NewRequest("GET", "/v1/vpc/x", nil), nil, fault.Missing("network", "x"), "id").Body.(failure)
	require.Equal(t, "Resource Not Found", one.Code)
	require.NotNil(t, one.Msg)
	require.Equal(t, *one.Msg, one.Message)
	two := f.Fault(httptest.NewRequest("GET", "/v2/vpc/x", nil), nil, fault.Missing("network", "x"), "id").Body.(failure)
	require.Equal(t, "NoSuchObject", two.Code)
	require.Nil(t, two.Msg)
	require.Equal(t, "id", two.RequestID)
}
