package store_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"edgecloud/fault"
	"edgecloud/store"
	"edgecloud/store/storetest"
)

func TestConstraintErrorsAreTheSameOnBoth(t *testing.T) {
	storetest.Each(t, tables, func(t *testing.T, db *store.DB) {
		write(t, db, func(ctx context.Context, tx *store.Tx) error { return insert(ctx, tx, "1", "a", 1) })
		fails := func(query string) error {
			err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.ExecContext(ctx, query)
				return err
			})
			require.Error(t, err)
			return fmt.Errorf("wrapped: %w", err)
		}
		columns, ok := store.IsUnique(fails("INSERT INTO parents (id, name, size) VALUES ('1', 'x', 1)"))
		require.True(t, ok)
		require.Equal(t, "parents.id", columns)
		columns, ok = store.IsUnique(fails("INSERT INTO parents (id, name, size) VALUES ('2', 'a', 1)"))
		require.True(t, ok)
		require.Equal(t, "parents.name,parents.size", columns)
		require.True(t, store.IsForeignKey(fails("INSERT INTO children (id, parent) VALUES ('1', 'x')")))
		require.True(t, store.IsForeignKey(fails("INSERT INTO late_children (id, parent) VALUES ('1', 'x')")))
		columns, ok = store.IsNotNull(fails("INSERT INTO parents (id, size) VALUES ('3', 1)"))
		require.True(t, ok)
		require.Equal(t, "parents.name", columns)
		require.True(t, store.IsCheck(fails("INSERT INTO parents (id, name, size) VALUES ('3', 'x', -1)")))

		_, ok = store.IsUnique(fails("INSERT INTO children (id, parent) VALUES ('1', 'x')"))
		require.False(t, ok)
		require.False(t, store.IsForeignKey(errors.New("foreign key")))
		require.True(t, store.NotFound(db.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.NewSelect().Model(&parent{ID: "none"}).WherePK().Scan(ctx)
		})))
	})
}

func TestTextComparesAlikeOnBoth(t *testing.T) {
	storetest.Each(t, tables, func(t *testing.T, db *store.DB) {
		for i, name := range []string{"b", "B", "ä", "a-b", "ab", "_", "节点"} {
			write(t, db, func(ctx context.Context, tx *store.Tx) error { return insert(ctx, tx, name, name, int64(i)) })
		}
		require.Equal(t, []string{"B", "_", "a-b", "ab", "b", "ä", "节点"}, names(t, db))
		require.NoError(t, db.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			n, err := tx.NewSelect().Model((*parent)(nil)).Where("name LIKE ?", "b%").Count(ctx)
			require.Equal(t, 1, n, "LIKE minds case")
			return err
		}))
	})
}

func TestTime(t *testing.T) {
	storetest.Each(t, tables, func(t *testing.T, db *store.DB) {
		at := store.At(time.Date(2031, 2, 3, 4, 5, 6, 789_000, time.FixedZone("x", 3600)))
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			require.Equal(t, tx.Now(), tx.Now())
			require.Equal(t, tx.Now(), tx.Time().Time())
			_, err := tx.NewInsert().Model(&parent{ID: "1", At: at}).Exec(ctx)
			return err
		})
		require.NoError(t, db.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			p := &parent{ID: "1"}
			require.NoError(t, tx.NewSelect().Model(p).WherePK().Where("at > ?", at-1).Scan(ctx))
			require.Equal(t, at, p.At)
			return nil
		}))
	})
	rapid.Check(t, func(t *rapid.T) {
		at := store.Time(rapid.Int64Range(-1e15, 1e17).Draw(t, "t"))
		text, err := json.Marshal(at)
		require.NoError(t, err)
		var back store.Time
		require.NoError(t, json.Unmarshal(text, &back))
		require.Equal(t, at, back)
		require.Equal(t, at, store.At(at.Time()))
		d := time.Duration(rapid.Int64Range(-1e9, 1e9).Draw(t, "d")) * time.Microsecond
		require.Equal(t, d, at.Add(d).Sub(at))
	})
	require.True(t, store.At(time.Time{}).IsZero())
	require.Error(t, new(store.Time).UnmarshalJSON([]byte(`"yesterday"`)))
	require.Error(t, new(store.Time).UnmarshalJSON([]byte(`7`)))
}

func TestIdentifiers(t *testing.T) {
	clock := storetest.NewClock()
	db := storetest.OpenSQLite(t, store.Config{Now: clock.Now})
	last, slugs := "", map[string]bool{}
	for i := range 5000 {
		if i%1000 == 0 {
			clock.Advance(time.Millisecond)
		}
		uid := db.NewUID()
		parsed, err := uuid.Parse(uid)
		require.NoError(t, err)
		require.EqualValues(t, 7, parsed.Version())
		require.Equal(t, uuid.RFC4122, parsed.Variant())
		require.Greater(t, uid, last)
		last = uid
		slug := db.NewSlug()
		require.Regexp(t, regexp.MustCompile(`^[a-z0-9]{8}$`), slug)
		require.False(t, slugs[slug])
		slugs[slug] = true
	}
	at, _ := uuid.MustParse(last).Time().UnixTime()
	require.Equal(t, clock.Now().Unix(), at)
	require.Regexp(t, regexp.MustCompile(`^[A-Za-z0-9]{33}$`), db.Token(33))

	seeded := func() string {
		db := storetest.OpenSQLite(t, store.Config{Now: clock.Now, Rand: bytes.NewReader(bytes.Repeat([]byte{3, 1, 4, 1, 5, 9, 2, 6}, 1000))})
		return db.NewUID() + db.NewSlug() + db.Token(5)
	}
	require.Equal(t, seeded(), seeded(), "the same seed and clock give the same names")
}

func TestPages(t *testing.T) {
	storetest.Each(t, tables, func(t *testing.T, db *store.DB) {
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			for i := range 25 {
				if err := insert(ctx, tx, fmt.Sprintf("%02d", i), fmt.Sprint("n", i), int64(i%5)); err != nil {
					return err
				}
			}
			return nil
		})
		require.NoError(t, db.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			for _, c := range []struct {
				page  store.Page
				first string
				n     int
			}{{store.Page{Number: 1, Size: 10}, "00", 10}, {store.Page{Number: 3, Size: 10}, "20", 5}, {store.Page{Number: 4, Size: 10}, "", 0}, {store.Page{}, "00", 25}} {
				got, total, err := store.List[parent](ctx, tx.NewSelect().Model((*parent)(nil)).Order("id"), c.page)
				require.NoError(t, err)
				require.Equal(t, 25, total)
				require.Len(t, got, c.n)
				if c.n > 0 {
					require.Equal(t, c.first, got[0].ID)
				}
			}
			var walked []string
			for m := (store.Marker{Size: 2}); ; {
				got, next, err := store.ListFrom(ctx, tx.NewSelect().Model((*parent)(nil)).Where("size = 3"), m, "id", func(p parent) string { return p.ID })
				require.NoError(t, err)
				for _, p := range got {
					walked = append(walked, p.ID)
				}
				if next == "" {
					break
				}
				m.Start = next
			}
			require.Equal(t, []string{"03", "08", "13", "18", "23"}, walked)
			return nil
		}))
	})
}

// request makes one parent under a token and gives its id.
func request(db *store.DB, token, print string, name string) (string, error) {
	var id []byte
	err := db.Write(context.Background(), func(ctx context.Context, tx *store.Tx) (err error) {
		id, err = store.Idempotent(ctx, tx, "account/create", token, []byte(print), func() ([]byte, error) {
			uid := tx.NewUID()
			return []byte(uid), insert(ctx, tx, uid, name, 1)
		})
		return err
	})
	return string(id), err
}

func TestOneResourceForOneToken(t *testing.T) {
	storetest.Each(t, tables, func(t *testing.T, db *store.DB) {
		var all sync.WaitGroup
		var ids sync.Map
		var wrong atomic.Int64
		for i := range 32 {
			all.Go(func() {
				token := fmt.Sprint("token", i%4)
				id, err := request(db, token, "same", "name of "+token)
				if err != nil {
					t.Errorf("%v", err)
				}
				if first, _ := ids.LoadOrStore(token, id); first != id {
					wrong.Add(1)
				}
			})
		}
		all.Wait()
		require.Zero(t, wrong.Load())
		require.Len(t, names(t, db), 4)
		_, err := request(db, "token0", "other", "x")
		require.True(t, fault.Is(err, fault.TokenMismatch), "%v", err)
	})
}

func TestATokenLivesADayAfterItsLastUse(t *testing.T) {
	clock := storetest.NewClock()
	storetest.EachWith(t, store.Config{Now: clock.Now, Migrations: tables}, func(t *testing.T, db *store.DB) {
		first, err := request(db, "t", "p", "a")
		require.NoError(t, err)
		for range 3 {
			clock.Advance(23 * time.Hour)
			again, err := request(db, "t", "p", "b")
			require.NoError(t, err)
			require.Equal(t, first, again)
		}
		_, err = request(db, "failing", "p", "a") // the name is taken
		_, taken := store.IsUnique(err)
		require.True(t, taken)
		_, err = request(db, "failing", "another try", "c")
		require.NoError(t, err, "a failed request leaves no token")
		clock.Advance(25 * time.Hour)
		later, err := request(db, "t", "another request", "d")
		require.NoError(t, err)
		require.NotEqual(t, first, later)
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			n, err := store.PurgeTokens(ctx, tx)
			require.EqualValues(t, 1, n)
			return err
		})
		again, err := request(db, "", "", "e")
		require.NoError(t, err)
		another, err := request(db, "", "", "f")
		require.NoError(t, err)
		require.NotEqual(t, again, another, "no token, no protection")
	})
}
