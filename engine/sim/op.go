package sim

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrHostDown is what every engine of a host without power answers.
var ErrHostDown = errors.New("sim: the host has no power")

// ErrCut is what a site's network engine answers through a host whose cable is cut.
var ErrCut = errors.New("sim: the host is cut from its site")

// Op names an operation that takes time and may fail.
type Op string

// The operations of the engines, and what guests do by themselves.
const (
	OpAny         Op = ""
	OpDefine      Op = "hypervisor.define"
	OpStart       Op = "hypervisor.start"
	OpStop        Op = "hypervisor.stop"
	OpRestart     Op = "hypervisor.restart"
	OpRemove      Op = "hypervisor.remove"
	OpGet         Op = "hypervisor.get"
	OpList        Op = "hypervisor.list"
	OpSetPassword Op = "hypervisor.set_password"
	OpConsole     Op = "hypervisor.console"
	OpWatch       Op = "hypervisor.watch"
	OpCapacity    Op = "hypervisor.capacity"
	OpUsage       Op = "hypervisor.usage"

	OpImageEnsure  Op = "disk.ensure_image"
	OpImageRemove  Op = "disk.remove_image"
	OpImageCapture Op = "disk.capture"
	OpImageOpen    Op = "disk.open_image"
	OpImages       Op = "disk.images"
	OpVolumeEnsure Op = "disk.ensure"
	OpVolumeRemove Op = "disk.remove"
	OpVolumeGet    Op = "disk.get"
	OpVolumes      Op = "disk.list"
	OpSource       Op = "disk.source"
	OpDiskCapacity Op = "disk.capacity"

	OpSnapshot       Op = "disk.snapshot"
	OpSnapshotRemove Op = "disk.remove_snapshot"
	OpSnapshots      Op = "disk.snapshots"
	OpRollBack       Op = "disk.roll_back"

	OpNetworkEnsure Op = "network.ensure" // any kind
	OpNetworkRemove Op = "network.remove"
	OpNetworkList   Op = "network.list"
	OpTraffic       Op = "network.traffic"

	OpBalancerEnsure Op = "balancer.ensure"
	OpBalancerRemove Op = "balancer.remove"

	// OpGuestBoot delays a guest until its agent answers. Fail: it never does. Crash: the machine crashes while it boots.
	OpGuestBoot Op = "guest.boot"
	// OpGuestShutdown delays a guest that was asked to shut down or to reboot. Fail: it refuses.
	OpGuestShutdown Op = "guest.shutdown"
	// OpGuestAgent: Fail makes the guest agent dumb.
	OpGuestAgent Op = "guest.agent"
)

// Ops lists all operations but OpAny.
func Ops() []Op {
	return []Op{OpDefine, OpStart, OpStop, OpRestart, OpRemove, OpGet, OpList, OpSetPassword, OpConsole, OpWatch, OpCapacity, OpUsage, OpImageEnsure, OpImageRemove, OpImages,
		OpVolumeEnsure, OpVolumeRemove, OpVolumeGet, OpVolumes, OpSource, OpDiskCapacity, OpSnapshot, OpSnapshotRemove, OpSnapshots, OpRollBack,
		OpNetworkEnsure, OpNetworkRemove, OpNetworkList, OpTraffic, OpBalancerEnsure, OpBalancerRemove,
		OpGuestBoot, OpGuestShutdown, OpGuestAgent}
}

func (op Op) guest() bool { return strings.HasPrefix(string(op), "guest.") }

// call is an engine call on its way.
type call struct {
	op   Op
	uid  string
	late *rule // fires after the work is done
}

// end is the error of a call whose work is done: nil, unless a rule loses the answer.
func (c call) end() error {
	if c.late != nil && c.late.Effect == FailLate {
		return c.late.failure(c.op, c.uid)
	}
	return nil
}

func (c call) crashes() bool { return c.late != nil && c.late.Effect == Crash }

// begin is where every engine call starts: it may take its time, fail or hang.
func (w *World) begin(ctx context.Context, host string, op Op, uid string) (call, error) {
	w.calls.Add(1)
	c := call{op: op, uid: uid}
	if err := ctx.Err(); err != nil {
		return c, err
	}
	k := w.knobs.Load()
	if err := sleep(ctx, w.pause(k, op, uid)); err != nil {
		return c, err
	}
	r := w.fired(k, host, op, uid)
	if r == nil {
		return c, nil
	}
	switch r.Effect {
	case Hang:
		<-ctx.Done()
		return c, fmt.Errorf("%s %s: %w", op, uid, ctx.Err())
	case FailLate, Crash:
		c.late = r
		return c, nil
	default:
		return c, r.failure(op, uid)
	}
}

// pause draws how long an operation takes.
func (w *World) pause(k *knobs, op Op, uid string) time.Duration {
	d, ok := k.delays[op]
	if !ok && !op.guest() {
		d, ok = k.delays[OpAny]
	}
	if !ok {
		return 0
	}
	return max(0, d(draw(w.seed, "delay", op, uid, w.count.next("delay", op, uid))))
}

// guestDraw tells how long a guest takes for something and which rule hits it.
func (w *World) guestDraw(host string, op Op, uid string) (time.Duration, *rule) {
	k := w.knobs.Load()
	return w.pause(k, op, uid), w.fired(k, host, op, uid)
}
