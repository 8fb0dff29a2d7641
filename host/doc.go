// Package host runs one machine as a host of a cloud: it enrols the machine with a one-time token (Join), and runs its agent on real or simulated engines (Run).
//
// The agent needs the centre for neither start nor work: its identity, its ledger and the machine's engines are enough.
//
// What does not live here: what an agent does (agent), engines (engine), the daemons that they drive: those are the machine's own (packaging/systemd), or
// started by a cloud on one machine (onebox).
package host
