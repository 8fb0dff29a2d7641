// Package controlplanetest starts a whole cloud inside one test: centre, agents and simulated engines, with real HTTP in front.
//
// Every answer is held against the contract: one that breaks its schema fails the test that caused it. So does every statement on the database, also of the work
// runner, the link and the scans, that reads a whole table.
package controlplanetest

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	bce "github.com/baidubce/bce-sdk-go/services/bec"
	"github.com/stretchr/testify/require"

	"edgecloud/contract"
	"edgecloud/onebox"
	"edgecloud/store/storetest"
)

// Cloud is a running cloud.
type Cloud struct {
	*onebox.Box
	URL map[string]string // of each door: bec, iec, iam, cecstack, tcebms, admin
}

// Sites that the cloud has unless it is told others: one with a single line, one with three.
var Sites = []string{"cn-hangzhou-cm", "cn-changchun-ix"}

// Start starts a cloud that ends with the test. change may alter its configuration; nil leaves it.
func Start(t testing.TB, change func(*onebox.Config)) *Cloud {
	t.Helper()
	cfg := onebox.Config{Dir: t.TempDir(), Sim: &onebox.Sim{Sites: Sites}, Logger: slog.New(slog.NewTextHandler(logWriter{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	cfg.Control.Answered, cfg.Control.RememberStatements = checkAnswer(t), true
	if change != nil {
		change(&cfg)
	}
	ctx, cancel := context.WithCancel(context.Background())
	box, err := onebox.Open(ctx, cfg)
	require.NoError(t, err)
	c := &Cloud{Box: box, URL: map[string]string{}}
	for _, name := range []string{"bec", "iec", "iam", "cecstack", "tcebms", "admin"} {
		s := httptest.NewServer(box.Control.Door(name))
		t.Cleanup(s.Close)
		c.URL[name] = s.URL
	}
	done := make(chan error, 1)
	go func() { done <- box.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
		storetest.NoScans(t, box.Control.DB, scansAllowed)
		require.NoError(t, box.Close())
	})
	c.awaitHosts(t)
	return c
}

// awaitHosts waits until every host has been heard of, so that instances can be placed.
func (c *Cloud) awaitHosts(t testing.TB) {
	Eventually(t, "hosts are up", func() bool {
		for _, a := range c.Agents {
			if a.Ledger() == nil {
				return false
			}
		}
		return true
	})
}

// checkAnswer fails the test on an answer that its contract does not allow.
func checkAnswer(t testing.TB) func(*contract.Operation, int, http.Header, []byte) {
	return func(op *contract.Operation, status int, header http.Header, body []byte) {
		if status == http.StatusNotImplemented {
			return
		}
		for _, v := range op.ValidateResponse(status, header, body) {
			if v.Rule == "status" && strings.HasPrefix(op.Key, "bec/v1/") && isCommonError(status, body) {
				continue // API 1.0 describes its errors once, for all operations (conventions, section 6)
			}
			t.Errorf("%s answered %d with a wrong %s: %s\n%s", op.Key, status, v.Field, v.Expected, body)
		}
	}
}

// isCommonError tells whether an answer is an error that document and SDKs of BEC 1.0 can read.
func isCommonError(status int, body []byte) bool {
	var e struct{ Code, Msg, Message, RequestID string }
	return status >= 400 && json.Unmarshal(body, &e) == nil && e.Code != "" && e.Msg != "" && e.Message != "" && e.RequestID != ""
}

// BEC gives the official Go SDK's client, signing with the first operator's key.
func (c *Cloud) BEC(t testing.TB) *bce.Client {
	t.Helper()
	client, err := bce.NewClient(c.Admin.Key.ID, c.Admin.Key.Secret, c.URL["bec"])
	require.NoError(t, err)
	return client
}

// Eventually waits for a level, looking often; it fails after 20 s.
func Eventually(t testing.TB, what string, reached func() bool) {
	t.Helper()
	require.Eventually(t, reached, 20*time.Second, 5*time.Millisecond, what)
}

type logWriter struct{ t testing.TB }

func (w logWriter) Write(p []byte) (int, error) {
	w.t.Helper()
	w.t.Log(string(p))
	return len(p), nil
}
