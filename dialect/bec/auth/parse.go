package auth

import (
	"strconv"
	"strings"
	"time"

	"edgecloud/cloud/identity"
	"edgecloud/dialect/signature"
)

const (
	scheme        = "bce-auth-v1"
	anyScheme     = "bce-auth-v"
	timeForm      = "2006-01-02T15:04:05Z"
	signatureSize = 64 // hex digits
	maxAuthSize   = 8 << 10
)

// credential is a parsed Authorization header.
type credential struct {
	prefix        string // bce-auth-v1/{ak}/{timestamp}/{expiration}: what the signing key is made from
	keyID         string
	signedAt      time.Time
	validFor      time.Duration
	signedHeaders []string // nil: the default set
	signature     string
}

// parse reads bce-auth-v{version}/{accessKeyId}/{timestamp}/{expirationPeriodInSeconds}/{signedHeaders}/{signature}.
func parse(header string) (credential, error) {
	header = strings.TrimSpace(header)
	if header == "" {
		return credential{}, identity.Refuse(identity.MissingCredential, "The request has no Authorization header.")
	}
	if !strings.HasPrefix(header, scheme+"/") {
		if strings.HasPrefix(header, anyScheme) {
			return credential{}, identity.Refuse(identity.UnsupportedScheme, "The version of the Authorization header is not supported; use bce-auth-v1.")
		}
		return credential{}, malformed("it does not start with bce-auth-v1/")
	}
	parts := strings.Split(header, "/")
	if len(parts) != 6 || len(header) > maxAuthSize {
		return credential{}, malformed("it must be bce-auth-v1/{accessKeyId}/{timestamp}/{expirationPeriodInSeconds}/{signedHeaders}/{signature}")
	}
	c := credential{prefix: strings.Join(parts[:4], "/"), keyID: parts[1], signature: parts[5]}
	if c.keyID == "" || len(c.signature) != signatureSize {
		return credential{}, malformed("accessKeyId must not be empty and signature must have 64 hex digits")
	}
	signedAt, err := time.Parse(timeForm, parts[2])
	if err != nil {
		return credential{}, malformed("timestamp must look like 2014-06-01T23:00:10Z")
	}
	seconds, err := strconv.ParseUint(parts[3], 10, 31)
	if err != nil || seconds == 0 {
		return credential{}, malformed("expirationPeriodInSeconds must be a positive integer")
	}
	c.signedAt, c.validFor = signedAt, time.Duration(seconds)*time.Second
	if c.signedHeaders, err = signature.SignedHeaders(parts[4]); err != nil {
		return credential{}, malformed("signedHeaders must be lower-case header names joined by semicolons, each once")
	}
	return c, nil
}

func malformed(why string) error {
	return identity.Refuse(identity.MalformedCredential, "The Authorization header is not valid: %s.", why)
}
