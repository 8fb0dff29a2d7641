// Package control runs the centre of a cloud as a process: its data folder with lock and memory, listeners and certificates, the database, and the link's NATS
// server, to which the agents of other machines connect.
//
// `edgecloud control` is Run. `edgecloud up` is Serve with a cloud that has local hosts as well (package onebox), so that both serve in the same way.
//
// What does not live here: what a centre is made of (controlplane), hosts (package host), flags and configuration files (cmd/edgecloud, settings).
package control
