// Package natslink carries the link over NATS core: a server embedded in the control plane, in-process connections for the local agent, TCP with TLS for
// remote ones.
//
// Every agent signs the server's nonce with its own nkey; the server asks the database whose key it is, so that a revoked host is out at once. A host may
// publish to ec.<call>.<host> of its own name and listen to ec.nudge.<host>, ec.open.<host>, ec.down.<host>.> and its own inbox, and nothing else. An unknown
// key may only publish to ec.join.<key>: with a one-time token that is how it gets enrolled; a host may repeat it. No state lives in NATS.
//
// An operator's own NATS cluster can take the embedded server's place (cluster.go): it asks the centre who may connect, by the same rules. A host joins with a token
// that also names the authority which proves the centre (invitation.go), so that it needs to know nothing else.
//
// What does not live here: what is said (link/protocol), the answers (link).
package natslink
