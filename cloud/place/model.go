package place

import (
	"net/netip"

	"github.com/uptrace/bun"

	"edgecloud/store"
)

// Site is one place with hosts. Its Name is what tenants see as node or region ID ("cn-hangzhou-cm", BEC conventions section 11).
type Site struct {
	bun.BaseModel `bun:"table:sites,alias:site"`

	UID         string `bun:"uid,pk"`
	Slug        string `bun:"slug"`
	Name        string `bun:"name"`
	Country     string `bun:"country"` // CHINA
	CountryName string `bun:"country_name"`
	Area        string `bun:"area"` // EAST_CHINA
	AreaName    string `bun:"area_name"`
	Province    string `bun:"province"` // zhejiang
	// ProvinceName is the province's name in the country's own script; empty where nobody gave one.
	ProvinceName string     `bun:"province_name"`
	City         string     `bun:"city"` // HANGZHOU
	CityName     string     `bun:"city_name"`
	ShortName    string     `bun:"short_name"` // of the city, in names of instances: HZ
	Carrier      Carrier    `bun:"carrier"`
	Enabled      bool       `bun:"enabled"`
	Created      store.Time `bun:"created"`
}

// Line is one carrier's uplink at a site, with the public addresses it brings.
type Line struct {
	bun.BaseModel `bun:"table:lines,alias:line"`

	UID             string  `bun:"uid,pk"`
	Site            string  `bun:"site"`
	Carrier         Carrier `bun:"carrier"`
	PhysicalNetwork string  `bun:"physical_network"`
	VLAN            int     `bun:"vlan"`
	Prefix          string  `bun:"prefix"`  // CIDR of the public range
	Gateway         string  `bun:"gateway"` // the carrier's router in it
	First           string  `bun:"first"`   // first address that may be given out
	Last            string  `bun:"last"`    // last address that may be given out
	SNAT            bool    `bun:"snat"`    // ports without a public address reach out by their router's
	Cursor          int64   `bun:"cursor"`  // offset from First where the search for a free address starts
	Prefix6         string  `bun:"prefix6"` // as Prefix to Cursor, of IPv6; empty: the line has none
	Gateway6        string  `bun:"gateway6"`
	First6          string  `bun:"first6"`
	Last6           string  `bun:"last6"`
	Cursor6         int64   `bun:"cursor6"`
}

// Range gives the parsed prefix.
func (l *Line) Range() netip.Prefix { return netip.MustParsePrefix(l.Prefix) }

// Carrier is who runs a line.
type Carrier string

// The carriers, as BEC spells them (conventions section 11).
const (
	Mobile     Carrier = "CHINA_MOBILE"
	Unicom     Carrier = "CHINA_UNICOM"
	Telecom    Carrier = "CHINA_TELECOM"
	TripleLine Carrier = "TRIPLE_LINE"
	BGP        Carrier = "BGP"
)

var carrierCodes = map[Carrier]string{Mobile: "cm", Unicom: "un", Telecom: "ct", TripleLine: "ix", BGP: "bgp"}
var carrierNames = map[Carrier]string{Mobile: "移动", Unicom: "联通", Telecom: "电信", TripleLine: "三线", BGP: "BGP"}

// Code is the carrier's short form in site names.
func (c Carrier) Code() string { return carrierCodes[c] }

// ChineseName is the carrier's name as consoles show it.
func (c Carrier) ChineseName() string { return carrierNames[c] }

// Known tells whether the carrier is one of the documented ones.
func (c Carrier) Known() bool { return carrierCodes[c] != "" }

// Host is a machine that runs workloads. Totals are what may be given out (overcommit included), used what instances hold.
type Host struct {
	bun.BaseModel `bun:"table:hosts,alias:host"`

	UID       string     `bun:"uid,pk"`
	Slug      string     `bun:"slug"`
	Site      string     `bun:"site"`
	Name      string     `bun:"name"`
	Enabled   bool       `bun:"enabled"` // false: nothing new is placed here
	VCPUs     int64      `bun:"vcpus"`
	MemoryMiB int64      `bun:"memory_mib"`
	DiskGiB   int64      `bun:"disk_gib"`
	UsedVCPUs int64      `bun:"used_vcpus"`
	UsedMiB   int64      `bun:"used_mib"`
	UsedGiB   int64      `bun:"used_gib"`
	Instances int64      `bun:"instances"`
	Facts     string     `bun:"facts"` // spec.HostFacts as last reported
	Seen      store.Time `bun:"seen"`  // last heartbeat
	Created   store.Time `bun:"created"`
}

// Flavor is a shape of instances that the operator offers.
type Flavor struct {
	bun.BaseModel `bun:"table:flavors,alias:flavor"`

	UID       string     `bun:"uid,pk"`
	Name      string     `bun:"name"`   // bec.g4.c1m4
	Family    string     `bun:"family"` // g4
	VCPUs     int64      `bun:"vcpus"`
	MemoryMiB int64      `bun:"memory_mib"`
	GPUModel  string     `bun:"gpu_model"`
	GPUs      int64      `bun:"gpus"`
	Enabled   bool       `bun:"enabled"`
	Created   store.Time `bun:"created"`
}

// Set is a placement set (deploy set, placement group): its instances never share a host.
type Set struct {
	bun.BaseModel `bun:"table:placement_sets,alias:pset"`

	UID         string     `bun:"uid,pk"`
	Slug        string     `bun:"slug"`
	Account     string     `bun:"account"`
	Name        string     `bun:"name"`
	Description string     `bun:"description"`
	Created     store.Time `bun:"created"`
}

// Member is one instance of a placement set and the host it took.
type Member struct {
	bun.BaseModel `bun:"table:placement_members,alias:member"`

	Set      string `bun:"pset,pk"`
	Instance string `bun:"instance,pk"`
	Host     string `bun:"host"`
	Site     string `bun:"site"`
}
