package bec_test

import (
	"encoding/json"
	"net"
	"regexp"

	"edgecloud/cloud/network"
)

type listener = net.Listener

func newGroup(name string) network.NewGroup { return network.NewGroup{Name: name} }

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
