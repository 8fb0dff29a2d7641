package store

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
)

// JSON is a TEXT column that holds a value as JSON, for what is only ever read and written whole.
type JSON[T any] struct{ V T }

// Value encodes for the database.
func (j JSON[T]) Value() (driver.Value, error) {
	b, err := json.Marshal(j.V)
	return string(b), err
}

// Scan decodes from the database; NULL and the empty text leave the zero value.
func (j *JSON[T]) Scan(src any) error {
	var text []byte
	switch v := src.(type) {
	case nil:
		return nil
	case string:
		text = []byte(v)
	case []byte:
		text = v
	default:
		return fmt.Errorf("store: a JSON column cannot be read from %T", src)
	}
	if len(text) == 0 {
		return nil
	}
	return json.Unmarshal(text, &j.V)
}
