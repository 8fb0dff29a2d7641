package iec_test

import (
	"net/http"
	"testing"

	"github.com/huaweicloud/golangsdk/openstack/iec/v1/keypairs"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/iec/v1/model"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/network"
)

func groupNamed(name string) network.NewGroup { return network.NewGroup{Name: name} }

const importedKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHrhIvMPt8yWGZ8wKV/8qPRVhaNYDBnMqQvOd3WqIi9O somebody@laptop"

// TestLifeOfAKeyPair generates one and imports one, reads them back, and deletes them.
func TestLifeOfAKeyPair(t *testing.T) {
	n := newTenant(t)
	made, err := keypairs.Create(n.golang, keypairs.CreateOpts{Name: "made"}).Extract()
	require.NoError(t, err)
	require.Equal(t, n.caller.User, made.UserID)
	private, err := ssh.ParsePrivateKey([]byte(made.PrivateKey))
	require.NoError(t, err, "the private key opens")
	public, comment, _, _, err := ssh.ParseAuthorizedKey([]byte(made.PublicKey))
	require.NoError(t, err)
	require.Equal(t, "Generated-by-Nova", comment)
	require.Equal(t, private.PublicKey().Marshal(), public.Marshal(), "the pair fits")
	require.Equal(t, ssh.FingerprintSHA256(public), made.Fingerprint)

	imported, err := keypairs.Create(n.golang, keypairs.CreateOpts{Name: "imported", PublicKey: importedKey + "\n"}).Extract()
	require.NoError(t, err)
	require.Empty(t, imported.PrivateKey)
	require.Equal(t, importedKey, imported.PublicKey, "as it was given, its comment too, without the end of line")

	shown, err := keypairs.Get(n.golang, "made").Extract()
	require.NoError(t, err)
	require.Empty(t, shown.PrivateKey, "it is shown once")
	require.Equal(t, made.PublicKey, shown.PublicKey)
	require.Equal(t, made.Fingerprint, shown.Fingerprint)
	all, err := n.v3.ListKeypairs(&model.ListKeypairsRequest{})
	require.NoError(t, err)
	require.Len(t, *all.Body, 2)
	name, one := "made", int32(1)
	some, err := n.v3.ListKeypairs(&model.ListKeypairsRequest{Name: &name})
	require.NoError(t, err)
	require.Len(t, *some.Body, 1)
	some, err = n.v3.ListKeypairs(&model.ListKeypairsRequest{Offset: &one, Limit: &one})
	require.NoError(t, err)
	require.Equal(t, "made", *(*some.Body)[0].Name)

	require.NoError(t, keypairs.Delete(n.golang, "imported").ExtractErr())
	_, err = keypairs.Get(n.golang, "imported").Extract()
	refused(t, err, http.StatusNotFound, "IEC.010220")
	refused(t, keypairs.Delete(n.golang, "imported").ExtractErr(), http.StatusNotFound, "IEC.010220")
}

func TestWrongKeyPairsAreRefused(t *testing.T) {
	n := newTenant(t)
	create := func(name, key string) error {
		_, err := keypairs.Create(n.golang, keypairs.CreateOpts{Name: name, PublicKey: key}).Extract()
		return err
	}
	require.NoError(t, create("mine", importedKey))
	refused(t, create("mine", importedKey), http.StatusBadRequest, "IEC.010221")
	for _, key := range []string{"no key", "ssh-rsa AAAA", importedKey + "\n" + importedKey, `command="rm" ` + importedKey,
		"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQDJ3Nd2bHjXWnWwnXvCVfvOPOLWyHBr9NhMDyErGCFgCBcWIfXRmsWbvqHHZSRqoJCNpHa0DE7P/tKVHvVKHv5h short"} {
		refused(t, create("bad", key), http.StatusBadRequest, "IEC.010229")
	}
	long := make([]byte, 65)
	for k := range long {
		long[k] = 'n'
	}
	refused(t, create(string(long), importedKey), http.StatusBadRequest, "IEC.010225")
	other := tenantOf(t, n.Cloud, "other")
	_, err := keypairs.Get(other.golang, "mine").Extract()
	refused(t, err, http.StatusNotFound, "IEC.010220")
	reader := tenantAs(t, n.Cloud, "reader", identity.Reader)
	_, err = keypairs.Create(reader.golang, keypairs.CreateOpts{Name: "read"}).Extract()
	refused(t, err, http.StatusForbidden, "IEC.000005")
}
