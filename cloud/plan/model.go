package plan

import (
	"github.com/uptrace/bun"

	"edgecloud/cloud/compute"
	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/cloud/volume"
	"edgecloud/store"
)

// Kind is the kind of edge clouds in work rows, operations and audit records.
const Kind = "edge_cloud"

// State is where an edge cloud is in its life.
type State string

// The states. A resting state lasts until a verb moves the edge cloud on, or until its group is gone.
const (
	Creating     State = "creating"
	Updating     State = "updating"
	InService    State = "in-service"    // resting
	Failed       State = "failed"        // resting; Error says why
	Deleting     State = "deleting"      // with what is left of its instances
	DeleteFailed State = "delete-failed" // resting; Error says why
)

// Level is how wide a place is that a coverage names.
type Level string

// The levels.
const (
	Area     Level = "area"
	Province Level = "prov"
	City     Level = "city"
	Site     Level = "site"
)

// Coverage says where stacks go.
type Coverage struct {
	Level  Level   `json:"level"`
	Spread bool    `json:"spread"` // over different sites as far as possible, instead of all of a demand at one
	Places []Place `json:"places"`
}

// Place is one place that is to be covered: the name that its owner gives it, and the sites that are there.
type Place struct {
	Name    string   `json:"name"`
	Sites   []string `json:"sites"` // UIDs
	Demands []Demand `json:"demands"`
}

// Demand is how many stacks a place is to have.
type Demand struct {
	Count    int           `json:"count"`
	Carrier  place.Carrier `json:"carrier,omitempty"`  // only sites with a line of it; empty is any
	Operator string        `json:"operator,omitempty"` // as its owner wrote it
	Line     string        `json:"line,omitempty"`     // as its owner wrote it
	Site     string        `json:"site,omitempty"`     // UID of the site that has the line; empty is any of the place
}

// Stack is what is made once for each demanded count.
type Stack struct {
	Name      string     `json:"name"`
	Resources []Resource `json:"resources"`
}

// Resource is instances of one shape.
type Resource struct {
	Name         string         `json:"name"`
	Prefixed     bool           `json:"prefixed"` // its instances' names begin with their site's
	Count        int            `json:"count"`    // in each stack
	Flavor       string         `json:"flavor"`
	Image        string         `json:"image"` // as its owner named it
	Network      string         `json:"network"`
	NICs         int            `json:"nics"`
	Groups       []string       `json:"groups,omitempty"` // security groups
	Pairs        []network.Pair `json:"pairs,omitempty"`  // addresses that each NIC may use besides its own
	Public       bool           `json:"public,omitempty"`
	Mbps         int64          `json:"mbps,omitempty"` // as its owner wrote it: the addresses share what the line's bandwidth has
	System       volume.New     `json:"system"`
	Data         []volume.New   `json:"data,omitempty"`
	PasswordHash string         `json:"password_hash,omitempty"`
	Key          string         `json:"key,omitempty"` // name of a key pair
	UserData     []byte         `json:"user_data,omitempty"`
}

// login is how people get into the instances.
func (r Resource) login() compute.Login {
	l := compute.Login{PasswordHash: r.PasswordHash, None: true}
	if r.Key != "" {
		l.Keys = []string{r.Key}
	}
	return l
}

// Location is where stacks of a plan have been placed.
type Location struct {
	Site    string        `json:"site"`    // UID
	Carrier place.Carrier `json:"carrier"` // of the line on which public addresses are made
	Stacks  int           `json:"stacks"`
}

// Plan is what a new edge cloud is to be, or what one is to get besides.
type Plan struct {
	bun.BaseModel `bun:"table:plans,alias:plan"`

	UID         string                 `bun:"uid,pk"`
	Account     string                 `bun:"account"`
	Cloud       string                 `bun:"cloud"` // the edge cloud that it expands, or that it has made; empty before
	Expands     bool                   `bun:"expands"`
	Name        string                 `bun:"name"` // of the new edge cloud
	Description string                 `bun:"description"`
	Coverage    store.JSON[Coverage]   `bun:"coverage"`
	Stack       store.JSON[Stack]      `bun:"stack"`
	Locations   store.JSON[[]Location] `bun:"locations"`
	Closed      bool                   `bun:"closed"` // it has been run
	Created     store.Time             `bun:"created"`
}

// Cloud is an edge cloud.
type Cloud struct {
	bun.BaseModel `bun:"table:edge_clouds,alias:cloud"`

	UID         string               `bun:"uid,pk"` // its group's
	Account     string               `bun:"account"`
	Name        string               `bun:"name"`
	Description string               `bun:"description"`
	Coverage    store.JSON[Coverage] `bun:"coverage"`
	Parts       store.JSON[[]Part]   `bun:"parts"`
	State       State                `bun:"state"`
	Error       string               `bun:"error"` // why it failed; public
	Created     store.Time           `bun:"created"`
	Changed     store.Time           `bun:"changed"`
}

// Part is one stack of an edge cloud at a site.
type Part struct {
	UID   string `json:"uid"`
	Site  string `json:"site"`  // UID
	Place string `json:"place"` // that it covers, as its owner named it
	Stack Stack  `json:"stack"`
}
