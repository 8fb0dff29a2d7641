// Package work is the wake table and its runner: how everything that takes longer than one transaction is carried out.
//
// Work is a row with a due time, one per resource (kind, uid). Waking it is an upsert inside the change's own transaction (Wake), and a wake-up that comes
// while the row is being worked on is never lost: the row is put to rest only if its counter is what the worker saw.
//
// A Reconciler gets nothing but the key. Its step changes rows, in the same transaction that marks the work done, and returns what happens next as a value:
// Goto, Wait, Again, Done, or Outside for one call to the outside world, which is made after that transaction and applied in a following one. A crash at any
// point leaves the row leased; when the lease runs out another worker repeats the step. So every step and every call can be repeated.
//
// A Machine is a reconciler written as one function per state. Every state that waits has a deadline (A12), kept in the row across restarts.
//
// An event makes it fast, a slow full scan makes it true: FullScan wakes everything of a kind now and then.
//
// Here is no rule of any resource; those are the lifecycle.go of the cloud's packages. worktest crashes and repeats every step of a life cycle.
package work
