package work

import (
	"context"
	"fmt"

	"edgecloud/store"
)

// Overdue is an alert: a state or a wait that has lasted longer than its deadline (A12).
type Overdue struct {
	Kind, UID string
	State     string     // of a machine
	Event     string     // what it waited for; empty if the last step did not wait
	Since     store.Time // when it entered the state or began to wait
	LastError string     // of the last step that failed since then
}

// String is the alert in words.
func (o Overdue) String() string {
	s := fmt.Sprintf("%s %s is in the state %q since %s, past its deadline", o.Kind, o.UID, o.State, o.Since)
	if o.Event != "" {
		s += ", waiting for " + o.Event
	}
	if o.LastError != "" {
		s += "; last error: " + o.LastError
	}
	return s
}

// overdueHook records an alert in the transaction that acts on it.
type overdueHook func(ctx context.Context, tx *store.Tx, o Overdue) error

func (h overdueHook) call(ctx context.Context, tx *store.Tx, w *row) error {
	if h == nil {
		return nil
	}
	return h(ctx, tx, Overdue{Kind: w.Kind, UID: w.UID, State: w.State, Event: w.Event, Since: w.Since, LastError: w.LastError})
}
