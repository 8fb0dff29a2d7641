package network

import (
	"net/netip"
	"slices"
	"strings"

	"edgecloud/fault"
)

// Servers says which name servers a subnet's guests are told. A nil list leaves what is, and so does a nil choice beside a nil list.
type Servers struct {
	List      *[]string
	Primary   *string // one of the list, to be asked first
	Secondary *string // one of the list, to be asked next
}

// apply writes the wish into a subnet. Without a list, the two that are named are the list of a subnet that had none of its own.
func (w Servers) apply(s *Subnet) error {
	named := slices.DeleteFunc([]string{text(w.Primary), text(w.Secondary)}, func(t string) bool { return t == "" })
	list := splitDNS(s.DNS)
	switch {
	case w.List != nil:
		list = *w.List
		s.PrimaryDNS, s.SecondaryDNS = "", ""
	case len(named) > 0 && (len(list) == 0 || s.UID == ""):
		list = slices.Compact(named)
	}
	for _, t := range list {
		if a, err := netip.ParseAddr(t); err != nil || !a.Is4() {
			return fault.BadField("dns", "must list IPv4 addresses, not %q", t)
		}
	}
	for _, t := range named {
		if !slices.Contains(list, t) {
			return fault.New(fault.Invalid, "The name server %s is not in the list of the subnet's servers.", t).About("name server", t).On("dns")
		}
	}
	s.DNS = strings.Join(list, ",")
	set(&s.PrimaryDNS, w.Primary)
	set(&s.SecondaryDNS, w.Secondary)
	return nil
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func splitDNS(column string) []string {
	if column == "" {
		return nil
	}
	return strings.Split(column, ",")
}

// Servers lists a subnet's name servers as they were given, and the two that guests are to ask first; empty if there are not so many.
func (s *Subnet) Servers() (all []string, primary, secondary string) {
	all = splitDNS(s.DNS)
	primary, secondary = s.PrimaryDNS, s.SecondaryDNS
	if primary == "" && len(all) > 0 {
		primary = all[0]
	}
	if secondary == "" && len(all) > 1 {
		secondary = all[1]
	}
	return all, primary, secondary
}

// asked are the servers in the order in which guests ask them.
func (s *Subnet) asked() []netip.Addr {
	all, primary, secondary := s.Servers()
	var order []netip.Addr
	for _, t := range append([]string{primary, secondary}, all...) {
		if a, err := netip.ParseAddr(t); err == nil && !slices.Contains(order, a) {
			order = append(order, a)
		}
	}
	return order
}
