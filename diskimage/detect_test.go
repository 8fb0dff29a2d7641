package diskimage_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/diskimage"
)

// qcow2 makes a header of version 3 for a disk of 1 GiB.
func qcow2(change func(b []byte)) []byte {
	b := make([]byte, 512)
	copy(b, "QFI\xfb\x00\x00\x00\x03")
	binary.BigEndian.PutUint64(b[24:], 1<<30)
	if change != nil {
		change(b)
	}
	return b
}

func raw(size int) []byte {
	b := make([]byte, size)
	b[510], b[511] = 0x55, 0xaa
	return b
}

func TestDetect(t *testing.T) {
	good := map[string]struct {
		content []byte
		want    diskimage.Info
	}{
		"qcow2": {qcow2(nil), diskimage.Info{Format: diskimage.Qcow2, VirtualBytes: 1 << 30}},
		"raw":   {raw(1024), diskimage.Info{Format: diskimage.Raw, VirtualBytes: 1024}},
		"gzip":  {[]byte("\x1f\x8b\x08"), diskimage.Info{Format: diskimage.Gzip}},
	}
	for name, c := range good {
		got, err := diskimage.Detect(bytes.NewReader(c.content), int64(len(c.content)))
		require.NoError(t, err, name)
		require.Equal(t, c.want, got, name)
	}
	backed := func(b []byte) {
		binary.BigEndian.PutUint64(b[8:], 200)
		binary.BigEndian.PutUint32(b[16:], 11)
		copy(b[200:], "/etc/shadow")
	}
	bad := map[string][]byte{
		"/etc/shadow":             qcow2(backed),
		"another file":            qcow2(func(b []byte) { b[79] = 1 << 2 }),
		"corrupt":                 qcow2(func(b []byte) { b[79] = 1 << 1 }),
		"unknown features":        qcow2(func(b []byte) { b[72] = 1 }),
		"encrypted":               qcow2(func(b []byte) { b[35] = 1 }),
		"its disk is empty":       qcow2(func(b []byte) { b[28] = 0 }),
		"a disk of":               qcow2(func(b []byte) { b[24] = 0xff }),
		"name has":                qcow2(func(b []byte) { backed(b); b[17] = 1 }),
		"qcow version 9":          qcow2(func(b []byte) { b[7] = 9 }),
		"header is cut off":       qcow2(nil)[:40],
		"VMDK":                    append([]byte("KDMV"), make([]byte, 600)...),
		"xz":                      []byte("\xfd7zXZ\x00 and more"),
		"neither qcow2 nor":       []byte("<html>404 Not Found</html>"),
		"no multiple of":          raw(1000),
		"neither qcow2 nor a raw": {},
	}
	for says, content := range bad {
		_, err := diskimage.Detect(bytes.NewReader(content), int64(len(content)))
		require.ErrorIs(t, err, diskimage.ErrFormat, says)
		require.ErrorContains(t, err, says)
	}
}
