// Package admin is the door of our own small API for operators: accounts, keys, sites, hosts, flavors, images, quotas, the audit log: only what none of the
// vendors' dialects can express. It takes a bearer token or a BCE v1 signature.
package admin
