package rfb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Message types a client sends (RFC 6143, 7.5).
const (
	setPixelFormat   = 0
	setEncodings     = 2
	updateRequest    = 3
	keyEvent         = 4
	pointerEvent     = 5
	clientCutText    = 6
	maxCutText       = 1 << 20
	pixelFormatBytes = 16
)

// ErrProtocol says that the other side does not speak RFB, or not as RFC 6143 wants it.
var ErrProtocol = errors.New("rfb: protocol error")

// PixelFormat is how a pixel is put into bytes (RFC 6143, 7.4). Only true colour is spoken.
type PixelFormat struct {
	BitsPerPixel, Depth uint8
	BigEndian           bool
	RedMax              uint16
	GreenMax            uint16
	BlueMax             uint16
	RedShift            uint8
	GreenShift          uint8
	BlueShift           uint8
}

// native is the format that the server offers: 32 bits, 0x00RRGGBB in little endian.
var native = PixelFormat{BitsPerPixel: 32, Depth: 24, RedMax: 255, GreenMax: 255, BlueMax: 255, RedShift: 16, GreenShift: 8}

func (f PixelFormat) encode() []byte {
	b := make([]byte, pixelFormatBytes)
	b[0], b[1], b[3] = f.BitsPerPixel, f.Depth, 1
	if f.BigEndian {
		b[2] = 1
	}
	binary.BigEndian.PutUint16(b[4:], f.RedMax)
	binary.BigEndian.PutUint16(b[6:], f.GreenMax)
	binary.BigEndian.PutUint16(b[8:], f.BlueMax)
	b[10], b[11], b[12] = f.RedShift, f.GreenShift, f.BlueShift
	return b
}

func decodePixelFormat(b []byte) (PixelFormat, error) {
	f := PixelFormat{BitsPerPixel: b[0], Depth: b[1], BigEndian: b[2] != 0, RedMax: binary.BigEndian.Uint16(b[4:]), GreenMax: binary.BigEndian.Uint16(b[6:]),
		BlueMax: binary.BigEndian.Uint16(b[8:]), RedShift: b[10], GreenShift: b[11], BlueShift: b[12]}
	switch {
	case f.BitsPerPixel != 8 && f.BitsPerPixel != 16 && f.BitsPerPixel != 32:
		return f, fmt.Errorf("%w: %d bits per pixel", ErrProtocol, f.BitsPerPixel)
	case b[3] == 0:
		return f, fmt.Errorf("%w: colour maps are not spoken", ErrProtocol)
	case max(f.RedShift, f.GreenShift, f.BlueShift) >= f.BitsPerPixel:
		return f, fmt.Errorf("%w: a shift beyond the pixel", ErrProtocol)
	}
	return f, nil
}

// gray puts a brightness into the format's bytes.
func (f PixelFormat) gray(v uint8) []byte {
	part := func(most uint16, shift uint8) uint32 { return uint32(v) * uint32(most) / 255 << shift }
	p := part(f.RedMax, f.RedShift) | part(f.GreenMax, f.GreenShift) | part(f.BlueMax, f.BlueShift)
	b := make([]byte, 4)
	switch {
	case f.BitsPerPixel == 8:
		return []byte{byte(p)}
	case f.BitsPerPixel == 16 && f.BigEndian:
		binary.BigEndian.PutUint16(b, uint16(p))
		return b[:2]
	case f.BitsPerPixel == 16:
		binary.LittleEndian.PutUint16(b, uint16(p))
		return b[:2]
	case f.BigEndian:
		binary.BigEndian.PutUint32(b, p)
	default:
		binary.LittleEndian.PutUint32(b, p)
	}
	return b
}

// message is one message of a client: exactly one field is set.
type message struct {
	format    *PixelFormat
	encodings []int32
	update    *update
	key       *key
	pointer   *pointer
	cut       *string
}

type update struct {
	incremental         bool
	x, y, width, height uint16
}

type key struct {
	down   bool
	keysym uint32
}

type pointer struct {
	buttons uint8
	x, y    uint16
}

// readMessage reads one message of a client, and no byte more.
func readMessage(r io.Reader) (message, error) {
	var kind [1]byte
	if _, err := io.ReadFull(r, kind[:]); err != nil {
		return message{}, err
	}
	switch kind[0] {
	case setPixelFormat:
		return readPixelFormat(r)
	case setEncodings:
		return readEncodings(r)
	case updateRequest:
		return readUpdate(r)
	case keyEvent:
		return readKey(r)
	case pointerEvent:
		return readPointer(r)
	case clientCutText:
		return readCut(r)
	}
	return message{}, fmt.Errorf("%w: message type %d", ErrProtocol, kind[0])
}

// rest reads the fixed part of a message behind its type.
func rest(r io.Reader, n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(r, b)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return b, err
}

func readPixelFormat(r io.Reader) (message, error) {
	b, err := rest(r, 3+pixelFormatBytes)
	if err != nil {
		return message{}, err
	}
	f, err := decodePixelFormat(b[3:])
	return message{format: &f}, err
}

func readEncodings(r io.Reader) (message, error) {
	b, err := rest(r, 3)
	if err != nil {
		return message{}, err
	}
	list, err := rest(r, 4*int(binary.BigEndian.Uint16(b[1:])))
	if err != nil {
		return message{}, err
	}
	m := message{encodings: make([]int32, len(list)/4)}
	for i := range m.encodings {
		m.encodings[i] = int32(binary.BigEndian.Uint32(list[4*i:]))
	}
	return m, nil
}

func readUpdate(r io.Reader) (message, error) {
	b, err := rest(r, 9)
	if err != nil {
		return message{}, err
	}
	number := func(at int) uint16 { return binary.BigEndian.Uint16(b[at:]) }
	return message{update: &update{incremental: b[0] != 0, x: number(1), y: number(3), width: number(5), height: number(7)}}, nil
}

func readKey(r io.Reader) (message, error) {
	b, err := rest(r, 7)
	if err != nil {
		return message{}, err
	}
	return message{key: &key{down: b[0] != 0, keysym: binary.BigEndian.Uint32(b[3:])}}, nil
}

func readPointer(r io.Reader) (message, error) {
	b, err := rest(r, 5)
	if err != nil {
		return message{}, err
	}
	return message{pointer: &pointer{buttons: b[0], x: binary.BigEndian.Uint16(b[1:]), y: binary.BigEndian.Uint16(b[3:])}}, nil
}

func readCut(r io.Reader) (message, error) {
	b, err := rest(r, 7)
	if err != nil {
		return message{}, err
	}
	n := binary.BigEndian.Uint32(b[3:])
	if n > maxCutText {
		return message{}, fmt.Errorf("%w: %d bytes of cut text", ErrProtocol, n)
	}
	text, err := rest(r, int(n))
	cut := string(text)
	return message{cut: &cut}, err
}
