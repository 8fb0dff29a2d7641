package spec

import "time"

// KindUsage is the kind of reports that carry a round of Samples. No spec has it. Their UID is the time of the round, so that the centre knows one that comes twice.
const KindUsage = "usage"

// Samples is what a host's engines told at one moment of what is used. Names are short: there is a round a minute.
type Samples struct {
	At        time.Time        `json:"at"` // the host's clock
	Instances []InstanceSample `json:"i,omitempty"`
	Traffic   []TrafficSample  `json:"t,omitempty"`
}

// InstanceSample is one machine's: counters since its start. One that is off has nothing but the totals.
type InstanceSample struct {
	UID    string        `json:"u"`
	VCPUs  int           `json:"v"`
	CPU    time.Duration `json:"c,omitempty"` // of all processors together
	Memory int64         `json:"m"`           // bytes, total
	Used   int64         `json:"f,omitempty"` // bytes of it in use
	Disk   DiskSample    `json:"d,omitzero"`
	NICs   []FlowSample  `json:"n,omitempty"` // UID is the port's
}

// DiskSample counts bytes and requests of all disks of a machine.
type DiskSample struct {
	ReadBytes  int64 `json:"r,omitempty"`
	WriteBytes int64 `json:"w,omitempty"`
	Reads      int64 `json:"x,omitempty"`
	Writes     int64 `json:"y,omitempty"`
}

// FlowSample counts bytes and packets in both directions, as the instance sees them.
type FlowSample struct {
	UID      string `json:"u"`
	InBytes  int64  `json:"i,omitempty"`
	OutBytes int64  `json:"o,omitempty"`
	In       int64  `json:"p,omitempty"`
	Out      int64  `json:"q,omitempty"`
}

// TrafficSample is what a site's object (a public address, a NAT gateway) has carried on this host.
type TrafficSample struct {
	Kind string `json:"k"`
	FlowSample
	Connections int64 `json:"s,omitempty"` // open now; negative: not known
}
