// Package storetest opens fresh, migrated databases for tests: SQLite in a temporary file, and PostgreSQL in a throw-away cluster that one test binary
// starts on first use and that goes away with it, however it ends.
//
// A test of anything that touches the database runs on both (Each). Without PostgreSQL's server programs such a test fails; it is never skipped.
package storetest
