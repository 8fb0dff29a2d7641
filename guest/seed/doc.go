// Package seed writes a guest's NoCloud config drive: an ISO 9660 image with volume label "cidata" and the files meta-data, user-data, vendor-data and
// network-config of cloud-init's NoCloud data source. The same Seed gives the same bytes, so that a rebuilt drive is no change.
//
// What does not live here: what reads it (cloud-init, or guest/tiny's own subset).
package seed
