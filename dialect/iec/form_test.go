package iec

import (
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/fault"
)

func TestEveryKindOfFaultHasACode(t *testing.T) {
	for _, k := range fault.Kinds() {
		require.GreaterOrEqual(t, answers[k].status, 400, k)
		require.NotEmpty(t, answers[k].code, k)
	}
}
