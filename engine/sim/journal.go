package sim

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// kinds of records besides link/spec's.
const (
	kindSite    = "site"
	kindHost    = "host"
	kindMachine = "machine"
	kindEnd     = "end" // the last record of a snapshot
)

// record names one thing of the world in its journal, with its whole value: an absent value says that it is gone.
type record struct {
	Site  string          `json:"s,omitempty"`
	Host  string          `json:"h,omitempty"`
	Kind  string          `json:"k"`
	UID   string          `json:"u,omitempty"`
	Value json.RawMessage `json:"v,omitempty"`
}

// A file of records is a sequence of frames: length of the payload and its CRC-32C (big endian, four bytes each), then the payload in JSON.
const frameHead = 8

// maxFrame bounds a frame's payload, so that a broken length cannot ask for all memory.
const maxFrame = 16 << 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func writeFrame(w io.Writer, payload []byte) error {
	var head [frameHead]byte
	binary.BigEndian.PutUint32(head[:], uint32(len(payload)))
	binary.BigEndian.PutUint32(head[4:], crc32.Checksum(payload, castagnoli))
	if _, err := w.Write(head[:]); err != nil {
		return err
	}
	_, err := w.Write(payload)
	return err
}

// errTorn says that a file ends within a frame, or that a frame does not fit its checksum.
var errTorn = errors.New("sim: torn record")

// readFrame gives io.EOF at the end and errTorn where nothing can be read any more.
func readFrame(r io.Reader) ([]byte, error) {
	var head [frameHead]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, errTorn
		}
		return nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > maxFrame {
		return nil, errTorn
	}
	payload := make([]byte, n)
	if _, err := io.ReadFull(r, payload); err != nil {
		return nil, errTorn
	}
	if crc32.Checksum(payload, castagnoli) != binary.BigEndian.Uint32(head[4:]) {
		return nil, errTorn
	}
	return payload, nil
}

// compactAt is how many bytes a journal has at least before it is replaced by a snapshot.
const compactAt = 8 << 20

// journal is an append-only file of records beside a snapshot. Generation g is snapshot-g and the journals from g on.
type journal struct {
	dir   string
	world *World

	mu       sync.Mutex
	file     *os.File
	out      *bufio.Writer
	gen      int
	size     int64 // of the journals since the snapshot
	base     int64 // of the snapshot
	compacts bool
	failed   error
	closed   bool
	idle     sync.WaitGroup // compactions under way
}

// append adds a record; the caller holds the lock of what it describes, so that one thing's records are in order. The record is the operating system's before
// the engine's call is answered: an engine that forgets by a kill -9 what it has said to be done is no engine (a port that was waiting for an address which
// had been reported gone, and was there again, waited for ever).
func (j *journal) append(payload []byte) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed || j.failed != nil {
		return
	}
	j.fail(errors.Join(writeFrame(j.out, payload), j.out.Flush()))
	j.size += frameHead + int64(len(payload))
	if !j.compacts && j.failed == nil && j.size > max(compactAt, 2*j.base) {
		j.compacts = true
		j.idle.Go(j.compact)
	}
}

func (j *journal) fail(err error) {
	if err != nil && j.failed == nil {
		j.failed = err
		slog.Error("the simulated world cannot be kept", "dir", j.dir, "error", err)
	}
}

// compact writes a snapshot and forgets the journals before it. Records that arrive meanwhile go to the next generation's journal: they hold whole values,
// so it does no harm if the snapshot has them already.
func (j *journal) compact() {
	j.mu.Lock()
	defer func() { j.compacts = false; j.mu.Unlock() }()
	if j.closed {
		return
	}
	before := j.size
	if err := j.rotate(); err != nil {
		j.fail(err)
		return
	}
	gen := j.gen
	j.mu.Unlock()
	size, err := j.world.snapshot(filepath.Join(j.dir, name("snapshot", gen)))
	j.mu.Lock()
	if err != nil {
		j.fail(err)
		return
	}
	j.base, j.size = size, j.size-before
	removeOld(j.dir, gen)
}

// rotate begins the next generation's journal. The caller holds the lock.
func (j *journal) rotate() error {
	next, err := os.OpenFile(filepath.Join(j.dir, name("journal", j.gen+1)), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if j.file != nil {
		if err := errors.Join(j.out.Flush(), j.file.Sync(), j.file.Close()); err != nil {
			return errors.Join(err, next.Close())
		}
	}
	j.gen++
	j.file, j.out = next, bufio.NewWriterSize(next, 64<<10)
	return nil
}

func (j *journal) close() error {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return nil
	}
	j.closed = true
	err := errors.Join(j.failed, j.out.Flush(), j.file.Sync(), j.file.Close())
	j.mu.Unlock()
	j.idle.Wait()
	return err
}

func name(what string, gen int) string { return fmt.Sprintf("%s-%08d", what, gen) }

// generations lists the generations of which there is a file of one sort.
func generations(dir, what string) ([]int, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var gens []int
	for _, e := range entries {
		var gen int
		if rest, ok := strings.CutPrefix(e.Name(), what+"-"); ok && len(rest) == 8 {
			if _, err := fmt.Sscanf(rest, "%08d", &gen); err == nil {
				gens = append(gens, gen)
			}
		}
	}
	slices.Sort(gens)
	return gens, nil
}

func removeOld(dir string, before int) {
	for _, what := range []string{"snapshot", "journal"} {
		gens, _ := generations(dir, what)
		for _, gen := range gens {
			if gen < before {
				_ = os.Remove(filepath.Join(dir, name(what, gen)))
			}
		}
	}
}
