package store

import (
	"encoding/json"
	"fmt"
	"time"
)

// Time is a column value: microseconds since 1970 in UTC, in a BIGINT column. Zero means never. Both databases compare it alike.
type Time int64

// At makes a column value of t; the zero time becomes zero.
func At(t time.Time) Time {
	if t.IsZero() {
		return 0
	}
	return Time(t.UnixMicro())
}

// Time gives the moment in UTC; zero gives the zero time.
func (t Time) Time() time.Time {
	if t == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(t)).UTC()
}

// IsZero tells whether it means never.
func (t Time) IsZero() bool { return t == 0 }

// Add gives the moment d later.
func (t Time) Add(d time.Duration) Time { return t + Time(d.Microseconds()) }

// Sub gives t-u.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t-u) * time.Microsecond }

// String gives RFC 3339 with microseconds, or "never".
func (t Time) String() string {
	if t == 0 {
		return "never"
	}
	return t.Time().Format("2006-01-02T15:04:05.000000Z")
}

// MarshalJSON writes RFC 3339, or null for never.
func (t Time) MarshalJSON() ([]byte, error) {
	if t == 0 {
		return []byte("null"), nil
	}
	return json.Marshal(t.Time().Format(time.RFC3339Nano))
}

// UnmarshalJSON reads RFC 3339 or null.
func (t *Time) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*t = 0
		return nil
	}
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("a time is RFC 3339 text: %w", err)
	}
	parsed, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return fmt.Errorf("a time is RFC 3339 text: %w", err)
	}
	*t = At(parsed)
	return nil
}
