package networktest

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The meter is the test's own program, started again inside a namespace: packets of a known size, counted where they arrive.
const (
	meterVariable = "NETWORKTEST_METER"
	datagram      = 1200 // bytes of payload
	overhead      = 42   // bytes of Ethernet, IPv4 and UDP headers: limits count whole frames
	meterPort     = 5201 // and the following ones: each flow has its own
)

// Meter runs the meter if the program was started as one, and ends the program then. Call it from TestMain, first.
func Meter() {
	text := os.Getenv(meterVariable)
	if text == "" {
		return
	}
	if err := runMeter(strings.Fields(text)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func runMeter(args []string) error {
	if len(args) == 3 && args[0] == "receive" {
		return receive(args[1], args[2])
	}
	if len(args) == 2 && args[0] == "peer" {
		return tellPeers(args[1])
	}
	if len(args) == 4 && args[0] == "send" {
		mbps, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		return send(args[1], mbps, args[3])
	}
	return fmt.Errorf("meter: %v", args)
}

// receive counts for a while, beginning a second after the first packet, when the burst that a limit allows is over. It prints the frames' Mbit/s.
func receive(at, limit string) error {
	window, err := time.ParseDuration(limit)
	if err != nil {
		return err
	}
	address, err := net.ResolveUDPAddr("udp4", at)
	if err != nil {
		return err
	}
	conn, err := net.ListenUDP("udp4", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetReadBuffer(4 << 20) // smaller is only less exact
	fmt.Println("ready")
	buffer := make([]byte, 64<<10)
	if err := conn.SetReadDeadline(time.Now().Add(effect)); err != nil {
		return err
	}
	if _, err := conn.Read(buffer); err != nil {
		return err
	}
	begin := time.Now().Add(time.Second)
	if err := conn.SetReadDeadline(begin.Add(window)); err != nil {
		return err
	}
	var bytes int64
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			break // the window is over
		}
		if time.Now().After(begin) {
			bytes += int64(n + overhead)
		}
	}
	fmt.Printf("%.2f\n", float64(bytes)*8/window.Seconds()/1e6)
	return nil
}

// send sends at a rate for a while, or until its standard input ends.
func send(to string, mbps int, limit string) error {
	duration, err := time.ParseDuration(limit)
	if err != nil {
		return err
	}
	conn, err := net.Dial("udp4", to)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := make(chan struct{})
	go func() {
		defer close(stop)
		_, _ = io.Copy(io.Discard, os.Stdin)
	}()
	payload := make([]byte, datagram)
	perSecond := float64(mbps) * 1e6 / 8 / (datagram + overhead)
	began, sent := time.Now(), 0.0
	for time.Since(began) < duration {
		for due := time.Since(began).Seconds() * perSecond; sent < due; sent++ {
			_, _ = conn.Write(payload) // refused while nobody listens yet
		}
		select {
		case <-stop:
			return nil
		case <-time.After(time.Millisecond):
		}
	}
	return nil
}

// flow is one sender and its receiver.
type flow struct {
	from, to Runner
	address  string
}

// rates measures all flows at once, each sending offered Mbit/s, and gives what arrives of each, in Mbit/s.
func rates(t *testing.T, offered int, flows ...flow) []float64 {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	const window = 2 * time.Second
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	meter := func(r Runner, text string) (in io.Closer, out io.ReadCloser, wait func() error) {
		cmd := r.Command(ctx, "env", meterVariable+"="+text, self)
		in, err := cmd.StdinPipe()
		require.NoError(t, err)
		out, err = cmd.StdoutPipe()
		require.NoError(t, err)
		cmd.Stderr = os.Stderr
		require.NoError(t, cmd.Start())
		return in, out, cmd.Wait
	}
	outputs, ends := make([]io.ReadCloser, len(flows)), make([]func() error, len(flows))
	for k, f := range flows {
		_, outputs[k], ends[k] = meter(f.to, fmt.Sprintf("receive :%d %s", meterPort+k, window))
		ready := make([]byte, len("ready\n"))
		_, err := io.ReadFull(outputs[k], ready)
		require.NoError(t, err)
	}
	for k, f := range flows {
		stop, _, wait := meter(f.from, fmt.Sprintf("send %s:%d %d %s", f.address, meterPort+k, offered, window+3*time.Second))
		defer func() {
			_ = stop.Close()
			require.NoError(t, wait())
		}()
	}
	measured := make([]float64, len(flows))
	for k := range flows {
		text, err := io.ReadAll(outputs[k])
		require.NoError(t, err)
		require.NoError(t, ends[k]())
		measured[k], err = strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
		require.NoError(t, err)
	}
	return measured
}

// tolerance is how far a measured rate may be from its limit.
const tolerance = 0.15

// near waits until flows that together offer more than a limit arrive at it, one and all: a change takes its time to reach the packets.
func near(t *testing.T, what string, limit, offered int, flows ...flow) []float64 {
	t.Helper()
	var last []float64
	for range 4 {
		last = rates(t, offered, flows...)
		sum := 0.0
		for _, r := range last {
			sum += r
		}
		t.Logf("%s: %.1f Mbit/s of %d (%.1f)", what, sum, limit, last)
		if sum > float64(limit)*(1-tolerance) && sum < float64(limit)*(1+tolerance) {
			return last
		}
	}
	t.Fatalf("%s: %.1f Mbit/s, where the limit is %d", what, last, limit)
	return nil
}
