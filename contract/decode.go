package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// decode reads one JSON value; numbers keep their spelling. ok is false for an empty body.
func decode(raw []byte) (value any, ok bool, err error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return nil, false, nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		return nil, false, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, false, errors.New("something follows the value")
	}
	return value, true, nil
}
