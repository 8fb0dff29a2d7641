// Package place knows where things can be: sites with their area, province, city, country and carrier lines; hosts and what is left on them; flavors; and
// placement sets, whose instances never share a host.
//
// Choosing a host and taking its capacity is one statement inside the caller's transaction, so that two creates never take the same room.
//
// What does not live here: enrolment and heartbeats of hosts (link), what runs on them (compute).
package place
