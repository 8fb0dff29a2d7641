package admin

import (
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/fault"
)

func TestEveryKindOfFaultHasAStatus(t *testing.T) {
	for _, k := range fault.Kinds() {
		require.GreaterOrEqual(t, statuses[k], 400, k)
	}
}
