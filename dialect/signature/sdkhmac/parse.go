package sdkhmac

import (
	"strings"

	"edgecloud/cloud/identity"
	"edgecloud/dialect/signature"
)

// Scheme is the first word of the Authorization header.
const Scheme = "SDK-HMAC-SHA256"

const (
	signatureSize = 64 // hex digits
	maxAuthSize   = 8 << 10
)

// credential is a parsed Authorization header.
type credential struct {
	keyID         string
	scope         string // of a derived key; empty if the secret itself signs
	headerList    string // as sent: it is signed literally
	signedHeaders []string
	signature     string
	derived       string // the field Credential
}

// parse reads SDK-HMAC-SHA256 Access=<AK>, SignedHeaders=<names;joined>, Signature=<64 hex>; in place of Access=<AK> the older client that Terraform uses
// sends Credential=<AK>/<date>/<region>/<service>/sdk_request.
func parse(header string) (credential, error) {
	header = strings.TrimSpace(header)
	if header == "" {
		return credential{}, identity.Refuse(identity.MissingCredential, "The request has no Authorization header.")
	}
	if len(header) > maxAuthSize {
		return credential{}, malformed("it is too long")
	}
	word, rest, ok := strings.Cut(header, " ")
	if word != Scheme {
		return credential{}, identity.Refuse(identity.UnsupportedScheme, "The signature algorithm is not supported; use %s.", Scheme)
	}
	if !ok {
		return credential{}, malformed("it has no parameters")
	}
	c, err := parseFields(rest)
	if err != nil {
		return credential{}, err
	}
	if c.derived != "" {
		if c.keyID, c.scope, err = cutCredential(c.derived, c.keyID); err != nil {
			return credential{}, err
		}
	}
	if c.keyID == "" || c.headerList == "" || len(c.signature) != signatureSize {
		return credential{}, malformed("Access, SignedHeaders and a Signature of 64 hex digits are needed")
	}
	if c.signedHeaders, err = signature.SignedHeaders(c.headerList); err != nil {
		return credential{}, malformed("SignedHeaders must be lower-case header names joined by semicolons, each once")
	}
	return c, nil
}

func parseFields(rest string) (credential, error) {
	var c credential
	for field := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		var into *string
		switch name {
		case "Access":
			into = &c.keyID
		case "Credential":
			into = &c.derived
		case "SignedHeaders":
			into = &c.headerList
		case "Signature":
			into = &c.signature
		default:
			return c, malformed("it has an unknown parameter")
		}
		if *into != "" {
			return c, malformed(name + " comes twice")
		}
		*into = value
	}
	return c, nil
}

func malformed(why string) error {
	return identity.Refuse(identity.MalformedCredential, "The Authorization header is not valid: %s.", why)
}
