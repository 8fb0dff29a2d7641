// Package docs serves the reference pages of every dialect: server-side HTML from the compiled contract, without scripts and without anything from elsewhere.
// It is apart from package contract so that programs which only route need no templates.
package docs
