package iec

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/place"
	"edgecloud/store"
)

func TestTimesAreWrittenAsTheDocumentHasThem(t *testing.T) {
	at := store.At(time.Date(2020, 12, 29, 11, 26, 22, 866644000, time.FixedZone("CST", 8*3600)))
	require.Equal(t, "2020-12-29T03:26:22Z", stamp(at))
	require.Equal(t, "2020-12-29T03:26:22.866644Z", microStamp(at))
}

func TestEveryCarrierHasAnOperator(t *testing.T) {
	for _, c := range []place.Carrier{place.Mobile, place.Unicom, place.Telecom, place.TripleLine, place.BGP} {
		require.NotEmpty(t, operators[c].id, c)
		require.NotEmpty(t, operators[c].name, c)
		require.NotEmpty(t, operators[c].line, c)
	}
}

func TestAnIDIsAUUIDInItsUsualForm(t *testing.T) {
	require.True(t, isUUID("27101e92-49a7-11eb-8a8a-fa1640495574"))
	for _, bad := range []string{"", "27101e9249a711eb8a8afa1640495574", "{27101e92-49a7-11eb-8a8a-fa1640495574}", "27101e92-49a7-11eb-8a8a-fa164049557g"} {
		require.False(t, isUUID(bad), bad)
	}
}
