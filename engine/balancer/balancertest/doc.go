// Package balancertest is the conformance suite of load balancer engines: it opens connections through a balancer and sees who answers.
package balancertest
