// Package isolation calls every built operation as nobody, as the wrong one, as a reader and as another account, with requests made from the contract.
//
// It holds no knowledge of single operations but the small tables in cases_test.go. An operation that needs an argument they do not name fails the test.
package isolation
