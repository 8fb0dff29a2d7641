package store

import (
	"database/sql/driver"
	"strconv"
	"strings"
)

const (
	maxLifted   = 30_000    // SQLite takes 32,766 parameters
	maxLiftText = 512 << 10 // bytes; what is longer does not come twice
	wordLength  = 16
)

// lifter replaces the values in the text of a statement by parameters. Its buffers are used again.
//
// In VALUES, SET, LIMIT and OFFSET every value is lifted. In conditions and results, short words without digits ('running', ”), and numbers of one digit stay:
// they are what partial indexes are about, which SQLite uses only if it sees the value, and there are few of them. In ORDER BY, GROUP BY and a conflict's
// target nothing is lifted, since values have another meaning there. A list of values after IN is filled up to a power of two with its last value, so that lists
// of all lengths make few texts.
type lifter struct {
	text   []byte
	values []driver.NamedValue
	stack  []place
}

// place is where in a statement the lifter is.
type place struct {
	rule liftRule
	list int // after IN (: where the list began among the values, plus 1; 0: no such list, or one with more than values in it
}

type liftRule int

const (
	liftSome liftRule = iota
	liftAll
	liftNone
)

// lift gives the text and the values; both are valid until the next call. ok is false for what should be run as it is: scripts, pragmas, changes of the schema.
func (l *lifter) lift(query string) (text []byte, values []driver.NamedValue, ok bool) {
	if len(query) > maxLiftText || !liftable(query) {
		return nil, nil, false
	}
	l.text, l.values, l.stack = l.text[:0], l.values[:0], append(l.stack[:0], place{})
	last := ""
	for i := 0; i < len(query); {
		next, token, ok := l.token(query, i, last)
		if !ok {
			return nil, nil, false
		}
		if token != "" {
			last = token
		}
		i = next
	}
	return l.text, l.values, len(l.values) <= maxLifted && len(l.stack) == 1
}

func liftable(query string) bool {
	word, _, _ := strings.Cut(query, " ")
	switch word {
	case "SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT":
		return true
	}
	return false
}

// token takes the token at i over into the text and gives where the next one begins. last is the keyword or sign before it.
func (l *lifter) token(q string, i int, last string) (next int, token string, ok bool) {
	c := q[i]
	switch {
	case c == '\'':
		return l.quoted(q, i)
	case c >= '0' && c <= '9':
		return l.number(q, i)
	case isLetter(c):
		return l.word(q, i)
	case c == '"' || c == '`':
		end := strings.IndexByte(q[i+1:], c)
		if end < 0 {
			return 0, "", false
		}
		l.text = append(l.text, q[i:i+end+2]...)
		l.mixed()
		return i + end + 2, "name", true
	case c == ';' || c == '?' || c == '[' || c == '-' && strings.HasPrefix(q[i:], "--") || c == '/' && strings.HasPrefix(q[i:], "/*"):
		return 0, "", false
	}
	return l.sign(q, i, last)
}

func (l *lifter) sign(q string, i int, last string) (next int, token string, ok bool) {
	c := q[i]
	switch c {
	case ' ', '\n', '\t', '\r':
		l.text = append(l.text, c)
		return i + 1, "", true
	case '(':
		p := place{rule: l.top().rule}
		if last == "IN" {
			p.list = len(l.values) + 1
		}
		l.mixedIn(l.top())
		l.stack = append(l.stack, p)
	case ')':
		if len(l.stack) == 1 {
			return 0, "", false
		}
		l.fill()
		l.stack = l.stack[:len(l.stack)-1]
	case ',':
	default:
		l.mixed()
	}
	l.text = append(l.text, c)
	return i + 1, q[i : i+1], true
}

func (l *lifter) top() *place { return &l.stack[len(l.stack)-1] }

// mixed notes that a list holds more than values.
func (l *lifter) mixed() { l.mixedIn(l.top()) }

func (l *lifter) mixedIn(p *place) { p.list = 0 }

// fill brings a list of values to a power of two.
func (l *lifter) fill() {
	p := l.top()
	if p.list == 0 {
		return
	}
	n := len(l.values) - (p.list - 1)
	for full := 1; n > 1; full *= 2 {
		if full < n {
			continue
		}
		value := l.values[len(l.values)-1].Value
		for range full - n {
			l.text = append(l.text, ", ?"...)
			l.bind(value)
		}
		return
	}
}

func (l *lifter) bind(v driver.Value) {
	l.values = append(l.values, driver.NamedValue{Ordinal: len(l.values) + 1, Value: v})
}

// quoted takes a text in quotes.
func (l *lifter) quoted(q string, i int) (next int, token string, ok bool) {
	end, doubled := i+1, false
	for {
		at := strings.IndexByte(q[end:], '\'')
		if at < 0 {
			return 0, "", false
		}
		end += at + 1
		if end == len(q) || q[end] != '\'' {
			break
		}
		doubled = true
		end++
	}
	inner := q[i+1 : end-1]
	if rule := l.top().rule; rule == liftNone || rule == liftSome && isWord(inner) {
		l.mixed()
		l.text = append(l.text, q[i:end]...)
		return end, "value", true
	}
	if doubled {
		inner = strings.ReplaceAll(inner, "''", "'")
	}
	l.text = append(l.text, '?')
	l.bind(inner)
	return end, "value", true
}

// isWord tells values such as 'running' from identifiers and names.
func isWord(s string) bool { return len(s) <= wordLength && !strings.ContainsAny(s, "0123456789") }

func (l *lifter) number(q string, i int) (next int, token string, ok bool) {
	end := i
	for end < len(q) && q[end] >= '0' && q[end] <= '9' {
		end++
	}
	whole := end == len(q) || q[end] != '.' && !isLetter(q[end])
	for end < len(q) && (q[end] == '.' || isLetter(q[end]) || q[end] >= '0' && q[end] <= '9') {
		end++
	}
	rule := l.top().rule
	n, err := strconv.ParseInt(q[i:end], 10, 64)
	if !whole || err != nil || rule == liftNone || rule == liftSome && end-i == 1 {
		l.mixed()
		l.text = append(l.text, q[i:end]...)
		return end, "value", true
	}
	l.text = append(l.text, '?')
	l.bind(n)
	return end, "value", true
}

func isLetter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}

// word takes a keyword or a name; a keyword may change what is lifted. Only keywords in capitals count, as bun and this project write them.
func (l *lifter) word(q string, i int) (next int, token string, ok bool) {
	end := i
	for end < len(q) && (isLetter(q[end]) || q[end] >= '0' && q[end] <= '9' || q[end] == '$') {
		end++
	}
	word := q[i:end]
	if end < len(q) && q[end] == '\'' {
		return 0, "", false // X'00', a blob
	}
	switch word {
	case "VALUES", "SET", "LIMIT", "OFFSET":
		l.top().rule = liftAll
	case "WHERE":
		if l.top().rule != liftNone { // it is when it belongs to a conflict's target
			l.top().rule = liftSome
		}
	case "SELECT", "FROM", "ON", "HAVING", "RETURNING", "DO", "JOIN":
		l.top().rule = liftSome
	case "BY", "CONFLICT", "COLLATE", "OVER":
		l.top().rule = liftNone
	}
	l.mixed()
	l.text = append(l.text, word...)
	return end, word, true
}
