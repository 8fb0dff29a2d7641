package wiregen

import (
	"strconv"
	"strings"
	"unicode"
)

var initialisms = map[string]string{}

func init() {
	for _, w := range []string{"ACL", "API", "AZ", "BLB", "BMC", "CDS", "CIDR", "CPU", "DNS", "EIP", "ENI", "GPU", "HA", "HTML", "HTTP", "HTTPS", "IAM", "ID", "IP", "ISO",
		"JSON", "MAC", "NAT", "NIC", "OS", "RAID", "RAM", "SMS", "SN", "SSH", "TCP", "TLS", "TTL", "UDP", "UID", "URI", "URL", "USB", "UUID", "VIP", "VM", "VNC", "VPC", "XML"} {
		initialisms[strings.ToLower(w)] = w
		initialisms[strings.ToLower(w)+"s"] = w + "s"
	}
	delete(initialisms, "os"+"s")
	initialisms["ipv4"], initialisms["ipv6"] = "IPv4", "IPv6"
}

// goName makes an exported Go identifier of a wire name.
func goName(wire string) string {
	var b strings.Builder
	for _, w := range words(wire) {
		if known, ok := initialisms[strings.ToLower(w)]; ok {
			b.WriteString(known)
			continue
		}
		r := []rune(w)
		b.WriteRune(unicode.ToUpper(r[0]))
		b.WriteString(string(r[1:]))
	}
	name := b.String()
	if name == "" || !unicode.IsLetter(rune(name[0])) {
		name = "X" + name
	}
	return name
}

// words splits at case changes and at everything that is no letter or digit: "publicIPAddress" is public, IP, Address.
func words(s string) []string {
	var out []string
	var cur []rune
	flush := func() {
		if len(cur) > 0 {
			out = append(out, string(cur))
			cur = nil
		}
	}
	runes := []rune(s)
	for i, r := range runes {
		if r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			flush()
			continue
		}
		if unicode.IsUpper(r) && len(cur) > 0 {
			afterLower := !unicode.IsUpper(cur[len(cur)-1])
			endOfRun := i+1 < len(runes) && unicode.IsLower(runes[i+1]) && !(runes[i+1] == 'v' || runes[i+1] == 's')
			if afterLower || endOfRun {
				flush()
			}
		}
		cur = append(cur, r)
	}
	flush()
	return out
}

// names gives every wire name of one scope its own Go name.
type names map[string]bool

func (n names) take(want string) string {
	name := want
	for i := 2; n[name]; i++ {
		name = want + strconv.Itoa(i)
	}
	n[name] = true
	return name
}

// packageName is the Go package of a contract file: "v2/vm-instance" is v2vminstance.
func packageName(file string) string {
	return strings.NewReplacer("/", "", "-", "", "_", "").Replace(strings.ToLower(file))
}
