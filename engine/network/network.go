package network

import (
	"context"
	"errors"

	"edgecloud/link/spec"
)

// ErrMissing says that something the call refers to (a port's subnet, a subnet's network) is not there yet: apply that first, then try again. A rule's remote group
// is an exception: groups may name each other, so one that is not there yet only allows nothing. A virtual IP's ports are another: one that is not there has not
// got it.
var ErrMissing = errors.New("network: a referenced object is missing")

// ErrInUse says that another object still refers to this one: remove that first, then try again. A network that has public addresses keeps its uplink so too.
var ErrInUse = errors.New("network: another object still refers to this one")

// ErrInvalid says that a spec can never be applied as it is; the text names the field. A subnet's network and a port's subnet never change: that is invalid too.
var ErrInvalid = errors.New("network: invalid spec")

// Object names one thing in a network engine: its kind (link/spec Kind constants) and UID.
type Object struct {
	Kind string
	UID  string
}

// Network is the engine's interface. Every Ensure makes the object or changes it to what the spec says, in one transaction of the engine; ensuring the same
// again does nothing. Remove is no error when the object is absent, and takes what hangs on it inside the engine (a subnet's router leg) with it, but
// never another spec's object: while one refers to it, Remove answers ErrInUse and changes nothing. Methods are safe for concurrent use. An Ensure that
// fails changes nothing. networktest.Suite states all this as tests.
type Network interface {
	EnsureUplink(ctx context.Context, s spec.Uplink) error
	EnsureNetwork(ctx context.Context, s spec.Network) error
	EnsureNetworkACL(ctx context.Context, s spec.NetworkACL) error
	EnsureSubnet(ctx context.Context, s spec.Subnet) error
	EnsureSecurityGroup(ctx context.Context, s spec.SecurityGroup) error
	EnsurePort(ctx context.Context, s spec.Port) error
	EnsureVirtualIP(ctx context.Context, s spec.VirtualIP) error
	EnsureBandwidth(ctx context.Context, s spec.Bandwidth) error
	EnsurePublicIP(ctx context.Context, s spec.PublicIP) error
	EnsureNATGateway(ctx context.Context, s spec.NATGateway) error
	// Remove takes one object away.
	Remove(ctx context.Context, o Object) error
	// List tells every object that this engine made, and of no other: what a leak check compares.
	List(ctx context.Context) ([]Object, error)
	// Traffic tells what public addresses and NAT gateways have carried on the host that asks: an object that several hosts carry has the sum of them. One that the
	// host has no part in is left out, and so is what the engine cannot tell.
	Traffic(ctx context.Context) ([]Traffic, error)
	// Close frees connections. Traffic goes on.
	Close() error
}

// Traffic is what one object has carried: counters that may begin anew at any time.
type Traffic struct {
	Object
	InBytes, OutBytes int64 // from and to the outside
	In, Out           int64 // packets
	// Connections are those that are open now; negative: the engine cannot tell.
	Connections int64
}
