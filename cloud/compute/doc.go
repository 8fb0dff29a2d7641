// Package compute is the life of instances (virtual machines) and of the groups they are managed in.
//
// A verb (create.go, power.go, rebuild.go, resize.go, delete.go, ...) checks and changes rows in one transaction: what the instance should be, and the state
// of its life cycle. The life cycle (lifecycle.go) writes the specs of the instance, its disks, ports and addresses to the host and the site, and waits for
// their reports (observe.go) with a deadline. Nothing else moves an instance from one state to another.
//
// What does not live here: where there is room (place), addresses (network), disks (volume), what a host does (agent).
package compute
