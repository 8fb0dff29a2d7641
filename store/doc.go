// Package store is the database: the only truth of the cloud.
//
// Here live opening (SQLite or PostgreSQL by configuration), transactions, the clock, identifiers, forward-only migrations, paging, idempotency tokens,
// typed constraint errors and sealed secrets. No table of the domain lives here: every package of the cloud ships its own migrations and hands them to
// Open through the composition root.
//
// The two databases behave alike to the caller:
//
//   - Write is one serializable transaction. SQLite has one writer connection whose waiting functions are committed together (group commit, each function
//     in its own savepoint); PostgreSQL runs a SERIALIZABLE transaction and repeats it on a conflict. So a function may run more than once: it changes rows
//     and nothing else; what must happen once goes into Tx.AfterCommit.
//   - Read is a read-only snapshot.
//   - Nothing inside a transaction waits on a network, and no transaction is opened inside a transaction.
//   - After a failed statement PostgreSQL refuses the rest of the transaction. A statement whose failure is expected goes into Tx.Try.
//   - Text compares by bytes (collation C on PostgreSQL) and LIKE minds case on both.
package store
