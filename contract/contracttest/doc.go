// Package contracttest holds a server to the contract in tests: whatever an HTTP handler answers to a documented request must fit the documented answer.
package contracttest
