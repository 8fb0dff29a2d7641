package natslink

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"edgecloud/link/protocol"
)

const (
	maxMessage = 4 << 20
	maxPlain   = 32 << 20 // of a message after unpacking
	packAbove  = 1 << 10  // smaller messages are not worth packing
)

// envelope is an answer: a value or a fault.
type envelope struct {
	Value json.RawMessage `json:"v,omitempty"`
	Error string          `json:"e,omitempty"`
	Code  string          `json:"c,omitempty"`
}

var codes = map[string]error{"denied": protocol.ErrDenied, "role": protocol.ErrNotRole, "token": protocol.ErrToken}

func answerTo[Q, A any](f func(context.Context, string, Q) (A, error)) func(context.Context, string, []byte) (any, error) {
	return func(ctx context.Context, host string, data []byte) (any, error) {
		q, err := decode[Q](data)
		if err != nil {
			return nil, err
		}
		return f(ctx, host, q)
	}
}

func decode[T any](data []byte) (T, error) {
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		return v, fmt.Errorf("natslink: an unreadable message: %w", err)
	}
	return v, nil
}

func packAnswer(value any, err error) []byte {
	var e envelope
	if err == nil {
		e.Value, err = json.Marshal(value)
	}
	if err != nil {
		e.Error = err.Error()
		for code, fault := range codes {
			if errors.Is(err, fault) {
				e.Code = code
			}
		}
	}
	b, _ := json.Marshal(e) // plain strings and valid JSON: cannot fail
	return pack(b)
}

func unpackAnswer(data []byte, value any) error {
	plain, err := unpack(data)
	if err != nil {
		return err
	}
	e, err := decode[envelope](plain)
	if err != nil {
		return err
	}
	if e.Error == "" {
		return json.Unmarshal(e.Value, value)
	}
	if fault := codes[e.Code]; fault != nil {
		return refusal{text: e.Error, fault: fault}
	}
	return errors.New(e.Error)
}

// refusal is a fault that came over the wire, in the centre's own words.
type refusal struct {
	text  string
	fault error
}

func (r refusal) Error() string { return r.text }
func (r refusal) Unwrap() error { return r.fault }

// pack compresses what is worth it: thin lines carry it (bars.md D6).
func pack(b []byte) []byte {
	if len(b) < packAbove {
		return b
	}
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if _, err := w.Write(b); err != nil || w.Close() != nil {
		return b
	}
	return out.Bytes()
}

func unpack(b []byte) ([]byte, error) {
	if len(b) < 2 || b[0] != 0x1f || b[1] != 0x8b {
		return b, nil
	}
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("natslink: a badly packed message: %w", err)
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxPlain))
	if err != nil {
		return nil, fmt.Errorf("natslink: a badly packed message: %w", err)
	}
	return plain, nil
}
