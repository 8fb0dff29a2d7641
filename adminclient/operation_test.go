package adminclient_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/adminclient"
	"edgecloud/contract"
	"edgecloud/controlplane/controlplanetest"
)

// operations finds commands by their words.
func operations(t *testing.T) map[string]*adminclient.Operation {
	all, err := adminclient.Operations()
	require.NoError(t, err)
	byWords := map[string]*adminclient.Operation{}
	for _, o := range all {
		require.NotContains(t, byWords, strings.Join(o.Words, " "))
		byWords[strings.Join(o.Words, " ")] = o
		if len(o.Words) == 2 {
			require.Contains(t, adminclient.Nouns, o.Words[0])
		}
		names := map[string]bool{"json": true, "data": true, "help": true}
		for _, f := range o.Flags {
			require.False(t, names[f.Name], "%v --%s", o.Words, f.Name)
			names[f.Name] = true
		}
	}
	return byWords
}

// Every operation of the contract has a command; those that take more than one request have one of their own.
func TestNoOperationIsForgotten(t *testing.T) {
	own := []string{"createToken", "importImage", "uploadImage"}
	have := map[string]bool{}
	for _, o := range operations(t) {
		have[o.ID()] = true
	}
	for _, op := range contract.MustLoad("admin").Operations() {
		require.Equal(t, !slices.Contains(own, op.ID), have[op.ID], op.ID)
	}
}

type shell struct {
	t   *testing.T
	all map[string]*adminclient.Operation
	c   *adminclient.Client
}

// run carries a command out and gives its table.
func (s shell) run(words string, args []string, flags map[string][]string) (string, error) {
	o := s.all[words]
	require.NotNil(s.t, o, words)
	answer, err := s.c.Do(s.t.Context(), o, args, flags)
	if err != nil {
		return "", s.c.Explain(err)
	}
	var out bytes.Buffer
	require.NoError(s.t, o.Print(&out, answer))
	return out.String(), o.Verdict(answer)
}

func (s shell) ok(words string, args []string, flags map[string][]string) string {
	s.t.Helper()
	out, err := s.run(words, args, flags)
	require.NoError(s.t, err, words)
	return out
}

func open(t *testing.T) (shell, *controlplanetest.Cloud) {
	cloud := controlplanetest.Start(t, nil)
	return shell{t, operations(t), &adminclient.Client{URL: cloud.URL["admin"], AccessKey: cloud.Admin.Key.ID, SecretKey: cloud.Admin.Key.Secret, Now: time.Now}}, cloud
}

// member reads a line of what printed one thing.
func member(out, name string) string {
	for line := range strings.Lines(out) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == name {
			return words[1]
		}
	}
	return ""
}

func TestAnOperatorsDay(t *testing.T) {
	s, cloud := open(t)
	out := s.ok("account create", nil, map[string][]string{"name": {"acme"}, "user-name": {"ops"}, "user-role": {"member"}, "user-password": {"Str0ng-pass!"}})
	require.Contains(t, out, "acme")
	require.Regexp(t, `(?m)^ID +NUMBER +NAME`, s.ok("account list", nil, nil))
	require.Equal(t, 3, strings.Count(s.ok("account list", nil, nil), "\n"))
	require.Equal(t, 2, strings.Count(s.ok("account list", nil, map[string][]string{"limit": {"1"}}), "\n"), "a limit is one page")

	site := s.ok("site create", nil, map[string][]string{"name": {"cn-test-ct"}, "carrier": {"CHINA_TELECOM"}, "city": {"TEST"}})
	require.Equal(t, "TEST", member(site, "city"))
	line := map[string][]string{"carrier": {"CHINA_TELECOM"}, "physical-network": {"provider"}, "prefix": {"198.51.100.0/24"}, "gateway": {"198.51.100.1"}, "first": {"198.51.100.10"}, "last": {"198.51.100.99"}, "vlan": {"7"}}
	require.Contains(t, s.ok("line add", []string{"cn-test-ct"}, line), `"vlan":7`)
	line["ipv6-prefix"], line["ipv6-gateway"] = []string{"2001:db8:1::/64"}, []string{"2001:db8:1::1"}
	require.Contains(t, s.ok("line add", []string{"cn-test-ct"}, line), `"first":"2001:db8:1::2"`, "a line that is there is given IPv6")
	require.Equal(t, "no", member(s.ok("site disable", []string{"cn-test-ct"}, nil), "enabled"))

	require.Equal(t, 3, strings.Count(s.ok("host list", nil, map[string][]string{"site": {"cn-hangzhou-cm"}}), "\n"))
	require.Equal(t, "no", member(s.ok("host disable", []string{"cn-hangzhou-cm-1"}, nil), "enabled"))
	require.Empty(t, s.ok("host remove", []string{"cn-hangzhou-cm-1"}, nil))
	require.Equal(t, "1024", member(s.ok("flavor create", nil, map[string][]string{"name": {"own.c1m1"}, "vcpus": {"1"}, "memory-mib": {"1024"}}), "memory-mib"))
	require.Equal(t, "7", member(s.ok("quota set", []string{cloud.Admin.Account.UID, "instances"}, map[string][]string{"limit": {"7"}}), "limit"))
	require.Contains(t, s.ok("image names", []string{"Debian 12 64bit"}, map[string][]string{"names": {"Debian, newest", "Debian 12.1"}}), "Debian 12.1, Debian, newest")
	require.Contains(t, s.ok("image names", []string{"Debian 12 64bit"}, nil), "Debian 12 64bit")
	require.Contains(t, s.ok("fault create", nil, map[string][]string{"effect": {"full"}, "probability": {"0.5"}}), "full")
	require.Empty(t, s.ok("fault clear", nil, nil))
	require.Contains(t, s.ok("event list", nil, nil), "createFault")
	require.Equal(t, "ok", member(s.ok("health", nil, nil), "status"))
	require.Equal(t, "RULE  KIND  UID  TEXT\n", s.ok("check", nil, map[string][]string{"settled": {"true"}}))
}

func TestFailuresSayWhatToDoAndHaveACode(t *testing.T) {
	s, _ := open(t)
	file := filepath.Join(t.TempDir(), "lines.json")
	require.NoError(t, os.WriteFile(file, []byte(`[{"carrier":"CHINA_TELECOM"`), 0o600))
	for _, c := range []struct {
		words string
		args  []string
		flags map[string][]string
		code  int
		says  string
	}{
		{"host get", []string{"nowhere"}, nil, adminclient.ExitNotFound, "nowhere"},
		{"site create", nil, map[string][]string{"name": {"cn-hangzhou-cm"}}, adminclient.ExitConflict, "already"},
		{"host enrol", []string{"cn-hangzhou-cm"}, nil, adminclient.ExitConflict, "edgecloud control"},
		{"flavor create", nil, map[string][]string{"name": {"x"}, "vcpus": {"0"}, "memory-mib": {"1024"}}, adminclient.ExitUsage, "vcpus"},
		{"flavor create", nil, map[string][]string{"name": {"x"}, "vcpus": {"one"}}, adminclient.ExitUsage, `--vcpus: must be a whole number, not "one"`},
		{"site create", nil, map[string][]string{"name": {"x"}, "lines": {"@" + file}}, adminclient.ExitUsage, "--lines: must be a JSON list"},
		{"line add", []string{"cn-hangzhou-cm"}, map[string][]string{"carrier": {"BGP"}, "physical-network": {"p"}, "prefix": {"198.51.100.0/24"}, "gateway": {"198.51.100.1"}, "first": {"198.51.100.10"},
			"last": {"198.51.100.99"}, "ipv6-prefix": {"2001:db8::/48"}, "ipv6-gateway": {"2001:db8::1"}}, adminclient.ExitUsage, "ipv6.prefix"},
		{"site create", nil, map[string][]string{"name": {"x"}, "lines": {"@/nowhere"}}, adminclient.ExitUsage, "--lines: open /nowhere"},
	} {
		_, err := s.run(c.words, c.args, c.flags)
		require.ErrorContains(t, err, c.says, c.words)
		require.Equal(t, c.code, adminclient.ExitCode(err), c.words)
	}
	denied := *s.c
	denied.SecretKey = "wrong"
	_, err := shell{t, s.all, &denied}.run("host list", nil, nil)
	require.ErrorContains(t, err, "EDGECLOUD_ACCESS_KEY")
	require.Equal(t, adminclient.ExitDenied, adminclient.ExitCode(err))
	away := *s.c
	away.URL = "http://127.0.0.1:1"
	_, err = shell{t, s.all, &away}.run("host list", nil, nil)
	require.ErrorContains(t, err, "systemctl status edgecloud-control")
	require.Equal(t, adminclient.ExitAway, adminclient.ExitCode(err))
	var raw *url.Error
	require.True(t, errors.As(err, &raw))
}

func TestListsAreFetchedPageByPage(t *testing.T) {
	s, _ := open(t)
	o := s.all["flavor list"]
	all, err := s.c.Do(t.Context(), o, nil, nil)
	require.NoError(t, err)
	for n := range 120 {
		s.ok("flavor create", nil, map[string][]string{"name": {fmt.Sprintf("own.n%d", n)}, "vcpus": {"1"}, "memory-mib": {"1024"}})
	}
	more, err := s.c.Do(t.Context(), o, nil, nil)
	require.NoError(t, err)
	require.Equal(t, 120, bytes.Count(more, []byte(`"name"`))-bytes.Count(all, []byte(`"name"`)))
	require.NotContains(t, string(more), `"next"`)
}
