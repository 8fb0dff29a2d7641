// Package auth proves who calls the tcebms dialect: Tencent's signatures v1 (HmacSHA1, HmacSHA256 over the parameters) and v3 (TC3-HMAC-SHA256), as
// api/tcebms/conventions.md sections 2 to 4 have them.
//
// A request with an Authorization header is v3, any other v1: GET and form bodies may use v1, GET and JSON bodies v3.
package auth
