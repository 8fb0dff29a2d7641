package ovn

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/ovn-kubernetes/libovsdb/client"
	"github.com/ovn-kubernetes/libovsdb/ovsdb"

	"edgecloud/engine/network"
	"edgecloud/link/spec"
)

// layout is part of every digest: raise it when the rows made from a spec change, and existing objects are brought up to date at their next Ensure.
const layout = "1"

// transaction collects the operations of one change.
type transaction struct {
	ctx      context.Context
	nb       client.Client
	ops      []ovsdb.Operation
	named    map[string]string          // table and owner of main rows (and DHCP options, and subnets' legs) inserted in this transaction -> named UUID
	seen     []outcome                  // what the engine's copy must show before the next reading
	gateways map[string]spec.NATGateway // NAT gateways as this transaction makes them; without a network: gone
	publics  map[string]spec.PublicIP   // public addresses likewise
	inUse    int                        // index of an operation whose failure means ErrInUse; 0 is none
}

// wanted is one row that an object should have.
type wanted struct {
	table, role string
	columns     ovsdb.Row         // all but external_ids
	parent      *parent           // nil in tables of roots
	ids         map[string]string // more external_ids
}

// parent is the column of another object's main row that holds a row.
type parent struct {
	table, column string
	owner         string
}

func (p parent) String() string { return p.table + "|" + p.column + "|" + p.owner }

func parseParent(s string) (parent, bool) {
	parts := strings.SplitN(s, "|", 3)
	if len(parts) != 3 {
		return parent{}, false
	}
	return parent{parts[0], parts[1], parts[2]}, true
}

// object is what the database holds of one object.
type object struct {
	owner string
	rows  map[string]tableRow // by table and role
}

type tableRow struct {
	table string
	row
}

func owner(kind, uid string) string { return kind + "/" + uid }

// idsOf is the external_ids of a row of any table.
func idsOf(m any) *map[string]string {
	_, ids := fieldsOf(m)
	return ids
}

func fieldsOf(m any) (uuid string, ids *map[string]string) {
	switch m := m.(type) {
	case *switchRow:
		return m.UUID, &m.ExternalIDs
	case *switchPortRow:
		return m.UUID, &m.ExternalIDs
	case *routerRow:
		return m.UUID, &m.ExternalIDs
	case *routerPortRow:
		return m.UUID, &m.ExternalIDs
	case *routeRow:
		return m.UUID, &m.ExternalIDs
	case *policyRow:
		return m.UUID, &m.ExternalIDs
	case *natRow:
		return m.UUID, &m.ExternalIDs
	case *qosRow:
		return m.UUID, &m.ExternalIDs
	case *dhcpRow:
		return m.UUID, &m.ExternalIDs
	case *portGroupRow:
		return m.UUID, &m.ExternalIDs
	case *chassisGroupRow:
		return m.UUID, &m.ExternalIDs
	case *addressSetRow:
		return m.UUID, &m.ExternalIDs
	case *loadBalancerRow:
		return m.UUID, &m.ExternalIDs
	}
	panic("ovn: a row type without external_ids")
}

// find lists the rows of a table whose external_ids have the value under an indexed key. The other indexed keys are set to what no row has: libovsdb goes
// on to the next index when one finds nothing, and an absent key would match all rows that lack it.
func find[T anyRow](tx *transaction, table, key, value string) ([]tableRow, error) {
	query, ids := new(T), map[string]string{}
	for _, k := range indexed {
		ids[k] = "\x00"
	}
	ids[key] = value
	*idsOf(query) = ids
	var found []*T
	if err := tx.nb.Where(query).List(tx.ctx, &found); err != nil {
		return nil, fmt.Errorf("read %s: %w", table, err)
	}
	return convert(table, found), nil
}

func convert[T anyRow](table string, found []*T) []tableRow {
	out := make([]tableRow, 0, len(found))
	for _, f := range found {
		uuid, ids := fieldsOf(f)
		out = append(out, tableRow{table, row{uuid, *ids}})
	}
	return out
}

// finders has find for every table.
var finders = map[string]func(tx *transaction, table, key, value string) ([]tableRow, error){
	tableSwitch: find[switchRow], tableSwitchPort: find[switchPortRow], tableRouter: find[routerRow], tableRouterPort: find[routerPortRow],
	tableRoute: find[routeRow], tablePolicy: find[policyRow], tableNAT: find[natRow], tableQoS: find[qosRow], tableDHCP: find[dhcpRow], tablePortGroup: find[portGroupRow],
	tableChassisGroup: find[chassisGroupRow], tableAddressSet: find[addressSetRow], tableLoadBalancer: find[loadBalancerRow],
}

// by lists the rows of one table under an indexed key.
func (tx *transaction) by(table, key, value string) ([]tableRow, error) {
	return finders[table](tx, table, key, value)
}

// load reads all rows of an object.
func (tx *transaction) load(kind, uid string) (object, error) {
	o := object{owner: owner(kind, uid), rows: map[string]tableRow{}}
	for _, table := range tablesOf[kind] {
		rows, err := tx.by(table, keyOwner, o.owner)
		if err != nil {
			return o, err
		}
		for _, r := range rows {
			o.rows[table+"|"+r.ExternalIDs[keyRole]] = r
		}
	}
	return o, nil
}

// main is the object's main row; false when the object is absent.
func (o object) main() (tableRow, bool) {
	kind, _, _ := strings.Cut(o.owner, "/")
	if len(tablesOf[kind]) == 0 {
		return tableRow{}, false
	}
	r, ok := o.rows[tablesOf[kind][0]+"|"+mainRole]
	return r, ok
}

// recall reads an object's spec from its main row; ErrMissing when the object is absent.
func recall[T any](tx *transaction, kind, uid string) (T, object, error) {
	var s T
	o, err := tx.load(kind, uid)
	if err != nil {
		return s, o, err
	}
	r, ok := o.main()
	if !ok {
		return s, o, fmt.Errorf("%w: %s %s", network.ErrMissing, kind, uid)
	}
	if err := json.Unmarshal([]byte(r.ExternalIDs[keySpec]), &s); err != nil {
		return s, o, fmt.Errorf("%s %s: stored spec: %w", kind, uid, err)
	}
	return s, o, nil
}

// digest identifies a spec together with what the object takes from others.
func digest(text []byte, inherited string) string {
	sum := sha256.Sum256([]byte(layout + "\x00" + inherited + "\x00" + string(text)))
	return hex.EncodeToString(sum[:12])
}

// put makes an object's rows what they should be. It returns false, and adds nothing, when they already are. inherited is what the rows take from other
// objects' specs; of names the object that this one hangs on.
func (tx *transaction) put(o object, body any, inherited, of string, rows func() []wanted) (bool, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return false, err
	}
	sum := digest(text, inherited)
	if r, ok := o.main(); ok && r.ExternalIDs[keyDigest] == sum {
		return false, nil
	}
	left := maps.Clone(o.rows)
	for _, w := range rows() {
		ids := map[string]string{keyMark: mark, keyOwner: o.owner, keyRole: w.role}
		maps.Copy(ids, w.ids)
		if w.role == mainRole {
			ids[keySpec], ids[keyDigest] = string(text), sum
			if of != "" {
				ids[keyOf] = of
			}
		}
		if w.parent != nil {
			ids[keyParent] = w.parent.String()
		}
		key := w.table + "|" + w.role
		old, ok := left[key]
		delete(left, key)
		if err := tx.putRow(o.owner, w, ids, old, ok); err != nil {
			return false, err
		}
	}
	for _, r := range left {
		if err := tx.drop(r); err != nil {
			return false, err
		}
	}
	return true, nil
}

func (tx *transaction) putRow(owner string, w wanted, ids map[string]string, old tableRow, exists bool) error {
	r := maps.Clone(w.columns)
	r["external_ids"] = ovsMap(ids)
	if exists {
		if w.role == mainRole {
			tx.unchanged(old)
		}
		tx.seen = append(tx.seen, outcome{table: w.table, uuid: old.UUID, ids: ids})
		tx.ops = append(tx.ops, ovsdb.Operation{Op: ovsdb.OperationUpdate, Table: w.table, Row: r, Where: byUUID(old.UUID)})
		if w.parent == nil || old.ExternalIDs[keyParent] == w.parent.String() {
			return nil
		}
		if err := tx.detach(old); err != nil {
			return err
		}
		return tx.attach(*w.parent, old.UUID)
	}
	name := fmt.Sprintf("n%d", len(tx.ops))
	if w.role == mainRole {
		tx.absent(w.table, r["name"])
	}
	if w.role == mainRole || w.role == legRole || w.table == tableDHCP {
		tx.named[w.table+"|"+owner] = name
	}
	tx.seen = append(tx.seen, outcome{table: w.table, insert: len(tx.ops), ids: ids})
	tx.ops = append(tx.ops, ovsdb.Operation{Op: ovsdb.OperationInsert, Table: w.table, Row: r, UUIDName: name})
	if w.parent == nil {
		return nil
	}
	return tx.attach(*w.parent, name)
}

// insert adds a row that one column of its parent names: the result goes into that column.
func (tx *transaction) insert(table string, columns ovsdb.Row) string {
	name := fmt.Sprintf("n%d", len(tx.ops))
	tx.ops = append(tx.ops, ovsdb.Operation{Op: ovsdb.OperationInsert, Table: table, Row: columns, UUIDName: name})
	return name
}

// unchanged makes the transaction fail when a main row is not what the engine's copy says.
func (tx *transaction) unchanged(r tableRow) {
	now := 0
	tx.ops = append(tx.ops, ovsdb.Operation{Op: ovsdb.OperationWait, Table: r.table, Where: byUUID(r.UUID), Columns: []string{"external_ids"}, Until: "==",
		Rows: []ovsdb.Row{{"external_ids": ovsMap(r.ExternalIDs)}}, Timeout: &now})
}

// absent makes the transaction fail when a row of this name exists: not every table has a unique index.
func (tx *transaction) absent(table string, name any) {
	if name == nil {
		return
	}
	now := 0
	tx.ops = append(tx.ops, ovsdb.Operation{Op: ovsdb.OperationWait, Table: table, Where: []ovsdb.Condition{ovsdb.NewCondition("name", ovsdb.ConditionEqual, name)},
		Columns: []string{"name"}, Until: "!=", Rows: []ovsdb.Row{{"name": name}}, Timeout: &now})
}

// uuidOf is the UUID of an object's main row, or its name inside the transaction.
func (tx *transaction) uuidOf(table, owner string) (string, error) {
	if name, ok := tx.named[table+"|"+owner]; ok {
		return name, nil
	}
	rows, err := tx.by(table, keyOwner, owner)
	if err != nil {
		return "", err
	}
	for _, r := range rows {
		if r.ExternalIDs[keyRole] == mainRole {
			return r.UUID, nil
		}
	}
	return "", fmt.Errorf("%w: %s", network.ErrMissing, owner)
}

func (tx *transaction) attach(p parent, uuid string) error {
	at, err := tx.uuidOf(p.table, p.owner)
	if err != nil {
		return err
	}
	tx.mutate(p.table, at, p.column, ovsdb.MutateOperationInsert, uuid)
	return nil
}

// detach takes a row out of its parent; when that was its last reference, the database forgets the row.
func (tx *transaction) detach(r tableRow) error {
	p, ok := parseParent(r.ExternalIDs[keyParent])
	if !ok {
		return nil
	}
	at, err := tx.uuidOf(p.table, p.owner)
	if err != nil {
		return err
	}
	tx.mutate(p.table, at, p.column, ovsdb.MutateOperationDelete, r.UUID)
	return nil
}

// drop removes a row.
func (tx *transaction) drop(r tableRow) error {
	tx.seen = append(tx.seen, outcome{table: r.table, uuid: r.UUID})
	if roots[r.table] {
		tx.ops = append(tx.ops, ovsdb.Operation{Op: ovsdb.OperationDelete, Table: r.table, Where: byUUID(r.UUID)})
		return nil
	}
	return tx.detach(r)
}

func (tx *transaction) mutate(table, uuid, column string, how ovsdb.Mutator, value string) {
	tx.ops = append(tx.ops, ovsdb.Operation{Op: ovsdb.OperationMutate, Table: table, Where: byUUID(uuid),
		Mutations: []ovsdb.Mutation{*ovsdb.NewMutation(column, how, uuidSet(value))}})
}

// commit sends the operations; none is no transaction at all.
func (tx *transaction) commit() error {
	if len(tx.ops) == 0 {
		return nil
	}
	results, err := tx.nb.Transact(tx.ctx, tx.ops...)
	if err != nil {
		if tx.ctx.Err() != nil {
			return tx.ctx.Err()
		}
		return fmt.Errorf("ovn transaction: %w", err)
	}
	for i, r := range results {
		if r.Error == "" {
			continue
		}
		at := "commit"
		if i < len(tx.ops) {
			at = tx.ops[i].Op + " " + tx.ops[i].Table
		}
		if r.Error == "timed out" && tx.inUse != 0 && i == tx.inUse {
			return network.ErrInUse
		}
		if r.Error == "timed out" || (r.Error == "constraint violation" && at == "commit") {
			return fmt.Errorf("%w: %s: %s %s", errRaced, at, r.Error, r.Details)
		}
		return fmt.Errorf("ovn transaction: %s: %s: %s", at, r.Error, r.Details)
	}
	return tx.settle(results)
}

// outcome is a row as it must show in the engine's copy after the commit; ids nil: gone.
type outcome struct {
	table  string
	uuid   string // empty: the row that operation number insert made
	insert int
	ids    map[string]string
}

// settleLimit bounds the wait for the copy. After it the change is still committed: whoever reads a stale copy then fails on unchanged or absent, and
// tries again.
const settleLimit = 2 * time.Second

// settle waits until the copy shows the commit. The server sends the rows before its answer, but libovsdb works on them beside it, some microseconds long.
func (tx *transaction) settle(results []ovsdb.OperationResult) error {
	deadline := time.Now().Add(settleLimit)
	for _, o := range tx.seen {
		if o.uuid == "" {
			o.uuid = results[o.insert].UUID.GoUUID
		}
		for !tx.shows(o) && time.Now().Before(deadline) {
			select {
			case <-tx.ctx.Done():
				return tx.ctx.Err()
			case <-time.After(50 * time.Microsecond):
			}
		}
	}
	return nil
}

func (tx *transaction) shows(o outcome) bool {
	cache := tx.nb.Cache()
	if cache == nil {
		return false
	}
	m := cache.Table(o.table).Row(o.uuid)
	if m == nil {
		return o.ids == nil
	}
	return o.ids != nil && maps.Equal(*idsOf(m), o.ids)
}

// The wire forms of OVSDB values (RFC 7047, section 5.1).

func byUUID(uuid string) []ovsdb.Condition {
	return []ovsdb.Condition{ovsdb.NewCondition("_uuid", ovsdb.ConditionEqual, ovsdb.UUID{GoUUID: uuid})}
}

func ovsMap(m map[string]string) ovsdb.OvsMap {
	out := make(map[any]any, len(m))
	for k, v := range m {
		out[k] = v
	}
	return ovsdb.OvsMap{GoMap: out}
}

func intMap(m map[string]int) ovsdb.OvsMap {
	out := make(map[any]any, len(m))
	for k, v := range m {
		out[k] = v
	}
	return ovsdb.OvsMap{GoMap: out}
}

func set[T any](values ...T) ovsdb.OvsSet {
	out := make([]any, 0, len(values))
	for _, v := range values {
		out = append(out, v)
	}
	return ovsdb.OvsSet{GoSet: out}
}

func uuidSet(uuids ...string) ovsdb.OvsSet {
	out := make([]any, 0, len(uuids))
	for _, u := range uuids {
		out = append(out, ovsdb.UUID{GoUUID: u})
	}
	return ovsdb.OvsSet{GoSet: out}
}
