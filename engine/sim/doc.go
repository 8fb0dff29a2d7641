// Package sim is one simulated world of sites and hosts behind all engine interfaces: one clock, one seed, one set of delays and faults.
//
// It stands below the agent, so that the agent's own code is always in the tests. State is real: an image is there after its bytes have matched their
// SHA-256, a volume starts from an image that exists, a machine boots when its disks are there, a port needs its subnet. Whether a packet would arrive
// is computed from what the network engine was told (World.CanReach), by OVN's rules.
//
//   - world.go, host.go: the world, its sites and hosts, power and cut cables
//   - op.go, delay.go, rule.go, random.go: what every engine call passes first
//   - hypervisor.go, machine.go, guest.go, watch.go, console.go: engine/hypervisor
//   - pool.go, volume.go: engine/disk
//   - network.go, reach.go, secure.go: engine/network and the oracle
//   - journal.go, persist.go: keeping a world over a restart of the process
//
// Random draws are keyed by seed, operation, UID and how often that was drawn before, never by a global order: the same calls with the same seed end the
// same, however goroutines interleave. There is no goroutine and no timer per machine; what happens later inside a guest is computed when somebody looks.
//
// What does not live here: the screen's protocol (sim/rfb), the conformance suites (engine/*/...test), the link's losses (link/linktest).
package sim
