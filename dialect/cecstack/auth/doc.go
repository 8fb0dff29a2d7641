// Package auth proves who calls the cecstack dialect. Its document leaves authentication to a paper that is not public (api/cecstack/conventions.md section 2), so
// two common ways are taken: Authorization: Bearer with a token of the admin API, or the signature SDK-HMAC-SHA256 (package sdkhmac).
package auth
