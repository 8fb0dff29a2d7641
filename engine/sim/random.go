package sim

import "sync"

// mix is splitmix64's finalizer: every input bit changes about half of the output's.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb
	return x ^ (x >> 31)
}

// hashString is 64-bit FNV-1a: stable over processes, unlike hash/maphash.
func hashString(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

// draw gives a number in [0, 1) that depends on nothing but its arguments.
func draw(seed uint64, salt string, op Op, uid string, n uint64) float64 {
	x := mix(seed ^ hashString(salt))
	x = mix(x ^ hashString(string(op)))
	x = mix(x ^ hashString(uid))
	x = mix(x ^ n)
	return float64(x>>11) / (1 << 53)
}

// counters tells how often something was drawn; it grows only with what delays and rules ask for.
type counters struct {
	mu   sync.Mutex
	seen map[counterKey]uint64
}

type counterKey struct {
	salt string
	op   Op
	uid  string
}

// next gives 0, 1, 2, ... for one key.
func (c *counters) next(salt string, op Op, uid string) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = map[counterKey]uint64{}
	}
	k := counterKey{salt, op, uid}
	n := c.seen[k]
	c.seen[k] = n + 1
	return n
}
