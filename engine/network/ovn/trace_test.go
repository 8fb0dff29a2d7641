package ovn_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/engine/network/networktest"
)

// TestACLDecides asks OVN's own compiler: ovn-northd turns the rows into flows, and ovn-trace carries packets through them.
func TestACLDecides(t *testing.T) {
	nb, sb := startNorthbound(t), startDatabase(t, "/usr/share/ovn/ovn-sb.ovsschema")
	startNorthd(t, nb, sb)
	networktest.ACLDecides(t, openEngine(t, nb), func(p networktest.Packet) bool {
		run(t, "ovn-nbctl", "--db="+nb, "--wait=sb", "sync")
		flow := fmt.Sprintf(`inport == "%s" && eth.src == %s && eth.dst == %s && ip4.src == %s && ip4.dst == %s && ip.ttl == 64`,
			p.From.UID, p.From.MAC, run(t, "ovn-nbctl", "--db="+nb, "--bare", "--columns=mac", "find", "Logical_Router_Port", "name=ec-leg-"+p.From.Subnet), p.Source, p.Dest)
		switch p.Protocol {
		case "icmp":
			flow += " && icmp4.type == 8"
		default:
			flow += fmt.Sprintf(" && %s.src == %d && %s.dst == %d", p.Protocol, p.SrcPort, p.Protocol, p.DstPort)
		}
		out := run(t, "ovn-trace", "--db="+sb, "--minimal", "ec-sub-"+p.From.Subnet, flow)
		return strings.Contains(out, fmt.Sprintf("output(%q)", p.To.UID))
	})
}

func startNorthd(t *testing.T, nb, sb string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "ecnd")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	cmd := exec.Command("ovn-northd", "--ovnnb-db="+nb, "--ovnsb-db="+sb, "--unixctl="+dir+"/ctl", "--log-file="+dir+"/log", "-vconsole:off")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

func run(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // a program that asks a daemon would wait for a dead one for ever
	defer cancel()
	out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput()
	require.NoError(t, err, "%v: %s", args, out)
	return strings.TrimSpace(string(out))
}
