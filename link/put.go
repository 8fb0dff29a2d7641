package link

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"edgecloud/link/spec"
	"edgecloud/store"
)

// Spec is one document for a target.
type Spec struct {
	Target, Kind, UID string
	Body              any // a type of link/spec
}

// Put writes what a target should have of one thing, and returns its generation. An unchanged body keeps its generation; one that was deleted comes back.
func Put(ctx context.Context, tx *store.Tx, target, kind, uid string, body any) (generation int64, err error) {
	generations, err := PutMany(ctx, tx, []Spec{{Target: target, Kind: kind, UID: uid, Body: body}})
	if err != nil {
		return 0, err
	}
	return generations[0], nil
}

// putChunk bounds the rows of one statement.
const putChunk = 500

// PutMany writes several specs and returns their generations in the same order: three statements a target for every 500.
func PutMany(ctx context.Context, tx *store.Tx, specs []Spec) ([]int64, error) {
	rows := make([]*specRow, len(specs))
	for i, s := range specs {
		row, err := encode(s)
		if err != nil {
			return nil, err
		}
		rows[i] = row
	}
	sorted := slices.Clone(rows)
	slices.SortStableFunc(sorted, byKey) // one order of locks for all
	if i := duplicate(sorted); i >= 0 {
		return nil, fmt.Errorf("link: %s %s is put twice at once", sorted[i].Kind, sorted[i].UID)
	}
	for len(sorted) > 0 {
		n := 1
		for n < len(sorted) && n < putChunk && sorted[n].Target == sorted[0].Target {
			n++
		}
		if err := putTarget(ctx, tx, sorted[:n]); err != nil {
			return nil, err
		}
		sorted = sorted[n:]
	}
	generations := make([]int64, len(rows))
	for i, r := range rows {
		generations[i] = r.Revision
	}
	return generations, nil
}

func encode(s Spec) (*specRow, error) {
	if s.Target == "" || s.UID == "" || !slices.Contains(spec.Kinds(), s.Kind) {
		return nil, fmt.Errorf("link: a spec needs a target, a known kind and a uid, not %q, %q and %q", s.Target, s.Kind, s.UID)
	}
	body, err := json.Marshal(s.Body)
	if err != nil {
		return nil, fmt.Errorf("link: encoding %s %s: %w", s.Kind, s.UID, err)
	}
	return &specRow{Target: s.Target, Kind: s.Kind, UID: s.UID, Body: string(body)}, nil
}

func byKey(a, b *specRow) int {
	return cmp.Or(cmp.Compare(a.Target, b.Target), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.UID, b.UID))
}

func duplicate(sorted []*specRow) int {
	for i := 1; i < len(sorted); i++ {
		if byKey(sorted[i-1], sorted[i]) == 0 {
			return i
		}
	}
	return -1
}

// putTarget writes specs of one target and fills in their revisions. It happens under the target's lock, so that nobody changes the rows meanwhile. Usually all
// are new or changed; only those that are not are read.
func putTarget(ctx context.Context, tx *store.Tx, rows []*specRow) error {
	target := rows[0].Target
	last, err := grow(ctx, tx, target, int64(len(rows)))
	if err != nil {
		return err
	}
	for i, r := range rows {
		r.Revision = last - int64(len(rows)) + int64(i) + 1
	}
	var written []int64
	err = tx.NewInsert().Model(&rows).On("CONFLICT (target, kind, uid) DO UPDATE").
		Set("revision = EXCLUDED.revision").Set("deleted = EXCLUDED.deleted").Set("body = EXCLUDED.body").
		Where("?TableAlias.deleted OR ?TableAlias.body <> EXCLUDED.body").Returning("revision").Scan(ctx, &written)
	if err != nil && !store.NotFound(err) {
		return fmt.Errorf("link: writing specs of %s: %w", target, err)
	}
	if len(written) > 0 {
		tx.Notify(topic)
	}
	if len(written) == len(rows) {
		return nil
	}
	same := slices.DeleteFunc(slices.Clone(rows), func(r *specRow) bool { return slices.Contains(written, r.Revision) })
	have, err := existing(ctx, tx, target, same)
	if err != nil {
		return err
	}
	for _, r := range same {
		old := have[r.Kind+"/"+r.UID]
		if old == nil {
			return fmt.Errorf("link: %s %s of %s was neither written nor there", r.Kind, r.UID, target)
		}
		r.Revision = old.Revision
	}
	return nil
}

// grow takes the target's lock and raises its revision by n; it returns the new one.
func grow(ctx context.Context, tx *store.Tx, target string, n int64) (int64, error) {
	var revision int64
	err := tx.NewRaw(`INSERT INTO link_targets (target, revision, changed_at) VALUES (?, ?, ?)
		ON CONFLICT (target) DO UPDATE SET revision = link_targets.revision + EXCLUDED.revision, changed_at = EXCLUDED.changed_at
		RETURNING revision`, target, n, tx.Time()).Scan(ctx, &revision)
	if err != nil {
		return 0, fmt.Errorf("link: locking the target %s: %w", target, err)
	}
	return revision, nil
}

func existing(ctx context.Context, tx *store.Tx, target string, rows []*specRow) (map[string]*specRow, error) {
	kinds := map[string][]string{}
	for _, r := range rows {
		kinds[r.Kind] = append(kinds[r.Kind], r.UID)
	}
	have := map[string]*specRow{}
	for _, kind := range spec.Kinds() {
		if len(kinds[kind]) == 0 {
			continue
		}
		var found []*specRow
		err := tx.NewSelect().Model(&found).Where("target = ? AND kind = ?", target, kind).Where("uid IN (?)", in(kinds[kind])).Scan(ctx)
		if err != nil {
			return nil, fmt.Errorf("link: reading specs of %s: %w", target, err)
		}
		for _, f := range found {
			have[f.Kind+"/"+f.UID] = f
		}
	}
	return have, nil
}
