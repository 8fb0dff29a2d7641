// Package monitor keeps what hosts tell of what is used, and answers how much that was: of an instance, a group, the instances at some sites or all of an account,
// a public address or a NAT gateway, at even steps over a span of time.
//
// Hosts send counters. A step's value is made of what each counter has grown by between two samples, spread evenly between them, so that it makes no difference at
// which second a host samples. A counter that is lower than before has begun anew. A step that no sample covers has no value; one that is covered in part has the
// value of that part. Samples carry the labels of their owners, as the database has them when they come in, so that what an account has used stays its own after
// the instance is gone.
//
// What does not live here: where samples are stored (series), how they are measured (engine) and how they travel (agent, link), units of a dialect.
package monitor
