package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func byCheck(all []Finding) map[string]Finding {
	m := map[string]Finding{}
	for _, f := range all {
		m[f.Check] = f
	}
	return m
}

func TestASimulationNeedsLittle(t *testing.T) {
	all := Examine(context.Background(), Config{Dir: filepath.Join(t.TempDir(), "not", "yet"), Listen: "127.0.0.1:0", Doors: 6})
	require.Less(t, Worst(all), Fail, all)
	require.NotContains(t, byCheck(all), "kvm")
}

func TestEachFindingSaysWhatToDo(t *testing.T) {
	all := Examine(context.Background(), Config{Real: true, Dir: t.TempDir(), Listen: "127.0.0.1:0", Doors: 6})
	for _, f := range all {
		require.NotEmpty(t, f.Says, f.Check)
		require.Equal(t, f.Level != OK, f.Do != "", f.Check)
	}
	for _, name := range []string{"kvm", "datapath", "libvirtd", "ovsdb-server", "clock", "disk", "ports", "cgroups", "open files", "tun", "memory"} {
		require.Contains(t, byCheck(all), name)
	}
}

func TestAPortThatIsTakenIsFound(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	f := checkPorts(context.Background(), Config{Listen: l.Addr().String()})
	require.Equal(t, Fail, f[0].Level)
	require.Contains(t, f[0].Says, l.Addr().String())
	require.Equal(t, OK, checkPorts(context.Background(), Config{Listen: l.Addr().String(), Uses: true})[0].Level)
	require.Equal(t, Fail, checkPorts(context.Background(), Config{Listen: "nowhere"})[0].Level)
}

func TestAFolderThatCannotBeWrittenIsFound(t *testing.T) {
	f := checkFolder(context.Background(), Config{Dir: "/proc/nothing"})
	require.Equal(t, Fail, f[0].Level)
}

func TestPrinting(t *testing.T) {
	all := append(ok("a", "well"), bad("b", Warn, "do it", "not %s", "well")...)
	var text, raw bytes.Buffer
	require.NoError(t, Print(&text, all))
	require.Equal(t, 3, strings.Count(text.String(), "\n"))
	require.Contains(t, text.String(), "-> do it")
	require.NoError(t, PrintJSON(&raw, all))
	var back []map[string]string
	require.NoError(t, json.Unmarshal(raw.Bytes(), &back))
	require.Equal(t, "warn", back[1]["level"])
	require.Equal(t, Warn, Worst(all))
}
