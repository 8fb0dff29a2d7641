package store

import (
	"encoding/binary"
	"encoding/hex"
	"io"
	"sync"
	"time"
)

// generator makes the clock's readings and everything random. The reader is drained in blocks, under one lock.
type generator struct {
	now   func() time.Time
	mu    sync.Mutex
	rand  io.Reader
	buf   [512]byte
	left  int
	stamp uint64 // the last UUID's time: milliseconds << 12 | fraction
}

func newGenerator(now func() time.Time, rand io.Reader) *generator {
	return &generator{now: now, rand: rand}
}

// Now is in UTC and whole microseconds, and without Go's monotonic part, so that it equals what a column gives back.
func (g *generator) Now() time.Time { return time.UnixMicro(g.now().UnixMicro()).UTC() }

// fill takes random bytes; the caller holds the lock. A failing random source leaves nothing sensible to do.
func (g *generator) fill(b []byte) {
	for len(b) > 0 {
		if g.left == 0 {
			if _, err := io.ReadFull(g.rand, g.buf[:]); err != nil {
				panic("store: no random numbers: " + err.Error())
			}
			g.left = len(g.buf)
		}
		n := copy(b, g.buf[len(g.buf)-g.left:])
		g.left -= n
		b = b[n:]
	}
}

// NewUID follows RFC 9562 section 5.7, with the fraction of the millisecond in rand_a (section 6.2, method 3) that also counts up within one moment.
func (g *generator) NewUID(at time.Time) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	micros := uint64(at.UnixMicro())
	stamp := micros/1000<<12 | (micros%1000)<<12/1000
	g.stamp = max(stamp, g.stamp+1)
	var id [16]byte
	g.fill(id[8:])
	binary.BigEndian.PutUint64(id[:8], g.stamp>>12<<16|7<<12|g.stamp&0xfff)
	id[8] = id[8]&0x3f | 0x80
	var text [36]byte
	hex.Encode(text[0:8], id[0:4])
	hex.Encode(text[9:13], id[4:6])
	hex.Encode(text[14:18], id[6:8])
	hex.Encode(text[19:23], id[8:10])
	hex.Encode(text[24:36], id[10:16])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}

const (
	slugAlphabet  = "abcdefghijklmnopqrstuvwxyz0123456789"
	tokenAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

func (g *generator) NewSlug() string    { return g.pick(8, slugAlphabet) }
func (g *generator) Token(n int) string { return g.pick(n, tokenAlphabet) }

// pick draws n characters evenly: bytes beyond the last whole multiple of the alphabet are thrown away.
func (g *generator) pick(n int, alphabet string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	limit := 256 - 256%len(alphabet)
	text := make([]byte, 0, n)
	var one [1]byte
	for len(text) < n {
		if g.fill(one[:]); int(one[0]) < limit {
			text = append(text, alphabet[int(one[0])%len(alphabet)])
		}
	}
	return string(text)
}
