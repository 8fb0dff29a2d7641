package natslink

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"

	"edgecloud/link/protocol"
)

// opening asks an agent for a stream.
type opening struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
	UID  string `json:"uid"`
}

const (
	window    = 256 << 10 // bytes under way in one direction
	frameSize = 32 << 10
	openLimit = 15 * time.Second
)

// The frames: one byte of type, eight of the sender's (data) or receiver's (ack) count of bytes.
const (
	frameData  = 'd'
	frameAck   = 'a'
	frameClose = 'c'
	frameHead  = 9
)

// Dial opens a stream to a host's agent: kind and uid name the thing, such as an instance's screen. It implements the byte-stream tunnel of the link; a
// message lost on the way ends the stream, as a broken TCP connection would. ErrAway when the agent does not answer.
func (s *Server) Dial(ctx context.Context, host, kind, uid string) (net.Conn, error) {
	o := opening{ID: nuid.Next(), Kind: kind, UID: uid}
	t, err := newTunnel(s.conn, "ec.up."+host+"."+o.ID, "ec.down."+host+"."+o.ID)
	if err != nil {
		return nil, fmt.Errorf("natslink: %w", err)
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, openLimit)
		defer cancel()
	}
	if _, err := request[struct{}](ctx, s.conn, "ec.open."+host, o); err != nil {
		_ = t.sub.Unsubscribe()
		return nil, err
	}
	near, far := net.Pipe()
	go t.run(far)
	return near, nil
}

// open serves one stream.
func (c *Client) open(m *nats.Msg) {
	go func() {
		err := c.serve(m)
		if err != nil {
			_ = m.Respond(packAnswer(nil, err))
		}
	}()
}

func (c *Client) serve(m *nats.Msg) error {
	data, err := unpack(m.Data)
	if err != nil {
		return err
	}
	var o opening
	if err := json.Unmarshal(data, &o); err != nil {
		return fmt.Errorf("natslink: an unreadable message: %w", err)
	}
	c.mu.Lock()
	open := c.tunnel
	c.mu.Unlock()
	if open == nil {
		return fmt.Errorf("%w: the agent serves no streams", protocol.ErrAway)
	}
	ctx, cancel := context.WithTimeout(context.Background(), openLimit)
	defer cancel()
	conn, err := open(ctx, o.Kind, o.UID)
	if err != nil {
		return err
	}
	t, err := newTunnel(c.conn, "ec.down."+c.id.Host+"."+o.ID, "ec.up."+c.id.Host+"."+o.ID)
	if err != nil {
		conn.Close()
		return err
	}
	if err := m.Respond(packAnswer(struct{}{}, nil)); err != nil {
		conn.Close()
		return err
	}
	t.run(conn)
	return nil
}

// tunnel is one end of a stream.
type tunnel struct {
	conn  *nats.Conn
	to    string
	sub   *nats.Subscription
	in    chan *nats.Msg
	mu    sync.Mutex
	moved *sync.Cond
	sent  uint64
	acked uint64
	over  bool
}

func newTunnel(conn *nats.Conn, from, to string) (*tunnel, error) {
	t := &tunnel{conn: conn, to: to, in: make(chan *nats.Msg, 4*window/frameSize)}
	t.moved = sync.NewCond(&t.mu)
	var err error
	if t.sub, err = conn.ChanSubscribe(from, t.in); err != nil {
		return nil, err
	}
	return t, conn.Flush()
}

// run moves bytes both ways until either end closes.
func (t *tunnel) run(c net.Conn) {
	var both sync.WaitGroup
	both.Go(func() { t.send(c) })
	t.receive(c)
	c.Close()
	t.mu.Lock()
	t.over = true
	t.moved.Broadcast()
	t.mu.Unlock()
	both.Wait()
	_ = t.sub.Unsubscribe()
}

func (t *tunnel) frame(kind byte, count uint64, payload []byte) error {
	b := make([]byte, frameHead, frameHead+len(payload))
	b[0] = kind
	binary.BigEndian.PutUint64(b[1:], count)
	return t.conn.Publish(t.to, append(b, payload...))
}

func (t *tunnel) send(c io.Reader) {
	buf := make([]byte, frameSize)
	for {
		n, err := c.Read(buf)
		if n > 0 && (!t.room(n) || t.frame(frameData, t.sent, buf[:n]) != nil) {
			break
		}
		t.sent += uint64(n)
		if err != nil {
			break
		}
	}
	_ = t.frame(frameClose, t.sent, nil)
	select {
	case t.in <- &nats.Msg{Data: make([]byte, 1)}: // too short for a frame: ends our own receive
	case <-time.After(openLimit):
	}
}

// room waits until n more bytes may be under way.
func (t *tunnel) room(n int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for !t.over && t.sent-t.acked+uint64(n) > window {
		t.moved.Wait()
	}
	return !t.over
}

// idleLimit ends a stream whose other end has vanished: nothing came for so long, not even an acknowledgement.
const idleLimit = 30 * time.Minute

func (t *tunnel) receive(c io.Writer) {
	var got uint64
	timer := time.NewTimer(idleLimit)
	defer timer.Stop()
	for {
		select {
		case m := <-t.in:
			if m == nil || len(m.Data) < frameHead || m.Data[0] == frameClose {
				return
			}
			timer.Reset(idleLimit)
			count := binary.BigEndian.Uint64(m.Data[1:])
			if m.Data[0] == frameAck {
				t.ack(count)
				continue
			}
			if count != got {
				return // a message was lost
			}
			if _, err := c.Write(m.Data[frameHead:]); err != nil {
				return
			}
			got += uint64(len(m.Data) - frameHead)
			if t.frame(frameAck, got, nil) != nil {
				return
			}
		case <-timer.C:
			return
		}
	}
}

func (t *tunnel) ack(count uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.acked = max(t.acked, count)
	t.moved.Broadcast()
}
