// Package protocol is what agents and the centre say to each other, and the two interfaces that a transport joins: Centre (answers) and Transport (asks).
//
// Every message can be lost, repeated, delayed or overtaken. A pull changes nothing; a report carries the host's own number; a heartbeat says how things are.
//
// What does not live here: the centre's answers (link), the transports (link/memory, link/natslink), documents (link/spec).
package protocol
