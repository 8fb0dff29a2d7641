package protocol

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"time"

	"edgecloud/link/spec"
)

// Faults that both sides tell apart; transports carry them.
var (
	ErrDenied  = errors.New("link: the host may not do that")
	ErrNotRole = errors.New("link: the host does not hold the site role under this epoch")
	ErrAway    = errors.New("link: the other side does not answer")
	ErrToken   = errors.New("link: the join token is not good")
)

// Key names one thing on a target.
type Key struct {
	Kind string `json:"kind"`
	UID  string `json:"uid"`
}

// Item is a spec or a tombstone. Its generation is the target's revision at its last change.
type Item struct {
	Key
	Generation int64           `json:"generation"`
	Deleted    bool            `json:"deleted,omitempty"`
	Body       json.RawMessage `json:"body,omitempty"` // absent in a tombstone and in a list of heads
}

// Pull asks for the items of a target that changed after a revision, in the order of their revisions.
type Pull struct {
	Target string `json:"target"`
	Since  int64  `json:"since"`
	Limit  int    `json:"limit,omitempty"` // items in one answer; 0 is the centre's choice
	Heads  bool   `json:"heads,omitempty"` // leave the bodies out: a full list, for comparing
	Want   []Key  `json:"want,omitempty"`  // these items with their bodies, and nothing else
	Role   int64  `json:"role,omitempty"`  // epoch of the site role, for a site's target
}

// Pulled answers a Pull.
type Pulled struct {
	Items    []Item `json:"items,omitempty"`
	Revision int64  `json:"revision"` // ask for what comes after it next time
	Latest   int64  `json:"latest"`   // the target's revision; lower than Since after the centre was restored from a backup
	More     bool   `json:"more,omitempty"`
}

// Reports is a batch in the order of the numbers. Epoch is the role's, needed for reports on a site's kinds.
type Reports struct {
	Role    int64         `json:"role,omitempty"`
	Reports []spec.Report `json:"reports"`
}

// Reported answers Reports. Seq above the batch's last number means that nothing was taken: the host's counter is behind (its disk was restored) and must
// go on above Seq.
type Reported struct {
	Seq    int64 `json:"seq"`
	Failed []Key `json:"failed,omitempty"` // the centre could not take these now: send them again later
}

// Heartbeat says that a host lives.
type Heartbeat struct {
	Facts *spec.HostFacts `json:"facts,omitempty"` // nil: as before
	// Site tells that the agent has a network engine and would take the site role.
	Site bool `json:"site,omitempty"`
}

// Beat answers a Heartbeat.
type Beat struct {
	Site      string        `json:"site"`            // UID of the host's site
	Role      int64         `json:"role,omitempty"`  // epoch of the site role; 0: this host does not hold it
	Lease     time.Duration `json:"lease,omitempty"` // how long the role is kept without a heartbeat
	Every     time.Duration `json:"every"`           // when to send the next one
	WantFacts bool          `json:"want_facts,omitempty"`
}

// Join asks for enrolment. The transport has proven that the caller holds the key.
type Join struct {
	Token     string         `json:"token"`
	PublicKey string         `json:"public_key"` // nkey of a user
	Facts     spec.HostFacts `json:"facts"`
}

// Joined answers a Join; asking again with the same token and key gives the same answer.
type Joined struct {
	Host string `json:"host"`
	Site string `json:"site"`
	Name string `json:"name,omitempty"` // of the host
	URL  string `json:"url,omitempty"`  // where the transport is reached from now on; several with commas
	CA   string `json:"ca,omitempty"`   // PEM of the authority that proves it; empty: one that the host's system knows
	Web  string `json:"web,omitempty"`  // PEM of the authority that proves where image files come from; empty: as for CA
}

// Centre answers agents; host is who the transport has authenticated.
type Centre interface {
	Join(ctx context.Context, j Join) (Joined, error)
	Pull(ctx context.Context, host string, p Pull) (Pulled, error)
	Report(ctx context.Context, host string, r Reports) (Reported, error)
	Heartbeat(ctx context.Context, host string, h Heartbeat) (Beat, error)
}

// Tunnel opens a stream on a host for the centre: kind and uid name the thing, such as an instance's screen.
type Tunnel func(ctx context.Context, kind, uid string) (net.Conn, error)

// Transport is one enrolled agent's way to the centre. Methods return ErrAway (wrapped) when there is no answer before ctx ends or the link is cut.
type Transport interface {
	Host() string // UID of the enrolled host
	Pull(ctx context.Context, p Pull) (Pulled, error)
	Report(ctx context.Context, r Reports) (Reported, error)
	Heartbeat(ctx context.Context, h Heartbeat) (Beat, error)
	// Nudges holds a signal after something changed for the host or its site, and after the link came back. It may miss some.
	Nudges() <-chan struct{}
	// Serve sets who opens streams for the centre; nil refuses all.
	Serve(t Tunnel)
	Close() error
}

// IsSiteKind tells whether specs of a kind are addressed to a site.
func IsSiteKind(kind string) bool {
	switch kind {
	case spec.KindUplink, spec.KindNetwork, spec.KindNetworkACL, spec.KindSubnet, spec.KindSecurityGroup, spec.KindPort, spec.KindVirtualIP, spec.KindBandwidth, spec.KindPublicIP, spec.KindNATGateway, spec.KindBalancer:
		return true
	}
	return false
}
