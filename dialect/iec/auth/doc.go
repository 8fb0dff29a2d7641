// Package auth proves who calls the iec dialect: a token of the identity service in X-Auth-Token, or the signature SDK-HMAC-SHA256 (package sdkhmac);
// api/iec/conventions.md section 2. The login itself is the iec package's identity door.
package auth
