package diskimage

import (
	"bytes"
	"testing"
)

// FuzzHeader: a header of any bytes is read or refused, and a size that is told is one that fits.
func FuzzHeader(f *testing.F) {
	f.Add([]byte(magic))
	f.Add(append([]byte(magic+"\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00\x08\x00\x00\x00\x10"), make([]byte, 100)...))
	f.Add(make([]byte, 512))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := ReadHeader(bytes.NewReader(data))
		if err == nil && (h.Bytes < 0 || len(h.Backing) > maxBackingName) {
			t.Fatalf("%+v", h)
		}
	})
}
