package quota_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/quota"
	"edgecloud/fault"
	"edgecloud/store"
	"edgecloud/store/storetest"
)

// TestCountsAreTheSumOfWhatWasAccepted makes random changes, several in one call, while limits move, and holds the counts against a plain sum: a call counts
// wholly or not at all, nothing that grows passes its limit, nothing falls below zero, and one account's counts are not another's.
func TestCountsAreTheSumOfWhatWasAccepted(t *testing.T) {
	db := storetest.SQLite(t, quota.Migrations())
	operator := &identity.Caller{Account: "operator", Role: identity.Admin, Operator: true}
	round := 0
	rapid.Check(t, func(r *rapid.T) {
		round++
		m := counts{t: r, db: db, accounts: []string{fmt.Sprintf("a%d", round), fmt.Sprintf("b%d", round)}, used: map[string]int64{}, allowed: map[string]int64{}}
		for _, a := range m.accounts {
			for _, n := range counted {
				m.limit(operator, a, n)
			}
		}
		r.Repeat(map[string]func(*rapid.T){
			"count": func(r *rapid.T) { m.t = r; m.count() },
			"limit": func(r *rapid.T) {
				m.t = r
				m.limit(operator, rapid.SampledFrom(m.accounts).Draw(r, "account"), rapid.SampledFrom(counted).Draw(r, "name"))
			},
			"": func(r *rapid.T) { m.t = r; m.same() },
		})
	})
}

var (
	counted = []quota.Name{quota.Instances, quota.Networks, quota.VolumeGiB}
	scopes  = []string{"", "site-1", "site-2"}
)

// counts is the plain sum, by account, name and scope.
type counts struct {
	t        *rapid.T
	db       *store.DB
	accounts []string
	used     map[string]int64
	allowed  map[string]int64
}

func (m *counts) limit(operator *identity.Caller, account string, name quota.Name) {
	allowed := rapid.Int64Range(0, 20).Draw(m.t, "allowed")
	require.NoError(m.t, quota.Set(context.Background(), m.db, operator, account, name, allowed))
	m.allowed[account+string(name)] = allowed
}

func (m *counts) count() {
	account := rapid.SampledFrom(m.accounts).Draw(m.t, "account")
	var changes []quota.Change
	next, delta := map[string]int64{}, map[string]int64{}
	for range rapid.IntRange(1, 4).Draw(m.t, "changes") {
		c := quota.Change{Name: rapid.SampledFrom(counted).Draw(m.t, "name"), Scope: rapid.SampledFrom(scopes).Draw(m.t, "scope"), Delta: rapid.Int64Range(-6, 12).Draw(m.t, "delta")}
		changes = append(changes, c)
		key := account + "/" + string(c.Name) + "/" + c.Scope
		delta[key] += c.Delta
		next[key] = m.used[key] + delta[key]
	}
	over, below := false, false
	for _, c := range changes {
		key := account + "/" + string(c.Name) + "/" + c.Scope
		over = over || delta[key] > 0 && next[key] > m.allowed[account+string(c.Name)]
		below = below || next[key] < 0
	}
	err := m.db.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error { return quota.Count(ctx, tx, account, changes...) })
	if over || below {
		require.Error(m.t, err)
		require.True(m.t, below || fault.Is(err, fault.Quota), "%v", err)
		return
	}
	require.NoError(m.t, err)
	for key, n := range next {
		m.used[key] = n
	}
}

// same holds what the database says against the sums.
func (m *counts) same() {
	for _, account := range m.accounts {
		var lines []quota.Line
		require.NoError(m.t, m.db.Read(context.Background(), func(ctx context.Context, tx *store.Tx) (err error) {
			lines, err = quota.List(ctx, tx, account)
			return err
		}))
		found := map[string]int64{}
		for _, l := range lines {
			found[account+"/"+string(l.Name)+"/"+l.Scope] = l.Used
		}
		for _, n := range counted {
			for _, s := range scopes {
				key := account + "/" + string(n) + "/" + s
				require.Equal(m.t, m.used[key], found[key], key)
			}
		}
	}
}
