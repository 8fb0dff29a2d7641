package cecstack

import (
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/fault"
)

func TestEveryKindOfFaultHasACode(t *testing.T) {
	for _, k := range fault.Kinds() {
		require.NotEmpty(t, codes[k], k)
	}
}
