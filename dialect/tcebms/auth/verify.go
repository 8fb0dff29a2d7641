package auth

import (
	"context"
	"mime"
	"net/http"
	"strconv"
	"time"

	"edgecloud/cloud/identity"
	"edgecloud/fault"
)

const (
	// Window is how far a request's timestamp may be from our clock, either way (conventions section 2).
	Window = 5 * time.Minute

	maxKeyID    = 128
	typeForm    = "application/x-www-form-urlencoded"
	typeMulti   = "multipart/form-data"
	maxV1Params = 10000 // flattened parameters of the 1 MB that a form may have
)

// Verify proves the signature of a request whose body was read before, and gives the caller. service is the name that a v3 signature must be made for ("bms").
// Errors are faults with an identity.Reason.
func Verify(r *http.Request, body []byte, now time.Time, keys identity.Keys, service string) (*identity.Caller, error) {
	kind, err := contentType(r)
	if err != nil {
		return nil, err
	}
	proof, err := readProof(r, body, kind, service)
	if err != nil {
		return nil, err
	}
	if err := checkTime(proof.timestamp, now); err != nil {
		return nil, err
	}
	key, err := find(r.Context(), keys, proof.keyID)
	if err != nil {
		return nil, err
	}
	if !proof.fits(key.Secret) {
		return nil, identity.Refuse(identity.WrongSignature, "The provided credentials could not be validated. Please check your signature is correct.")
	}
	if err := key.CheckSecurityToken(proof.token); err != nil {
		return nil, err
	}
	if err := key.Usable(now); err != nil {
		return nil, err
	}
	return key.Caller("tcebms"), nil
}

// proof is what either signature boils down to.
type proof struct {
	keyID     string
	token     string // of temporary credentials
	timestamp time.Time
	fits      func(secret string) bool
}

func readProof(r *http.Request, body []byte, kind, service string) (proof, error) {
	if r.Header.Get("Authorization") != "" {
		return readV3(r, body, kind, service)
	}
	if r.Method == http.MethodPost && kind != typeForm {
		return proof{}, identity.Refuse(identity.MissingCredential, "The request has no Authorization header.")
	}
	return readV1(r, body)
}

// contentType refuses the methods and the body form that no action of this API takes.
func contentType(r *http.Request) (string, error) {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		return "", identity.Refuse(identity.UnsupportedScheme, "Only GET and POST are supported.")
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return "", nil // absent or unreadable: treated as neither form nor multipart
	}
	if kind == typeMulti {
		return "", identity.Refuse(identity.UnsupportedScheme, "The action does not support multipart/form-data.")
	}
	return kind, nil
}

func find(ctx context.Context, keys identity.Keys, id string) (identity.Key, error) {
	if !keyID(id) {
		return identity.Key{}, identity.Refuse(identity.MalformedKeyID, "The SecretId is not a cloud API key.")
	}
	key, err := keys.Key(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return identity.Key{}, identity.Refuse(identity.UnknownKey, "The SecretId is not found, please ensure that your SecretId is correct.")
	}
	return key, err
}

func keyID(id string) bool {
	if id == "" || len(id) > maxKeyID {
		return false
	}
	for i := 0; i < len(id); i++ {
		c := id[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' {
			continue
		}
		return false
	}
	return true
}

func readTimestamp(name, value string) (time.Time, error) {
	if value == "" {
		return time.Time{}, missing(name)
	}
	seconds, err := strconv.ParseUint(value, 10, 40) // up to the year 36812: time.Unix and the date form stay sound
	if err != nil {
		return time.Time{}, identity.Refuse(identity.MalformedCredential, "%s must be Unix seconds.", name)
	}
	return time.Unix(int64(seconds), 0).UTC(), nil
}

func checkTime(at, now time.Time) error {
	if now.Sub(at) > Window {
		return identity.Refuse(identity.SignatureExpired, "The signature has expired: the timestamp is more than five minutes from the server time.")
	}
	if at.Sub(now) > Window {
		return identity.Refuse(identity.SignatureFromFuture, "The signature has expired: the timestamp is more than five minutes from the server time.")
	}
	return nil
}

func missing(name string) error {
	return identity.Refuse(identity.MissingParameter, "The request is missing a required parameter: %s.", name)
}
