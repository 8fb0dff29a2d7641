// Package adminclient calls the admin API for the command line: signed requests, errors as sentences, and the calls that take several requests, such as the
// import of an image.
//
// It decides nothing: what an operation does and refuses is the cloud's.
package adminclient
