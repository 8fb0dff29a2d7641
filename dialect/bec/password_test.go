package bec

import (
	"encoding/base64"
	"encoding/hex"
	"testing"

	"github.com/baidubce/bce-sdk-go/util/crypto"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"edgecloud/fault"
)

const secret = "0123456789abcdef0123456789abcdef"

func TestTheCipherIsTheSDKs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOfN(rapid.Byte(), 1, 80).Draw(t, "plain")
		ours, err := encrypt(secret, plain)
		require.NoError(t, err)
		theirs, err := crypto.EBCEncrypto([]byte(secret[:16]), plain)
		require.NoError(t, err)
		require.Equal(t, hex.EncodeToString(theirs), ours)
		back, err := decrypt(secret, theirs)
		require.NoError(t, err)
		require.Equal(t, string(plain), back)
	})
}

func TestAWrongKeyDoesNotDecryptToAPassword(t *testing.T) {
	sealed, err := crypto.EBCEncrypto([]byte("another key 1234"), []byte("Passw0rd!"))
	require.NoError(t, err)
	plain, err := decrypt(secret, sealed)
	require.True(t, err != nil || checkPassword("adminPass", plain) != nil)
}

func FuzzDecrypt(f *testing.F) {
	f.Add(make([]byte, 32))
	f.Fuzz(func(t *testing.T, sealed []byte) {
		if len(sealed) == 0 || len(sealed)%16 != 0 {
			t.Skip()
		}
		plain, err := decrypt(secret, sealed)
		if err != nil {
			return
		}
		again, err := encrypt(secret, []byte(plain))
		require.NoError(t, err)
		require.Equal(t, hex.EncodeToString(sealed), again)
	})
}

func TestThePasswordRule(t *testing.T) {
	for _, good := range []string{"Passw0rd!", "a1!@#$%^", "password1234!", "root@!123456", "+*()aaaaa1", "a1!aaaaaaaaaaaaaaaaaaaaaaaaaaaaa"} {
		require.NoError(t, checkPassword("f", good), good)
	}
	for _, bad := range []string{"", "a1!aaaa", "a1!aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "Password1234", "password!!!!", "12345678!", "Passw0rd! ", "Passw0rd&!", "Pässw0rd!"} {
		err := checkPassword("adminPass", bad)
		require.True(t, fault.Is(err, fault.Invalid), bad)
		require.Equal(t, "adminPass", fault.From(err).Field)
	}
}

func TestUserData(t *testing.T) {
	wrap := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	for _, c := range []struct{ in, out string }{
		{"", ""},
		{"dXNlcl9pbmplY3RlZF9kYXRhOiBhR1ZzYkc4PQ==", "hello"}, // the document's sample
		{wrap("user_injected_data: " + wrap("#!/bin/sh\n")), "#!/bin/sh\n"},
		{wrap("user_injected_data:" + wrap("x")), "x"},
		{wrap("#cloud-config\n"), "#cloud-config\n"},
	} {
		got, err := guestUserData("userData", c.in)
		require.NoError(t, err)
		require.Equal(t, c.out, string(got))
	}
	for _, bad := range []string{"not base64!", wrap("user_injected_data: ???")} {
		_, err := guestUserData("userData", bad)
		require.Equal(t, "userData", fault.From(err).Field)
	}
}

func TestFieldsAreNamedInTheWordsOf2(t *testing.T) {
	for from, to := range map[string]string{
		"deployInstances[1].replicas": "deployInstances[1].purchaseCount", "dataVolumeList[0].sizeInGB": "ephemeralDisks[0].sizeInGB",
		"dataVolumeList[2].sizeInGB": "createCdsList[0].cdsSizeInGB", "cpu": "cpuCount", "bandwidth": "networkCapacityInMbps", "hostname": "hostname",
	} {
		f := fault.From(inV2Words(fault.BadField(from, "is wrong"), 2))
		require.Equal(t, to, f.Field)
		require.Equal(t, to+": is wrong", f.Sentence)
	}
	require.NoError(t, inV2Words(nil, 0))
}
