package consoleproxy

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

const (
	// maxMessage is the largest message a viewer may send: a paste of 1 MiB with its head.
	maxMessage = 1<<20 + 64
	// stall is how long either side may leave data lying before it counts as gone.
	stall = time.Minute
	// pingEvery finds half-open connections.
	pingEvery = 30 * time.Second
)

// Why a session ended, as its close frame says (RFC 6455, 7.4: 4000 and above are the application's).
const (
	statusIdle websocket.StatusCode = 4000
	statusLong websocket.StatusCode = 4001
)

// ending is why and how a session ends.
type ending struct {
	status websocket.StatusCode
	reason string
}

func (e ending) Error() string { return e.reason }

// session is one open console.
type session struct {
	door   *Door
	ticket Ticket
	stop   chan struct{}
	once   sync.Once
	active atomic.Int64 // when the viewer sent something last; nanoseconds since begin
}

func (s *session) end() { s.once.Do(func() { close(s.stop) }) }

// run copies both ways until one side is done or a limit is reached.
func (s *session) run(ctx context.Context, socket *websocket.Conn, screen net.Conn) {
	begin := time.Now()
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx)) // a hijacked request's context says nothing any more
	defer cancel(nil)
	socket.SetReadLimit(maxMessage)
	var copying sync.WaitGroup
	copying.Go(func() { cancel(s.toViewer(socket, screen)) })
	copying.Go(func() { cancel(s.toScreen(socket, screen, begin)) })
	copying.Go(func() { cancel(s.guard(ctx, socket, begin)) })
	<-ctx.Done()
	why := context.Cause(ctx)
	e := ending{websocket.StatusNormalClosure, "the screen was closed"}
	errors.As(why, &e)
	screen.Close()
	// The context of a read that is under way ended, so the socket may be closed already; then the viewer left first.
	_ = socket.Close(e.status, e.reason)
	_ = socket.CloseNow()
	copying.Wait()
	slog.Info("console closed", "instance", s.ticket.Instance, "account", s.ticket.Account, "lasted", time.Since(begin).Round(time.Millisecond), "reason", why)
}

func (s *session) toViewer(socket *websocket.Conn, screen net.Conn) error {
	buf := make([]byte, 32<<10)
	for {
		n, err := screen.Read(buf)
		if n > 0 {
			if err := write(socket, buf[:n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe) {
			return ending{websocket.StatusNormalClosure, "the screen was closed"}
		}
		if err != nil {
			return ending{websocket.StatusInternalError, "the connection to the machine broke"}
		}
	}
}

// write does not end with the session: a write that is cut short would tear the socket down before its close frame is sent.
func write(socket *websocket.Conn, data []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), stall)
	defer cancel()
	return socket.Write(ctx, websocket.MessageBinary, data)
}

func (s *session) toScreen(socket *websocket.Conn, screen net.Conn, begin time.Time) error {
	for {
		kind, data, err := socket.Reader(context.Background()) // like write; run closes the socket
		if err != nil {
			return err
		}
		if kind != websocket.MessageBinary {
			return ending{websocket.StatusUnsupportedData, "RFB goes in binary messages"}
		}
		s.active.Store(int64(time.Since(begin)))
		if err := screen.SetWriteDeadline(time.Now().Add(stall)); err != nil {
			return err
		}
		if _, err := io.Copy(screen, data); err != nil {
			return err
		}
	}
}

// guard ends sessions that nobody uses, that last too long, or whose viewer is gone without a word.
func (s *session) guard(ctx context.Context, socket *websocket.Conn, begin time.Time) error {
	tick := time.NewTicker(min(pingEvery, s.door.cfg.Idle/4+1, s.door.cfg.Longest/4+1))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.stop:
			return ending{websocket.StatusGoingAway, "the console was disconnected"}
		case <-tick.C:
		}
		lasted := time.Since(begin)
		if lasted-time.Duration(s.active.Load()) > s.door.cfg.Idle {
			return ending{statusIdle, "nobody used this console for a while"}
		}
		if lasted > s.door.cfg.Longest {
			return ending{statusLong, "this console was open for too long"}
		}
		if err := ping(ctx, socket); err != nil {
			return err
		}
	}
}

func ping(ctx context.Context, socket *websocket.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, stall)
	defer cancel()
	return socket.Ping(ctx)
}
