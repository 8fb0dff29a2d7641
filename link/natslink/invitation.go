package natslink

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"edgecloud/link/protocol"
)

// Invitation is the text of a join token: the secret that the centre takes once, and the hash of the authority that proves the centre to a host which trusts
// nobody yet. It reads ejt1.SECRET or ejt1.SECRET.HASH.
type Invitation struct {
	Secret string
	Pin    string // SHA-256 of the authority's certificate (DER), base64url; empty: the host's system knows the authority
}

const invitationMark = "ejt1"

// String is the text that an operator carries to the host.
func (i Invitation) String() string {
	text := invitationMark + "." + i.Secret
	if i.Pin != "" {
		text += "." + i.Pin
	}
	return text
}

// ParseInvitation reads a join token. ErrToken.
func ParseInvitation(text string) (Invitation, error) {
	parts := strings.Split(strings.TrimSpace(text), ".")
	if len(parts) < 2 || len(parts) > 3 || parts[0] != invitationMark || parts[1] == "" {
		return Invitation{}, fmt.Errorf("%w: it does not look like one (%s.…); copy it whole", protocol.ErrToken, invitationMark)
	}
	i := Invitation{Secret: parts[1]}
	if len(parts) == 3 {
		if raw, err := base64.RawURLEncoding.DecodeString(parts[2]); err != nil || len(raw) != sha256.Size {
			return Invitation{}, fmt.Errorf("%w: its end is cut off; copy it whole", protocol.ErrToken)
		}
		i.Pin = parts[2]
	}
	return i, nil
}

// Pin gives the hash of the first certificate in a PEM text; empty if there is none.
func Pin(authority []byte) string {
	block, _ := pem.Decode(authority)
	if block == nil {
		return ""
	}
	return pinOf(block.Bytes)
}

func pinOf(der []byte) string {
	sum := sha256.Sum256(der)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// tls verifies the centre by the pin: the chain that it shows must end in the pinned authority, and its certificate must be for one of the addresses.
func (i Invitation) tls(addresses string) *tls.Config {
	if i.Pin == "" {
		return nil
	}
	names := hostnames(addresses)
	return &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error {
		o := x509.VerifyOptions{Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool()}
		found := false
		for _, c := range s.PeerCertificates {
			if pinOf(c.Raw) == i.Pin {
				o.Roots.AddCert(c)
				found = true
			}
			o.Intermediates.AddCert(c)
		}
		if !found {
			return errors.New("the server is not the centre that gave the token out (its authority has another hash)")
		}
		if _, err := s.PeerCertificates[0].Verify(o); err != nil {
			return err
		}
		var err error
		for _, n := range names {
			if err = s.PeerCertificates[0].VerifyHostname(n); err == nil {
				return nil
			}
		}
		return err
	}}
}

// hostnames are the names or addresses in a list of URLs.
func hostnames(addresses string) (names []string) {
	for one := range strings.SplitSeq(addresses, ",") {
		u, err := url.Parse(strings.TrimSpace(one))
		if err == nil && u.Host != "" {
			names = append(names, u.Hostname())
			continue
		}
		if host, _, err := net.SplitHostPort(one); err == nil {
			names = append(names, host)
		}
	}
	return names
}

// Trust makes the TLS configuration of an enrolled agent from the authority that it keeps; nil leaves it to the system's authorities.
func Trust(authority string) (*tls.Config, error) {
	if authority == "" {
		return nil, nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(authority)) {
		return nil, errors.New("natslink: the centre's authority is no PEM certificate")
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}, nil
}
