// Package linktest wraps any transport in a link that loses, repeats, delays and reorders messages, drawn from a seed.
package linktest
