package control

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Files of the self-made certificate authority.
const (
	caFile      = "ca.pem"
	caKeyFile   = "ca.key"
	certFile    = "server.pem"
	certKeyFile = "server.key"
)

const (
	caLife   = 10 * 365 * 24 * time.Hour
	certLife = 397 * 24 * time.Hour // the longest that clients accept
	renewal  = 30 * 24 * time.Hour  // before its end a certificate is made anew, at a start
)

// certificates gives the server's certificate: the operator's own, or one of the folder's own authority, which is made when it is absent.
func certificates(dir, certPath, keyPath string, names []string, now time.Time) (tls.Certificate, error) {
	if certPath != "" || keyPath != "" {
		return tls.LoadX509KeyPair(certPath, keyPath)
	}
	ca, err := authority(dir, now)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make the certificate authority: %w", err)
	}
	own, err := tls.LoadX509KeyPair(filepath.Join(dir, certFile), filepath.Join(dir, certKeyFile))
	if err == nil && stillGood(own.Leaf, ca.Leaf, names, now) {
		return own, nil
	}
	return issue(dir, ca, names, now)
}

func stillGood(leaf, ca *x509.Certificate, names []string, now time.Time) bool {
	if leaf == nil || now.Add(renewal).After(leaf.NotAfter) || leaf.CheckSignatureFrom(ca) != nil {
		return false
	}
	for _, n := range names {
		if leaf.VerifyHostname(n) != nil && !contains(leaf.DNSNames, n) {
			return false
		}
	}
	return true
}

func contains(all []string, one string) bool {
	for _, s := range all {
		if s == one {
			return true
		}
	}
	return false
}

func authority(dir string, now time.Time) (tls.Certificate, error) {
	ca, err := tls.LoadX509KeyPair(filepath.Join(dir, caFile), filepath.Join(dir, caKeyFile))
	if err == nil && now.Before(ca.Leaf.NotAfter) {
		return ca, nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return ca, err
	}
	template := &x509.Certificate{Subject: pkix.Name{CommonName: "edgecloud local authority"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(caLife), IsCA: true,
		BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}
	return makeCertificate(template, nil, filepath.Join(dir, caFile), filepath.Join(dir, caKeyFile))
}

func issue(dir string, ca tls.Certificate, names []string, now time.Time) (tls.Certificate, error) {
	template := &x509.Certificate{Subject: pkix.Name{CommonName: "edgecloud"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, n)
		}
	}
	return makeCertificate(template, &ca, filepath.Join(dir, certFile), filepath.Join(dir, certKeyFile))
}

// makeCertificate makes a key and its certificate; a nil issuer signs itself. The key's file is written first: a certificate without its key is of no use.
func makeCertificate(template *x509.Certificate, issuer *tls.Certificate, certPath, keyPath string) (none tls.Certificate, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return none, err
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 126)); err != nil {
		return none, err
	}
	parent, signer := template, any(key)
	if issuer != nil {
		parent, signer = issuer.Leaf, issuer.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return none, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return none, err
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	if err := ReplaceFile(keyPath, keyPEM, 0o600); err != nil {
		return none, err
	}
	if err := ReplaceFile(certPath, certPEM, 0o644); err != nil {
		return none, err
	}
	return tls.X509KeyPair(certPEM, keyPEM)
}
