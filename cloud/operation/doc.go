// Package operation is a change under way that its caller can follow: what it does to which resource, how far it is, and how it ended.
//
// An operation opens in the transaction that accepts the change and closes in the one that sees it done. Every accepted operation ends: the life cycles'
// deadlines see to that.
package operation
