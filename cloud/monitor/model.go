package monitor

import (
	"log/slog"

	"edgecloud/cloud/network"
	"edgecloud/series"
	"edgecloud/store"
)

// Monitor keeps and answers.
type Monitor struct {
	db       *store.DB
	networks *network.Networks
	series   series.Store
	log      *slog.Logger
}

// New makes a monitor on a store of series, which stays the caller's to close. With nil nothing is kept, and every question is refused.
func New(db *store.DB, n *network.Networks, s series.Store, log *slog.Logger) *Monitor {
	return &Monitor{db: db, networks: n, series: s, log: log}
}

// Names of the series. Those that end in _total are counters, the rest are what is at the moment.
const (
	cpuSeconds  = "instance_cpu_seconds_total"
	cpus        = "instance_cpus"
	memory      = "instance_memory_bytes"
	memoryUsed  = "instance_memory_used_bytes"
	diskRead    = "instance_disk_read_bytes_total"
	diskWritten = "instance_disk_written_bytes_total"
	diskReads   = "instance_disk_reads_total"
	diskWrites  = "instance_disk_writes_total"
	nicIn       = "instance_nic_received_bytes_total"
	nicOut      = "instance_nic_sent_bytes_total"
	nicPktsIn   = "instance_nic_received_packets_total"
	nicPktsOut  = "instance_nic_sent_packets_total"
	flowIn      = "traffic_received_bytes_total"
	flowOut     = "traffic_sent_bytes_total"
	flowPktsIn  = "traffic_received_packets_total"
	flowPktsOut = "traffic_sent_packets_total"
	flowOpen    = "traffic_connections"
)

// Labels of the series. Of traffic, resource is what carried it, and instance and group are those that its address was bound to.
const (
	labelAccount  = "account"
	labelSite     = "site"
	labelGroup    = "group"
	labelInstance = "instance"
	labelPort     = "port"
	labelKind     = "kind"
	labelResource = "resource"
	labelCarrier  = "carrier"
	labelHost     = "host"
)
