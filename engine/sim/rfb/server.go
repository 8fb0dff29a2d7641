package rfb

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
)

// Version is what both sides open with.
const Version = "RFB 003.008\n"

// Serve speaks RFB with one client until it leaves, the connection is closed, or it breaks the protocol. It closes the connection.
func Serve(conn net.Conn, screen *Screen, title string) error {
	defer conn.Close()
	s := &session{conn: conn, in: bufio.NewReader(conn), screen: screen, format: native, wake: make(chan struct{}, 1), done: make(chan struct{})}
	if err := s.handshake(title); err != nil {
		return err
	}
	var writing sync.WaitGroup
	writing.Go(s.write)
	err := s.read()
	close(s.done)
	conn.Close() // the writer may be in the middle of an update that nobody reads
	writing.Wait()
	return err
}

type session struct {
	conn   net.Conn
	in     *bufio.Reader
	screen *Screen
	wake   chan struct{}
	done   chan struct{}

	mu     sync.Mutex
	format PixelFormat
	wanted *update // the request that is not yet answered

	ctrl, alt bool // modifier keys that are down; the reader's alone
}

// handshake is RFC 6143, 7.1 to 7.3, for version 3.8 and the older 3.3 and 3.7 that some clients still answer.
func (s *session) handshake(title string) error {
	if _, err := io.WriteString(s.conn, Version); err != nil {
		return err
	}
	answer := make([]byte, len(Version))
	if _, err := io.ReadFull(s.in, answer); err != nil {
		return err
	}
	var major, minor int
	if _, err := fmt.Sscanf(string(answer), "RFB %03d.%03d\n", &major, &minor); err != nil || major != 3 {
		return fmt.Errorf("%w: version %q", ErrProtocol, answer)
	}
	if err := s.security(minor); err != nil {
		return err
	}
	if _, err := s.in.ReadByte(); err != nil { // ClientInit: shared or not, all screens are shared
		return err
	}
	init := make([]byte, 0, 24+len(title))
	init = binary.BigEndian.AppendUint16(init, Width)
	init = binary.BigEndian.AppendUint16(init, Height)
	init = append(init, native.encode()...)
	init = binary.BigEndian.AppendUint32(init, uint32(len(title)))
	_, err := s.conn.Write(append(init, title...))
	return err
}

// none is the security type without authentication.
const none = 1

func (s *session) security(minor int) error {
	if minor < 7 { // 3.3: the server decides
		_, err := s.conn.Write(binary.BigEndian.AppendUint32(nil, none))
		return err
	}
	if _, err := s.conn.Write([]byte{1, none}); err != nil {
		return err
	}
	choice, err := s.in.ReadByte()
	if err != nil {
		return err
	}
	if choice != none {
		return fmt.Errorf("%w: security type %d was not offered", ErrProtocol, choice)
	}
	if minor < 8 {
		return nil
	}
	_, err = s.conn.Write(binary.BigEndian.AppendUint32(nil, 0)) // SecurityResult: OK
	return err
}

// read takes the client's messages until there are no more.
func (s *session) read() error {
	for {
		m, err := readMessage(s.in)
		if err != nil {
			return err
		}
		switch {
		case m.format != nil:
			s.mu.Lock()
			s.format = *m.format
			s.mu.Unlock()
		case m.update != nil:
			s.ask(*m.update)
		case m.key != nil:
			s.press(*m.key)
		case m.cut != nil:
			s.paste(*m.cut)
		}
	}
}

// ask notes an update request. A second one before an answer widens the first: at least one answer is owed for both.
func (s *session) ask(u update) {
	s.mu.Lock()
	if s.wanted != nil {
		u.incremental = u.incremental && s.wanted.incremental
	}
	s.wanted = &u
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Keysyms of the modifiers.
const (
	keyControlL = 0xffe3
	keyControlR = 0xffe4
	keyMetaL    = 0xffe7
	keyAltL     = 0xffe9
	keyAltR     = 0xffea
)

func (s *session) press(k key) {
	switch k.keysym {
	case keyControlL, keyControlR:
		s.ctrl = k.down
	case keyAltL, keyAltR, keyMetaL:
		s.alt = k.down
	case keyDelete:
		if k.down && s.ctrl && s.alt {
			s.screen.ctrlAltDel()
		}
	default:
		if k.down && !s.ctrl && !s.alt {
			s.screen.Type(k.keysym)
		}
	}
}

// maxPaste is how many characters of a paste are typed.
const maxPaste = 4096

func (s *session) paste(text string) {
	typed := 0
	for _, b := range []byte(text) { // Latin-1 (RFC 6143, 7.5.6)
		if typed++; typed > maxPaste {
			return
		}
		if b == '\n' {
			s.screen.Type(keyReturn)
			continue
		}
		s.screen.Type(uint32(b))
	}
}

// write answers update requests: full ones at once, incremental ones when something changed.
func (s *session) write() {
	sent := uint64(never)
	for {
		change, moved := s.screen.version()
		u, format, due := s.take(change != sent)
		if !due {
			select {
			case <-s.done:
				return
			case <-s.wake:
			case <-moved:
			}
			continue
		}
		sent = change
		if err := s.frame(u, format); err != nil {
			s.conn.Close() // the reader ends the session
			return
		}
	}
}

// never is a version that no screen has.
const never = 1<<64 - 1

// take gives the request that is to be answered now.
func (s *session) take(changed bool) (u update, f PixelFormat, due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wanted == nil || (s.wanted.incremental && !changed) {
		return update{}, s.format, false
	}
	u, s.wanted = *s.wanted, nil
	return u, s.format, true
}

// frame sends the part of the screen that was asked for, in Raw encoding, as one update.
func (s *session) frame(u update, format PixelFormat) error {
	x, y := min(int(u.x), Width), min(int(u.y), Height)
	w, h := min(int(u.width), Width-x), min(int(u.height), Height-y)
	img := s.screen.draw()
	var palette [256][]byte
	out := make([]byte, 0, 16+w*h*int(format.BitsPerPixel)/8)
	out = append(out, 0, 0, 0, 1) // FramebufferUpdate with one rectangle
	for _, n := range []int{x, y, w, h} {
		out = binary.BigEndian.AppendUint16(out, uint16(n))
	}
	out = binary.BigEndian.AppendUint32(out, 0) // Raw
	for row := y; row < y+h; row++ {
		for _, v := range img.Pix[row*img.Stride+x : row*img.Stride+x+w] {
			if palette[v] == nil {
				palette[v] = format.gray(v)
			}
			out = append(out, palette[v]...)
		}
	}
	_, err := s.conn.Write(out)
	return err
}
