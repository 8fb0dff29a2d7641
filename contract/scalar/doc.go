// Package scalar has the types that wire types need beyond Go's own: numbers, booleans and lists of requests that accept what the vendors' SDKs really send,
// and a list for answers that is never null. It knows no dialect and no schema.
package scalar
