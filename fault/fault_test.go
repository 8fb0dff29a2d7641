package fault_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/fault"
)

func TestEveryKindHasAName(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range fault.Kinds() {
		require.NotEmpty(t, k.String())
		require.False(t, seen[k.String()], "two kinds are called %q", k)
		seen[k.String()] = true
	}
	require.Equal(t, "kind(99)", fault.Kind(99).String())
}

func TestFromKeepsAFaultAndHidesTheRest(t *testing.T) {
	missing := fault.Missing("instance", "vm-1")
	require.Same(t, missing, fault.From(fmt.Errorf("reading: %w", missing)))

	hidden := fault.From(errors.New("disk full at /secret"))
	require.Equal(t, fault.Internal, hidden.Kind)
	require.NotContains(t, hidden.Sentence, "secret")
	require.Contains(t, hidden.Error(), "secret")
	require.Nil(t, fault.From(nil))
}

func TestDecoratingLeavesTheOriginalAlone(t *testing.T) {
	base := fault.New(fault.Conflict, "busy")
	decorated := base.On("name").About("volume", "cds-1").Because(errors.New("x"))
	require.Empty(t, base.Field)
	require.Equal(t, "name", decorated.Field)
	require.Equal(t, "cds-1", decorated.ID)
	require.True(t, fault.Is(fmt.Errorf("w: %w", decorated), fault.Conflict))
	require.EqualError(t, decorated.Unwrap(), "x")
}
