// Package signature holds the canonical forms that the vendors' request signatures share: percent-encoding, paths, query strings, header values.
//
// The schemes themselves are in dialect/*/auth, and in signature/sdkhmac for the one that two dialects use. Nothing here knows a key or a clock.
package signature
