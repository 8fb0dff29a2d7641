package scalar

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Int is an integer of a request: 80, 80.0 or "80". An empty text is 0, as SDKs send it for a field that is not set.
type Int int64

// UnmarshalJSON accepts a number or a text with one.
func (i *Int) UnmarshalJSON(raw []byte) error {
	text, null, err := spelling(raw)
	if err != nil || null {
		return err
	}
	if text == "" {
		*i = 0
		return nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		*i = Int(n)
		return nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return fmt.Errorf("%q is not an integer", text)
	}
	*i = Int(f)
	return nil
}

// Float is a number of a request: 0.5 or "0.5".
type Float float64

// UnmarshalJSON accepts a number or a text with one.
func (f *Float) UnmarshalJSON(raw []byte) error {
	text, null, err := spelling(raw)
	if err != nil || null {
		return err
	}
	if text == "" {
		*f = 0
		return nil
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return fmt.Errorf("%q is not a number", text)
	}
	*f = Float(n)
	return nil
}

// Bool is a boolean of a request: true, "true" or "True".
type Bool bool

// UnmarshalJSON accepts a boolean or its name in any case.
func (b *Bool) UnmarshalJSON(raw []byte) error {
	text, null, err := spelling(raw)
	if err != nil || null {
		return err
	}
	switch strings.ToLower(text) {
	case "true":
		*b = true
	case "false", "":
		*b = false
	default:
		return fmt.Errorf("%q is neither true nor false", text)
	}
	return nil
}

// Strings is a list of texts of a request; a single text is a list of one.
type Strings []string

// UnmarshalJSON accepts a text or a list of texts.
func (s *Strings) UnmarshalJSON(raw []byte) error {
	raw = bytes.TrimSpace(raw)
	if len(raw) > 0 && raw[0] == '"' {
		var one string
		if err := json.Unmarshal(raw, &one); err != nil {
			return err
		}
		*s = Strings{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(s))
}

// spelling is a JSON scalar as text.
func spelling(raw []byte) (text string, null bool, err error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return "", false, fmt.Errorf("a value is missing")
	}
	switch raw[0] {
	case 'n':
		return "", true, nil
	case '"':
		err = json.Unmarshal(raw, &text)
		return strings.TrimSpace(text), false, err
	case '{', '[':
		return "", false, fmt.Errorf("a scalar was expected")
	}
	return string(raw), false, nil
}

// List is a list of an answer: it prints [] where a Go slice would print null.
type List[T any] []T

// MarshalJSON never prints null.
func (l List[T]) MarshalJSON() ([]byte, error) {
	if l == nil {
		return []byte("[]"), nil
	}
	return json.Marshal([]T(l))
}

// Map is an object with free member names of an answer: it prints {} where a Go map would print null.
type Map[T any] map[string]T

// MarshalJSON never prints null.
func (m Map[T]) MarshalJSON() ([]byte, error) {
	if m == nil {
		return []byte("{}"), nil
	}
	return json.Marshal(map[string]T(m))
}

// Value is what an optional field holds; the zero value if it is absent.
func Value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// Or is what an optional field holds; other if it is absent.
func Or[T any](p *T, other T) T {
	if p == nil {
		return other
	}
	return *p
}
