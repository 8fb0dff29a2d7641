// Package spec holds what the control plane wants of a host or a site, and what the agent reports back: the only words the two sides share.
//
// A spec is a whole document with a generation, never a command. What must happen once (a restart, a reinstall, a new password) is an epoch: a number that
// only grows; the agent acts when the wanted epoch is above the one it has carried out, and reports the latter. So every spec can be applied any number of
// times, after any crash, in any order of arrival.
//
// The engines take these types as they are. The package imports nothing of the project; the pull protocol lives in link, the applying in agent.
package spec
