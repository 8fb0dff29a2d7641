package libvirt

import (
	"context"
	"fmt"
	"strings"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"
	"github.com/google/uuid"

	"edgecloud/engine/hypervisor"
)

const statistics = golibvirt.DomainStatsState | golibvirt.DomainStatsCPUTotal | golibvirt.DomainStatsBalloon | golibvirt.DomainStatsVCPU | golibvirt.DomainStatsInterface | golibvirt.DomainStatsBlock

// Usage implements hypervisor.Hypervisor. libvirt tells of all machines in one answer, of NICs as the guest sees them.
func (e *Engine) Usage(ctx context.Context) ([]hypervisor.Usage, error) {
	all, err := query(ctx, e, func(l *golibvirt.Libvirt) ([]hypervisor.Usage, error) {
		records, err := l.ConnectGetAllDomainStats(nil, uint32(statistics), uint32(golibvirt.ConnectGetAllDomainsStatsPersistent))
		if err != nil {
			return nil, err
		}
		var all []hypervisor.Usage
		for _, r := range records {
			u, err := usage(l, r)
			if isCode(err, golibvirt.ErrNoDomain, golibvirt.ErrNoDomainMetadata) {
				continue // not ours, or gone meanwhile
			}
			if err != nil {
				return nil, err
			}
			all = append(all, u)
		}
		return all, nil
	})
	if err != nil {
		return nil, fmt.Errorf("libvirt: usage: %w", err)
	}
	return all, nil
}

func usage(l *golibvirt.Libvirt, r golibvirt.DomainStatsRecord) (hypervisor.Usage, error) {
	u := hypervisor.Usage{UID: uuid.UUID(r.Dom.UUID).String()}
	if _, err := readMark(l, r.Dom, golibvirt.DomainAffectConfig); err != nil {
		return u, err
	}
	d, err := readDomain(l, r.Dom, 0)
	if err != nil {
		return u, err
	}
	if d.VCPU != nil {
		u.VCPUs = int(d.VCPU.Value)
	}
	if d.Memory != nil {
		u.MemoryBytes = int64(d.Memory.Value) << 10 // libvirt answers in KiB
	}
	s := newStats(r.Params)
	running := golibvirt.DomainState(s.number["state.state"]) != golibvirt.DomainShutoff && golibvirt.DomainState(s.number["state.state"]) != golibvirt.DomainCrashed
	if running {
		u.CPU, u.MemoryUsed, u.Disk = s.cpu(), s.memory(), s.disks()
	}
	for _, i := range d.Devices.Interfaces {
		if i.VirtualPort == nil || i.VirtualPort.Params == nil || i.VirtualPort.Params.OpenVSwitch == nil {
			continue
		}
		n := hypervisor.NICUsage{Port: i.VirtualPort.Params.OpenVSwitch.InterfaceID}
		if running && i.Target != nil {
			s.nic(i.Target.Dev, &n)
		}
		u.NICs = append(u.NICs, n)
	}
	return u, nil
}

// stats are libvirt's parameters by their names.
type stats struct {
	number map[string]int64
	text   map[string]string
}

func newStats(params []golibvirt.TypedParam) stats {
	s := stats{map[string]int64{}, map[string]string{}}
	for _, p := range params {
		switch v := p.Value.I.(type) {
		case int32:
			s.number[p.Field] = int64(v)
		case uint32:
			s.number[p.Field] = int64(v)
		case int64:
			s.number[p.Field] = v
		case uint64:
			s.number[p.Field] = int64(v)
		case string:
			s.text[p.Field] = v
		}
	}
	return s
}

// cpu is what the processors have run. The whole process's time, which counts what QEMU does beside them, is for guests whose processors libvirt cannot tell apart.
func (s stats) cpu() time.Duration {
	var sum int64
	for k := range s.number["vcpu.maximum"] {
		sum += s.number[fmt.Sprintf("vcpu.%d.time", k)]
	}
	if sum == 0 {
		sum = s.number["cpu.time"]
	}
	return time.Duration(sum)
}

// memory is in KiB at libvirt. A guest without a balloon driver says nothing; then it is what the process has, which never shrinks.
func (s stats) memory() int64 {
	available, told := s.number["balloon.available"]
	free, usable := s.number["balloon.usable"]
	if !usable {
		free = s.number["balloon.unused"]
	}
	if told && available > free {
		return (available - free) << 10
	}
	return min(s.number["balloon.rss"], s.number["balloon.current"]) << 10
}

func (s stats) disks() (d hypervisor.DiskUsage) {
	for k := range s.number["block.count"] {
		at := fmt.Sprintf("block.%d.", k)
		if !strings.HasPrefix(s.text[at+"name"], "vd") {
			continue // the seed
		}
		d.ReadBytes += s.number[at+"rd.bytes"]
		d.WriteBytes += s.number[at+"wr.bytes"]
		d.Reads += s.number[at+"rd.reqs"]
		d.Writes += s.number[at+"wr.reqs"]
	}
	return d
}

func (s stats) nic(device string, n *hypervisor.NICUsage) {
	for k := range s.number["net.count"] {
		at := fmt.Sprintf("net.%d.", k)
		if s.text[at+"name"] == device {
			n.InBytes, n.In, n.OutBytes, n.Out = s.number[at+"rx.bytes"], s.number[at+"rx.pkts"], s.number[at+"tx.bytes"], s.number[at+"tx.pkts"]
		}
	}
}
