// Package ledger keeps on a host's disk what the centre wants of it, so that the host lives without the centre.
//
// Nothing is acted on before it is here. An older generation is refused, and so is other content under the same generation. Beside the specs live the facts
// that only the agent knows: which epochs it has carried out, the numbers of its reports, the site role.
//
// On disk it is one append-only file of records, each with its length and a CRC-32C; the first broken record and all after it are cut off when the file is
// opened (a torn write was never acknowledged). When the file has grown far beyond its content it is written anew beside and renamed over. Memory gives the
// same without a file.
//
// What does not live here: acting on it (agent, agent/apply).
package ledger
