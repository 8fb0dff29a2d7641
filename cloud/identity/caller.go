package identity

import "edgecloud/fault"

// Role is what a user may do.
type Role string

// The roles.
const (
	Admin  Role = "admin"  // an operator of the cloud: every account and site
	Member Role = "member" // everything inside the own account
	Reader Role = "reader" // reads inside the own account
)

// Valid tells whether the role is one of the known ones.
func (r Role) Valid() bool { return r == Admin || r == Member || r == Reader }

// Caller is who makes a request, proven by a door; every verb of the cloud takes one and decides by it. A Caller is made once per request and not changed after
// the verb is called.
type Caller struct {
	Account       string // uid, 32 hex digits: the tenancy boundary
	AccountNumber int64  // the same account as a number (tcebms: uin, AppId)
	AccountName   string
	Project       string // uid, 32 hex digits; empty means the account's whole
	User          string // uid, 32 hex digits
	UserName      string
	KeyID         string // the access key that signed; empty with a bearer token
	Role          Role
	Operator      bool // may act beyond its own account: hosts, sites, other accounts
	ReadOnly      bool // may only read

	// Set by the control plane for the audit log and for work done on the caller's behalf.
	Dialect   string // "bec", "iec", "cecstack", "tcebms", "admin"
	Operation string // operationId of the contract
	RequestID string
	SourceIP  string
	Region    string // as the caller names it, unchecked
}

// MayWrite refuses a caller that may only read.
func (c *Caller) MayWrite() error {
	if c == nil {
		return Refuse(MissingCredential, "The request is not authenticated.")
	}
	if c.ReadOnly {
		return fault.New(fault.Denied, "The user has read-only access.")
	}
	return nil
}

// MayOperate refuses a caller that is no operator, or only reads.
func (c *Caller) MayOperate() error {
	if err := c.MayWrite(); err != nil {
		return err
	}
	if !c.Operator {
		return fault.New(fault.Denied, "Only an operator of the cloud may do this.")
	}
	return nil
}

// Sees tells whether what belongs to an account is visible to the caller; what is not visible must be answered as not found.
func (c *Caller) Sees(account string) bool {
	return c != nil && (c.Operator || c.Account == account)
}

// SeesAll tells whether the caller sees what is of every account: an operator, at the operators' own door. At a tenant's door they are their account, as its lists
// show it.
func (c *Caller) SeesAll() bool {
	return c.Operator && (c.Dialect == "" || c.Dialect == "admin")
}
