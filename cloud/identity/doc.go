// Package identity knows who calls: accounts and their projects, users with passwords, access keys, tokens and roles.
//
// It lives on the lowest floor of the cloud. A door proves a credential (dialect/*/auth checks signatures against Keys and bearers against Tokens) and gets a
// Caller; every verb of the cloud takes that Caller and authorizes by itself. What is not here: signature algorithms (dialect/*/auth), quotas (cloud/quota) and
// the wire forms of accounts and tokens (the doors).
//
// Secrets never rest in the clear: a secret key is sealed with the keyring, a password is an argon2id hash, a token is only known by its SHA-256.
package identity
