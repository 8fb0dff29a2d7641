// Package sdkhmac proves Huawei's SDK-HMAC-SHA256 signature (api/iec/conventions.md section 2.2) for the dialects that take it: iec, its IAM calls, and cecstack.
//
// The body is covered by its SHA-256. Clients send X-Sdk-Content-Sha256: UNSIGNED-PAYLOAD for bodies that are not JSON; it is taken for those only.
package sdkhmac
