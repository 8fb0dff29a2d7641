package spool

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// Names of the files: a number and what they are.
const (
	openSuffix   = ".open"
	packedSuffix = ".zst"
	halfSuffix   = ".half"
)

func (s *Spool) path(number int64, suffix string) string {
	return filepath.Join(s.dir, fmt.Sprintf("%012d%s", number, suffix))
}

// find takes over what is in the folder. An open segment of before is sealed: whether it ends in a whole line is looked at when it is read.
func (s *Spool) find() error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	last := int64(0)
	for _, e := range entries {
		base, packed := strings.CutSuffix(e.Name(), packedSuffix)
		if !packed {
			base = strings.TrimSuffix(base, openSuffix)
		}
		if strings.HasSuffix(e.Name(), halfSuffix) { // a crash while it was packed: the open file has it all
			if err := os.Remove(filepath.Join(s.dir, e.Name())); err != nil {
				return err
			}
			continue
		}
		number, err := strconv.ParseInt(base, 10, 64)
		if err != nil {
			continue // not ours
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		last = max(last, number)
		if k := len(s.segments) - 1; k >= 0 && s.segments[k].number == number { // a crash between packing and removing: both say the same
			s.segments[k].packed, s.segments[k].bytes = true, info.Size()
			continue
		}
		if info.Size() == 0 {
			if err := os.Remove(filepath.Join(s.dir, e.Name())); err != nil {
				return err
			}
			continue
		}
		s.segments = append(s.segments, &segment{number: number, bytes: info.Size(), packed: packed})
	}
	open := &segment{number: last + 1}
	s.segments = append(s.segments, open)
	return s.begin(open)
}

// begin makes the file of an open segment, and takes that of its forerunner away.
func (s *Spool) begin(g *segment) error {
	if s.file != nil {
		name := s.file.Name()
		if err := errors.Join(s.file.Close(), os.Remove(name)); err != nil {
			return err
		}
		s.file = nil
	}
	file, err := os.OpenFile(s.path(g.number, openSuffix), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	s.file = file
	return err
}

// seal packs the open segment, and opens the next one.
func (s *Spool) seal(g *segment) error {
	next := &segment{number: g.number + 1}
	s.segments = append(s.segments, next)
	if s.dir == "" {
		return nil
	}
	packed, err := pack(bytes.Join(g.rounds, []byte{'\n'}))
	if err != nil {
		return err
	}
	half := s.path(g.number, halfSuffix)
	if err := os.WriteFile(half, packed, 0o600); err != nil {
		return err
	}
	if err := os.Rename(half, s.path(g.number, packedSuffix)); err != nil {
		return err
	}
	g.packed, g.bytes = true, int64(len(packed))
	if !slices.Contains(g.done, true) { // otherwise it is being sent, and has to be known
		g.rounds, g.done = nil, nil
	}
	return s.begin(next)
}

// load reads the rounds of a segment that lies on disk.
func (s *Spool) load(g *segment) error {
	if g.rounds != nil || s.dir == "" || g.bytes == 0 {
		return nil
	}
	suffix := openSuffix
	if g.packed {
		suffix = packedSuffix
	}
	data, err := os.ReadFile(s.path(g.number, suffix))
	if err == nil && g.packed {
		data, err = unpack(data)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !g.packed {
		return err
	}
	for line := range bytes.Lines(data) { // what a crash has torn is no JSON; a packed file that cannot be read has no lines
		if line = bytes.TrimSpace(line); json.Valid(line) {
			g.rounds = append(g.rounds, slices.Clone(line))
		}
	}
	g.done = make([]bool, len(g.rounds))
	return nil
}

// drop takes a segment away.
func (s *Spool) drop(g *segment) error {
	s.segments = slices.DeleteFunc(s.segments, func(o *segment) bool { return o == g })
	if s.dir == "" {
		return nil
	}
	for _, suffix := range []string{packedSuffix, openSuffix} {
		if err := os.Remove(s.path(g.number, suffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func pack(data []byte) ([]byte, error) {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(segmentSize))
	if err != nil {
		return nil, err
	}
	defer w.Close()
	return w.EncodeAll(data, nil), nil
}

func unpack(data []byte) ([]byte, error) {
	r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return r.DecodeAll(data, nil)
}
