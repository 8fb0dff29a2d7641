// Package audit records who changed what: one record per mutating call, written in the transaction of the change; a call that failed leaves its record in a
// transaction of its own. Records are only added.
package audit
