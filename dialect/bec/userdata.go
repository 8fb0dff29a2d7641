package bec

import (
	"bytes"
	"encoding/base64"

	"edgecloud/fault"
)

// userDataMark begins user data in BEC's own wrapping.
const userDataMark = "user_injected_data:"

// guestUserData reads user data of a request: base64("user_injected_data: " + base64(raw)), as both versions have it (vm-instance.yaml, createVmInstance).
// Plain base64(raw) is taken too: a script or #cloud-config never begins with the mark. Empty is none.
func guestUserData(field, value string) ([]byte, error) {
	outer, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return nil, fault.BadField(field, "must be base64")
	}
	inner, wrapped := bytes.CutPrefix(outer, []byte(userDataMark))
	if !wrapped {
		return outer, nil
	}
	raw, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(inner)))
	if err != nil {
		return nil, fault.BadField(field, "must have base64 after %q", userDataMark)
	}
	return raw, nil
}
