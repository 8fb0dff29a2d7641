// Package controlplane is the composition root: it makes the store, the cloud, the work runner, the link and the doors from one Config, and knows every package
// so that none of them has to know another.
//
// It decides nothing. Which dialect a request is for is said in names.go, what hosts' reports lead to in reports.go.
//
// What does not live here: flags and files of a process (cmd/edgecloud), a whole cloud on one machine (onebox), agents.
package controlplane
