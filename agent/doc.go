// Package agent makes what the centre wants of one host (and, with the site role, of its site) true, and tells what is.
//
// It pulls specs into its ledger, applies what changed, watches its engines, and reports. On start it works from the ledger alone, without the centre. What
// runs is not touched; what should run and does not is started; what no spec knows is reported as an orphan and left alone; only a tombstone destroys.
//
// Run does all of it at once; PullOnce, ApplyNext, ReportOnce, HeartbeatOnce and Sweep are the same steps one by one, for simulations.
//
// What does not live here: the disk of it (agent/ledger), how one spec is applied (agent/apply), the real work (engine).
package agent
