// Package auth proves who calls the bec dialect: the BCE v1 signature (bce-auth-v1), api/bec/conventions.md section 2.
//
// The scheme does not sign the body. It is covered when the client signs content-md5 or x-bce-content-sha256; these headers are checked against the body whenever
// they are present.
package auth
