package control

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// mainListener is the listener that serves all dialects, chosen by the Host header.
const mainListener = "main"

// Doors is how many listeners of one dialect follow the main one.
const Doors = 6

// doorNames are the listeners of one dialect each, in the order of their ports.
func doorNames() []string { return []string{"bec", "iec", "iam", "cecstack", "tcebms", "admin"} }

// listen opens all listeners. What the state remembers is taken again; else the dialects' ports follow the main one, or are any when those are taken.
func listen(address string, old map[string]int, log *slog.Logger) (map[string]net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("--listen %s: %w", address, err)
	}
	base, err := strconv.Atoi(port)
	if err != nil || base < 0 || base > 65535 {
		return nil, fmt.Errorf("--listen %s: the port must be a number from 0 to 65535", address)
	}
	all := map[string]net.Listener{}
	first, err := listenMain(host, base, old[mainListener])
	if err != nil {
		return nil, fmt.Errorf("--listen %s: %w", address, err)
	}
	all[mainListener] = first
	for i, name := range doorNames() {
		wanted := old[name]
		if wanted == 0 && base != 0 {
			wanted = base + 1 + i
		}
		l, err := listenAt(host, wanted)
		if err != nil && old[name] != 0 {
			log.Warn("the port of a dialect is taken by another program; its URL changes", "dialect", name, "port", old[name])
		}
		if err != nil {
			l, err = listenAt(host, 0)
		}
		if err != nil {
			closeAll(all)
			return nil, fmt.Errorf("listen for %s: %w", name, err)
		}
		all[name] = l
	}
	return all, nil
}

func listenMain(host string, port, old int) (net.Listener, error) {
	if port == 0 && old != 0 {
		if l, err := listenAt(host, old); err == nil {
			return l, nil
		}
	}
	return listenAt(host, port)
}

func listenAt(host string, port int) (net.Listener, error) {
	if port > 65535 {
		port = 0
	}
	return net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
}

func closeAll(all map[string]net.Listener) {
	for _, l := range all {
		_ = l.Close() // nothing was served on it
	}
}

func ports(all map[string]net.Listener) map[string]int {
	p := map[string]int{}
	for name, l := range all {
		p[name] = l.Addr().(*net.TCPAddr).Port
	}
	return p
}

// sniffTime is how long a connection may stay silent before its first byte.
const sniffTime = 10 * time.Second

// eitherListener serves TLS and, where plain is allowed, HTTP on one port: a TLS client's first byte is always 0x16 (RFC 8446 section 5.1).
type eitherListener struct {
	net.Listener
	config *tls.Config
	plain  bool
	ready  chan net.Conn
	ctx    context.Context
	cancel context.CancelFunc
	once   sync.Once
	failed error
}

func either(l net.Listener, config *tls.Config, plain bool) net.Listener {
	if !plain {
		return tls.NewListener(l, config)
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &eitherListener{Listener: l, config: config, plain: plain, ready: make(chan net.Conn), ctx: ctx, cancel: cancel}
}

// Accept gives a *tls.Conn or a plain connection; net/http tells them apart by that.
func (l *eitherListener) Accept() (net.Conn, error) {
	l.once.Do(func() { go l.loop() })
	select {
	case c := <-l.ready:
		return c, nil
	case <-l.ctx.Done():
		if l.failed != nil {
			return nil, l.failed
		}
		return nil, net.ErrClosed
	}
}

func (l *eitherListener) loop() {
	for {
		c, err := l.Listener.Accept()
		var temporary interface{ Temporary() bool }
		switch {
		case err == nil:
			go l.sniff(c)
		case errors.As(err, &temporary) && temporary.Temporary():
			time.Sleep(5 * time.Millisecond) // out of file descriptors: as net/http does
		default:
			l.failed = err
			l.cancel()
			return
		}
	}
}

func (l *eitherListener) sniff(c net.Conn) {
	_ = c.SetReadDeadline(time.Now().Add(sniffTime)) // a closed connection fails at the read
	r := bufio.NewReaderSize(c, 512)
	first, err := r.Peek(1)
	if err != nil {
		_ = c.Close()
		return
	}
	_ = c.SetReadDeadline(time.Time{})
	var out net.Conn = &peeked{Conn: c, r: r}
	if first[0] == 0x16 {
		out = tls.Server(out, l.config)
	}
	select {
	case l.ready <- out:
	case <-l.ctx.Done():
		_ = c.Close()
	}
}

func (l *eitherListener) Close() error {
	l.cancel()
	return l.Listener.Close()
}

// peeked gives back what was read ahead.
type peeked struct {
	net.Conn
	r *bufio.Reader
}

func (p *peeked) Read(b []byte) (int, error) {
	if p.r == nil {
		return p.Conn.Read(b)
	}
	n, err := p.r.Read(b)
	if p.r.Buffered() == 0 {
		p.r = nil // the buffer is of no more use
	}
	return n, err
}

// server makes the HTTP server of one listener.
func server(h http.Handler, config *tls.Config, log *slog.Logger) *http.Server {
	return &http.Server{Handler: h, TLSConfig: config, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
}
