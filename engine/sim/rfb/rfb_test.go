package rfb

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/engine/sim/rfb/rfbtest"
)

func serve(t *testing.T, s *Screen) (net.Conn, chan error) {
	t.Helper()
	ours, theirs := net.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- Serve(ours, s, "vm-1") }()
	t.Cleanup(func() { theirs.Close() })
	return theirs, ended
}

func connect(t *testing.T, s *Screen) *rfbtest.Client {
	t.Helper()
	conn, _ := serve(t, s)
	c, err := rfbtest.Connect(conn)
	require.NoError(t, err)
	return c
}

func refresh(t *testing.T, c *rfbtest.Client, incremental bool) {
	t.Helper()
	require.NoError(t, c.Ask(incremental))
	require.NoError(t, c.Update())
}

func TestAScreenIsShownAndTypedOn(t *testing.T) {
	s := NewScreen("web-1", []string{"eth0: 10.0.0.4"}, nil)
	c := connect(t, s)
	require.Equal(t, "vm-1", c.Name)
	require.Equal(t, []int{Width, Height}, []int{c.Width, c.Height})
	refresh(t, c, false)
	empty := c.Lit()
	require.Positive(t, empty)
	require.Equal(t, []string{"eth0: 10.0.0.4", "web-1 login: "}, s.Text())

	require.NoError(t, c.Ask(true)) // nothing has changed: the answer comes with the first key
	require.NoError(t, c.Type("root"))
	require.NoError(t, c.Update())
	refresh(t, c, false)
	require.Greater(t, c.Lit(), empty)
	require.Equal(t, "web-1 login: root", s.Text()[1])

	require.NoError(t, c.Type("\nsecret\n"))
	refresh(t, c, false)
	require.Equal(t, []string{"eth0: 10.0.0.4", "web-1 login: root", "Password: ", "Login incorrect (this guest is simulated)", "web-1 login: "}, s.Text())
	require.NotContains(t, strings.Join(s.Text(), "\n"), "secret")
}

func TestPixelsAreTheFont(t *testing.T) {
	s := NewScreen("h", []string{"I"}, nil)
	img := s.draw()
	lit := 0
	for y := range cellHeight {
		for x := range cellWidth {
			if img.GrayAt(x, y).Y != 0 {
				lit++
			}
		}
	}
	require.Greater(t, lit, 8, "an I has strokes")
	require.Less(t, lit, cellHeight*cellWidth/2)
	for x := cellWidth; x < Width; x++ {
		require.Zero(t, img.GrayAt(x, 5).Y, "nothing beside it")
	}
}

func TestEditing(t *testing.T) {
	s := NewScreen("h", nil, nil)
	for range 200 {
		s.Type('x')
	}
	require.LessOrEqual(t, len(s.input), maxLine)
	for range 300 {
		s.Type(keyBackSpace)
	}
	require.Equal(t, []string{"h login: "}, s.Text())
	for range 100 {
		s.Type(keyReturn)
	}
	require.Len(t, s.Text(), Rows)
	for _, line := range s.Text() {
		require.LessOrEqual(t, len(line), Columns)
	}
	s.Type(0xffbe) // F1
	s.Type(0x010000e9)
	s.Type(0x01004e2d)
	require.True(t, strings.HasSuffix(s.Text()[Rows-1], "中"))
}

func TestCtrlAltDelResets(t *testing.T) {
	resets := 0
	s := NewScreen("h", nil, func() { resets++ })
	c := connect(t, s)
	for _, k := range []uint32{keyControlL, keyAltL, keyDelete} {
		require.NoError(t, c.Key(k, true))
	}
	for _, k := range []uint32{keyDelete, keyAltL, keyControlL} {
		require.NoError(t, c.Key(k, false))
	}
	require.NoError(t, c.Key(keyDelete, true)) // alone it does nothing
	refresh(t, c, false)
	require.Equal(t, 1, resets)
	require.Contains(t, strings.Join(s.Text(), "\n"), "going down")
}

func TestManyViewersSeeOneScreen(t *testing.T) {
	s := NewScreen("h", nil, nil)
	a, b := connect(t, s), connect(t, s)
	refresh(t, a, false)
	refresh(t, b, false)
	require.NoError(t, b.Ask(true))
	require.NoError(t, a.Type("y"))
	require.NoError(t, b.Update())
	refresh(t, a, false)
	require.Equal(t, a.Pixels, b.Pixels)
}

func TestBadClientsAreCutOff(t *testing.T) {
	tests := map[string]string{
		"another protocol":    "GET / HTTP/1.",
		"a newer major":       "RFB 004.000\n",
		"unoffered security":  "RFB 003.008\n\x02",
		"unknown message":     "RFB 003.008\n\x01\x01\xff",
		"colour maps":         "RFB 003.008\n\x01\x01\x00\x00\x00\x00\x08\x08\x00\x00" + strings.Repeat("\x00", 12),
		"a huge cut text":     "RFB 003.008\n\x01\x01\x06\x00\x00\x00\xff\xff\xff\xff",
		"an impossible depth": "RFB 003.008\n\x01\x01\x00\x00\x00\x00\x07\x08\x00\x01" + strings.Repeat("\x00", 12),
	}
	for name, sent := range tests {
		t.Run(name, func(t *testing.T) {
			conn, ended := serve(t, NewScreen("h", nil, nil))
			go io.Copy(io.Discard, conn)
			go io.WriteString(conn, sent)
			require.ErrorIs(t, <-ended, ErrProtocol)
		})
	}
}

func TestOtherPixelFormats(t *testing.T) {
	tests := []struct {
		f    PixelFormat
		want []byte
	}{
		{native, []byte{255, 255, 255, 0}},
		{PixelFormat{BitsPerPixel: 32, BigEndian: true, RedMax: 255, GreenMax: 255, BlueMax: 255, RedShift: 16, GreenShift: 8}, []byte{0, 255, 255, 255}},
		{PixelFormat{BitsPerPixel: 16, RedMax: 31, GreenMax: 63, BlueMax: 31, RedShift: 11, GreenShift: 5}, []byte{255, 255}},
		{PixelFormat{BitsPerPixel: 16, BigEndian: true, RedMax: 31, RedShift: 10}, []byte{0x7c, 0}},
		{PixelFormat{BitsPerPixel: 8, RedMax: 7, GreenMax: 7, BlueMax: 3, GreenShift: 3, BlueShift: 6}, []byte{255}},
	}
	for _, tt := range tests {
		require.Equal(t, tt.want, tt.f.gray(255))
		decoded, err := decodePixelFormat(tt.f.encode())
		require.NoError(t, err)
		require.Equal(t, tt.f, decoded)
	}
}

func FuzzClientMessages(f *testing.F) {
	f.Add([]byte{3, 1, 0, 0, 0, 0, 2, 0x30, 1, 0x45})
	f.Add([]byte{4, 1, 0, 0, 0, 0, 0xff, 0x0d, 5, 1, 0, 1, 0, 1})
	f.Add([]byte{2, 0, 0, 2, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0x21})
	f.Add([]byte{6, 0, 0, 0, 0, 0, 0, 3, 'a', 'b', '\n'})
	f.Add(append([]byte{0, 0, 0, 0}, native.encode()...))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, s := bytes.NewReader(data), NewScreen("h", nil, nil)
		session := &session{screen: s, wake: make(chan struct{}, 1), format: native}
		for {
			before := r.Len()
			m, err := readMessage(r)
			if err != nil {
				return
			}
			require.Less(t, r.Len(), before)
			switch {
			case m.key != nil:
				session.press(*m.key)
			case m.cut != nil:
				session.paste(*m.cut)
			case m.format != nil:
				session.format = *m.format
				require.Len(t, m.format.gray(200), int(m.format.BitsPerPixel)/8)
			case m.update != nil:
				checkFrame(t, s, *m.update, session.format)
			}
			require.LessOrEqual(t, len(s.Text()), Rows)
		}
	})
}

// checkFrame lets a frame be written and counts its bytes.
func checkFrame(t *testing.T, s *Screen, u update, format PixelFormat) {
	t.Helper()
	sink := &sinkConn{}
	require.NoError(t, (&session{conn: sink, screen: s}).frame(u, format))
	b := sink.Bytes()
	w, h := int(binary.BigEndian.Uint16(b[8:])), int(binary.BigEndian.Uint16(b[10:]))
	require.Len(t, b, 16+w*h*int(format.BitsPerPixel)/8)
}

type sinkConn struct {
	net.Conn
	bytes.Buffer
}

func (s *sinkConn) Write(b []byte) (int, error) { return s.Buffer.Write(b) }
func (s *sinkConn) Read(b []byte) (int, error)  { return s.Buffer.Read(b) }
