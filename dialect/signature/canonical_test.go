package signature

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestPathKeepsEscapedSlashesApart(t *testing.T) {
	for in, want := range map[string]string{"": "/", "/": "/", "/a%2Fb": "/a%2Fb", "/a/b": "/a/b", "/a%2fb": "/a%2Fb", "/a+b:c": "/a%2Bb%3Ac", "/%7e~": "/~~", "//": "//", "/a/": "/a/"} {
		got, err := AppendPath(nil, in)
		require.NoError(t, err)
		require.Equal(t, want, string(got), in)
	}
	_, err := AppendPath(nil, "/%zz")
	require.Error(t, err)
}

func TestPairs(t *testing.T) {
	pairs, err := Pairs("b=1+2&a&&c=%2B;d=e=f&=x")
	require.NoError(t, err)
	require.Equal(t, []Pair{{"b", "1 2"}, {"a", ""}, {"c", "+;d=e=f"}, {"", "x"}}, pairs)
	for _, bad := range []string{"a=%", "%g1=x"} {
		_, err := Pairs(bad)
		require.Error(t, err, bad)
	}
}

func TestPairsAgreesWithTheStandardParser(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := url.Values(rapid.MapOf(rapid.String(), rapid.SliceOfN(rapid.String(), 1, 3)).Draw(t, "values"))
		pairs, err := Pairs(values.Encode())
		require.NoError(t, err)
		again := url.Values{}
		for _, p := range pairs {
			again.Add(p.Name, p.Value)
		}
		require.Equal(t, values, again)
	})
}

func TestEscapingIsReversible(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		escaped := string(AppendEscaped(nil, s))
		back, err := url.PathUnescape(escaped)
		require.NoError(t, err)
		require.Equal(t, s, back)
		require.Equal(t, strings.ReplaceAll(url.QueryEscape(s), "+", "%20"), escaped)
	})
}

func TestSignedHeaders(t *testing.T) {
	names, err := SignedHeaders("host;x-bce-date")
	require.NoError(t, err)
	require.Equal(t, []string{"host", "x-bce-date"}, names)
	names, err = SignedHeaders("")
	require.NoError(t, err)
	require.Empty(t, names)
	for _, bad := range []string{"Host", ";", "a;;b", "a;a", "a b", "a\n", strings.Repeat("a;", 200)} {
		_, err := SignedHeaders(bad)
		require.Error(t, err, bad)
	}
}

func TestValues(t *testing.T) {
	r := &http.Request{Host: "h:8443", ContentLength: 7, Header: http.Header{"X-A": {"1", "2"}, "Host": {"other"}}}
	require.Equal(t, []string{"h:8443"}, Values(r, "host"))
	require.Equal(t, []string{"1", "2"}, Values(r, "x-a"))
	require.Equal(t, []string{"7"}, Values(r, "content-length"))
	require.Empty(t, Values(r, "x-b"))
}
