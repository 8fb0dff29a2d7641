// Package sdkhmac proves Huawei's SDK-HMAC-SHA256 signature (api/iec/conventions.md section 2.2) for the dialects that take it: iec, its IAM calls, and cecstack.
// Two kinds of clients make it: the current SDKs sign with the secret itself (Access=), the older one that Terraform uses with a key derived from it (Credential=).
//
// The body is covered by its SHA-256. Clients send X-Sdk-Content-Sha256: UNSIGNED-PAYLOAD for bodies that are not JSON; it is taken for those only.
package sdkhmac
