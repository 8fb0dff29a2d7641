package iec

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/contract"
	"edgecloud/fault"
)

func loaded(t *testing.T) *contract.Dialect {
	t.Helper()
	d, err := contract.Load("iec")
	require.NoError(t, err)
	return d
}

// unsaid are the codes that no answer has, and why. A code stands for itself or, before a point, in one operation only.
var unsaid = map[string]string{
	"IEC.020912":               "generating an answer does not fail by itself",
	"IEC.020700":               "a fault of the service is IEC.000001 everywhere",
	"IEC.020701":               "a fault of the service is IEC.000001 everywhere",
	"IEC.020703":               "a fault of the service is IEC.000001 everywhere",
	"IEC.020705":               "a fault of the service is IEC.000001 everywhere",
	"IEC.020801":               "a fault of the service is IEC.000001 everywhere",
	"IEC.020803":               "a fault of the service is IEC.000001 everywhere",
	"IEC.020601":               "a fault of the service is IEC.000001 everywhere",
	"IEC.020604":               "a fault of the service is IEC.000001 everywhere",
	"IEC.020715":               "the wanted address that it is about is an older form of the request, which the contract does not have",
	"IEC.020716":               "the wanted address that it is about is an older form of the request, which the contract does not have",
	"IEC.020810":               "nothing is frozen: there is no billing yet",
	"IEC.020612":               "no port has an IPv6 address, so none is in a bandwidth",
	"createKeypair.IEC.010226": "a fault of the service is IEC.000001 everywhere",
	"createKeypair.IEC.010230": "a fault of the service is IEC.000001 everywhere",
	"listKeypairs.IEC.010228":  "a fault of the service is IEC.000001 everywhere",
	"showKeypair.IEC.010227":   "a fault of the service is IEC.000001 everywhere",
	"listQuotas.IEC.000000":    "a fault of the service is IEC.000001 everywhere",

	"createDeployment.IEC.010020":  "a fault of the service is IEC.000001 everywhere",
	"IEC.030202":                   "deleted images are not kept: they do not exist",
	"expandEdgeCloud.IEC.010101":   "a plan names its edge cloud itself, so that it cannot be run for another",
	"executeDeployment.IEC.010009": "a new edge cloud has not failed yet",
}

func TestEveryRefinementNamesADocumentedCode(t *testing.T) {
	d := loaded(t)
	for k, r := range refinements() {
		require.Contains(t, codes(), r.code)
		var fits bool
		for _, op := range d.Operations() {
			fits = fits || strings.HasPrefix(op.Key, r.in)
		}
		require.True(t, fits, "no operation starts with %q", r.in)
		for _, earlier := range refinements()[:k] {
			covers := strings.HasPrefix(r.in, earlier.in) && earlier.kind == r.kind && (earlier.about == "" || earlier.about == r.about) && (earlier.field == "" || earlier.field == r.field)
			require.False(t, covers, "%+v can never match after %+v", r, earlier)
		}
	}
}

// TestEveryDocumentedCodeIsGivenOrExplained holds the tables against x-errors of the operations that are built.
func TestEveryDocumentedCodeIsGivenOrExplained(t *testing.T) {
	d := loaded(t)
	for key := range (&Door{}).Handlers() {
		op := d.Operation(key)
		for _, e := range op.Errors() {
			if unsaid[e.Code] != "" || unsaid[op.ID+"."+e.Code] != "" || general(op, e.Code) {
				continue
			}
			var given bool
			for _, r := range refinements() {
				given = given || r.code == e.Code && strings.HasPrefix(key, r.in)
			}
			require.True(t, given, "%s is documented with %s (%s), which no row of a table gives", key, e.Code, e.Meaning)
		}
	}
}

// general tells whether an operation's faults get a code without any row.
func general(op *contract.Operation, code string) bool {
	for _, a := range answers {
		if a.code == code {
			return true
		}
	}
	for _, p := range op.Params() {
		if refine(op, fault.BadField(p.Name, "is wrong")).code == code {
			return true
		}
	}
	return false
}

func TestParametersOutOfTheContractHaveTheirOwnCodes(t *testing.T) {
	op := loaded(t).Operation("iec/port.listPorts")
	require.Equal(t, answer{http.StatusBadRequest, "IEC.000006"}, refine(op, fault.BadField("limit", "is no number")))
	require.Equal(t, answer{http.StatusBadRequest, "IEC.020916"}, refine(op, fault.BadField("offset", "is no number")))
	require.Equal(t, answer{http.StatusBadRequest, "IEC.000007"}, refine(op, fault.BadField("colour", "is unknown")))
	require.Equal(t, answer{http.StatusNotFound, "IEC.000008"}, refine(nil, fault.New(fault.NotFound, "No such path.").About("operation", "")))
}
