// Package link is the control plane's side of the talk with the agents: specs and tombstones addressed to a host or a site, the pull protocol, reports,
// heartbeats, enrolment and the site role.
//
// Specs. Put writes the wanted state inside the caller's transaction; Delete leaves a tombstone, which stays until the host has reported Gone for that very
// generation. Every target has a revision that grows with every change under a row lock, so that revisions are committed in their order; a spec's generation
// is the revision of its last change. So an agent that asks "what came after revision n" misses nothing, and a generation is never used twice, also not
// after a removal.
//
// Reports carry a number that the host gives. A batch whose numbers are not above the last one seen is ignored; an agent repeats what was not answered under
// new numbers. Reports are handed to observers inside the transaction that remembers the number.
//
// The site role. One agent of a site carries the site's specs out. It holds the role by a lease that only the centre gives: another agent takes over when the
// lease has run out and asks the centre. A holder that is cut off keeps acting on its ledger, because it cannot know whether somebody else could be asked;
// every change of holder raises the role's epoch, and pulls and reports about the site under an older epoch are refused, so that a former holder learns of
// its loss at its first word with the centre.
//
// Nudges. After a commit that changed a target, everyone in Nudges hears its name. They are only for speed: agents also pull by themselves.
//
// What does not live here: what is in a spec (link/spec), how messages travel (link/memory, link/natslink), what the agent does with them (agent).
package link
