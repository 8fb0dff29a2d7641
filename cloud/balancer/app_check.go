package balancer

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"edgecloud/fault"
	"edgecloud/link/spec"
)

// What is taken where nothing is said, and the bounds, of checks of groups (BEC API 2.0, AppBLB, server group ports and IP group protocols).
const (
	groupStandard    = 3 // of each number
	groupMostSeconds = 10
	groupMostTimeout = 60
	groupLeastRetry  = 2
	groupMostRetry   = 5
	groupPath        = "/"
	groupStatuses    = "http_2xx|http_3xx"
)

var (
	statusClasses = regexp.MustCompile(`^http_[1-5]xx(\|http_[1-5]xx)*$`)
	checkPath     = regexp.MustCompile(`^/[A-Za-z0-9\-/.%?&=_~+,:@!*();]*$`)
	checkHost     = regexp.MustCompile(`^[A-Za-z0-9.\-:]*$`)
)

// completeFor fills a check of a group's protocol up and tells what is wrong with it.
func (c *Check) completeFor(protocol string) error {
	if allowed := map[string][]string{"tcp": {"tcp", "http"}, "http": {"tcp", "http"}, "udp": {"udp", "icmp"}}[protocol]; !slices.Contains(allowed, c.Protocol) {
		return fault.BadField("check.protocol", "must be TCP or HTTP for TCP and HTTP, and UDP or ICMP for UDP")
	}
	for _, f := range []struct {
		name        string
		value       *int
		least, most int
	}{{"check.interval", &c.IntervalSeconds, 1, groupMostSeconds}, {"check.timeout", &c.TimeoutSeconds, 1, groupMostTimeout},
		{"check.unhealthy", &c.Unhealthy, groupLeastRetry, groupMostRetry}, {"check.healthy", &c.Healthy, groupLeastRetry, groupMostRetry}} {
		if *f.value == 0 {
			*f.value = groupStandard
		}
		if *f.value < f.least || *f.value > f.most {
			return fault.BadField(f.name, "must be from %d to %d", f.least, f.most)
		}
	}
	if c.Port < 0 || c.Port > 65535 || c.Port == 0 && protocol == "http" {
		return fault.BadField("check.port", "must be from 1 to 65535; for HTTP it must be given")
	}
	if c.Path == "" {
		c.Path = groupPath
	}
	if c.Protocol == "udp" && c.Send == "" {
		return fault.BadField("check.send", "must be given for a UDP check")
	}
	if len(c.Send) > maxSend {
		return fault.BadField("check.send", "must have at most %d bytes", maxSend)
	}
	return c.completeHTTP()
}

func (c *Check) completeHTTP() error {
	if c.Protocol != "http" {
		return nil
	}
	if c.Statuses == "" {
		c.Statuses = groupStatuses
	}
	switch {
	case !statusClasses.MatchString(c.Statuses):
		return fault.BadField("check.statuses", `must be classes from http_1xx to http_5xx, joined by "|"`)
	case len(c.Path) > 255 || !checkPath.MatchString(c.Path):
		return fault.BadField("check.path", "must be a path of at most 255 characters that begins with /")
	case len(c.Host) > 255 || !checkHost.MatchString(c.Host):
		return fault.BadField("check.host", "must be a host name, with a port if it has one")
	}
	return nil
}

// exact is the check as an application balancer counts: so many failures take a member out, so many successes put it back.
func (c Check) exact() spec.HealthCheck {
	out := c.spec()
	out.Fall, out.Rise, out.Port = c.Unhealthy, c.Healthy, c.Port
	if c.Protocol != "http" {
		return out
	}
	out.Path, out.Host = c.Path, c.Host
	var digits strings.Builder
	for _, class := range strings.Split(c.Statuses, "|") {
		digits.WriteByte(class[len("http_")])
	}
	out.Statuses = fmt.Sprintf("^[%s]", digits.String())
	return out
}

func poolMember(uid, address string, port int, weight int64) spec.PoolMember {
	return spec.PoolMember{UID: uid, Address: netip.MustParseAddr(address), Port: port, Weight: int(weight)}
}
