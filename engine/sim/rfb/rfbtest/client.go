// Package rfbtest is a minimal RFB 3.8 client for tests of whatever shows a screen.
package rfbtest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
)

// Client is one viewer after its handshake. It is for one goroutine.
type Client struct {
	conn          net.Conn
	Name          string
	Width, Height int
	Pixels        []byte // 4 bytes a pixel, as the server's native format has them
}

// Connect does the handshake of RFC 6143, 7.1 to 7.3, over a fresh connection.
func Connect(conn net.Conn) (*Client, error) {
	c := &Client{conn: conn}
	version, err := c.read(12)
	if err != nil {
		return nil, err
	}
	if string(version) != "RFB 003.008\n" {
		return nil, fmt.Errorf("rfbtest: version %q", version)
	}
	if _, err := conn.Write(version); err != nil {
		return nil, err
	}
	if err := c.security(); err != nil {
		return nil, err
	}
	if _, err := conn.Write([]byte{1}); err != nil { // shared
		return nil, err
	}
	head, err := c.read(24)
	if err != nil {
		return nil, err
	}
	c.Width, c.Height = int(binary.BigEndian.Uint16(head)), int(binary.BigEndian.Uint16(head[2:]))
	if head[4] != 32 {
		return nil, fmt.Errorf("rfbtest: %d bits per pixel", head[4])
	}
	name, err := c.read(int(binary.BigEndian.Uint32(head[20:])))
	c.Name, c.Pixels = string(name), make([]byte, 4*c.Width*c.Height)
	return c, err
}

func (c *Client) security() error {
	count, err := c.read(1)
	if err != nil {
		return err
	}
	types, err := c.read(int(count[0]))
	if err != nil {
		return err
	}
	if len(types) != 1 || types[0] != 1 {
		return fmt.Errorf("rfbtest: security types %v", types)
	}
	if _, err := c.conn.Write([]byte{1}); err != nil {
		return err
	}
	result, err := c.read(4)
	if err == nil && binary.BigEndian.Uint32(result) != 0 {
		err = errors.New("rfbtest: security failed")
	}
	return err
}

func (c *Client) read(n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(c.conn, b)
	return b, err
}

// Ask requests the whole screen: at once, or when it changed.
func (c *Client) Ask(incremental bool) error {
	b := []byte{3, 0, 0, 0, 0, 0}
	if incremental {
		b[1] = 1
	}
	b = binary.BigEndian.AppendUint16(b, uint16(c.Width))
	_, err := c.conn.Write(binary.BigEndian.AppendUint16(b, uint16(c.Height)))
	return err
}

// Update waits for one update and puts it into Pixels.
func (c *Client) Update() error {
	head, err := c.read(4)
	if err != nil {
		return err
	}
	if head[0] != 0 {
		return fmt.Errorf("rfbtest: message type %d", head[0])
	}
	for range binary.BigEndian.Uint16(head[2:]) {
		if err := c.rectangle(); err != nil {
			return err
		}
	}
	return nil
}

func (c *Client) rectangle() error {
	r, err := c.read(12)
	if err != nil {
		return err
	}
	number := func(at int) int { return int(binary.BigEndian.Uint16(r[at:])) }
	x, y, w, h := number(0), number(2), number(4), number(6)
	if encoding := binary.BigEndian.Uint32(r[8:]); encoding != 0 {
		return fmt.Errorf("rfbtest: encoding %d", int32(encoding))
	}
	if x+w > c.Width || y+h > c.Height {
		return errors.New("rfbtest: a rectangle beyond the screen")
	}
	for row := y; row < y+h; row++ {
		if _, err := io.ReadFull(c.conn, c.Pixels[4*(row*c.Width+x):4*(row*c.Width+x+w)]); err != nil {
			return err
		}
	}
	return nil
}

// Key presses (down) or lets go of a key by its X11 keysym.
func (c *Client) Key(keysym uint32, down bool) error {
	b := []byte{4, 0, 0, 0}
	if down {
		b[1] = 1
	}
	_, err := c.conn.Write(binary.BigEndian.AppendUint32(b, keysym))
	return err
}

// Type presses and lets go of the keys of a text's characters; \n is Return.
func (c *Client) Type(text string) error {
	for _, r := range text {
		sym := uint32(r)
		if r == '\n' {
			sym = 0xff0d
		}
		if err := errors.Join(c.Key(sym, true), c.Key(sym, false)); err != nil {
			return err
		}
	}
	return nil
}

// Lit counts pixels that are not black.
func (c *Client) Lit() int {
	lit := 0
	for i := 0; i < len(c.Pixels); i += 4 {
		if c.Pixels[i]|c.Pixels[i+1]|c.Pixels[i+2] != 0 {
			lit++
		}
	}
	return lit
}

// Close ends the session.
func (c *Client) Close() error { return c.conn.Close() }
