package bec_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/contract"
	"edgecloud/dialect/bec/wire/v2deployset"
)

// TestV2DocumentedExamples replays every request that the contract documents, with the IDs that it names put in place.
func TestV2DocumentedExamples(t *testing.T) {
	v := newV2(t)
	loaded, err := contract.Load("bec")
	require.NoError(t, err)
	pair, _, err := v.Control.Compute.CreateKeyPair(t.Context(), v.caller, "mine")
	require.NoError(t, err)
	group, err := v.Control.Networks.CreateGroup(t.Context(), v.caller, newGroup("mine"))
	require.NoError(t, err)
	var set v2deployset.DeploySetCreateResponse
	v.must(t, "POST", "/v2/vm/instance/deployset/create", values{"name": "s"}, &set)
	replayed := 0
	for _, op := range loaded.Operations() {
		if !strings.HasPrefix(op.Key, "bec/v2/vm-instance.") && !strings.HasPrefix(op.Key, "bec/v2/vm-service.") && !strings.HasPrefix(op.Key, "bec/v2/deployset.") &&
			!strings.HasPrefix(op.Key, "bec/v2/cipher.") {
			continue
		}
		for _, e := range op.Examples().Requests {
			t.Run(fmt.Sprintf("%s %s", op.ID, e.Name), func(t *testing.T) {
				service, ids := v.create(t, values{"networkCapacityInMbps": 10})
				v.await(t, "RUNNING", ids[0])
				body := exampleIDs(string(e.Body), v.image, "k-"+pair.Slug, v.encrypted(t, v2Pass), "sg-"+group.Slug, ids[0], set.DeploySetIDs[0])
				target := exampleIDs(e.Target, v.image, "", "", "", ids[0], set.DeploySetIDs[0])
				target = strings.ReplaceAll(target, "s-4a3eoswh", service)
				v.prepareExample(t, op.ID, service, ids[0], set.DeploySetIDs[0])
				if op.ID == "deleteDeploySet" {
					var another v2deployset.DeploySetCreateResponse
					v.must(t, "POST", "/v2/vm/instance/deployset/create", values{"name": "s"}, &another)
					target = strings.ReplaceAll(target, set.DeploySetIDs[0], another.DeploySetIDs[0])
				}
				v.must(t, e.Method, target, rawBody(body), nil)
				replayed++
			})
		}
	}
	require.GreaterOrEqual(t, replayed, 30)
}

// prepareExample brings about the state that an example needs.
func (v *v2) prepareExample(t *testing.T, op, service, id, set string) {
	t.Helper()
	switch op {
	case "startVmInstance", "startVmService":
		v.must(t, "PUT", "/v2/vm/service/"+service+"?stop", nil, nil)
		v.await(t, "STOPPED", id)
	case "removeInstancesFromDeploySet":
		v.must(t, "POST", "/v2/vm/instance/deployset/updateRelation", values{"instanceId": id, "deploysetIdList": []string{set}}, nil)
	}
}

// rawBody is an example's body as it is; none stays none.
func rawBody(text string) any {
	if text == "" {
		return nil
	}
	var body any
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		return text
	}
	return body
}

var (
	exampleImage    = regexp.MustCompile(`\bm-(kHYPoKjl|O3eum4tp)\b`)
	exampleKey      = regexp.MustCompile(`\bk-xxxxxxxx\b`)
	examplePassword = regexp.MustCompile(`\bfbf1eaa91fc03ed239854885c1a84cb5\b`)
	exampleGroup    = regexp.MustCompile(`\bsg-e5tayp5y\b`)
	exampleInstance = regexp.MustCompile(`\bvm-[a-z0-9]{8}-[a-z0-9-]+-[a-z0-9]{5}\b`)
	exampleSet      = regexp.MustCompile(`\bdset-[a-z0-9]{8}\b`)
)

// exampleIDs puts IDs that exist in the place of the document's.
func exampleIDs(text, image, key, password, group, instance, set string) string {
	for pattern, id := range map[*regexp.Regexp]string{exampleImage: image, exampleKey: key, examplePassword: password, exampleGroup: group, exampleInstance: instance, exampleSet: set} {
		text = pattern.ReplaceAllLiteralString(text, id)
	}
	return text
}
