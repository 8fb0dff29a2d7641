package iec

import (
	"strings"

	"edgecloud/cloud/place"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/iec/wire/site"
	"edgecloud/fault"
)

// areaWords are the large regions as IEC names them (documents' examples: east, north, south, central); other areas are called by their own name.
var areaWords = map[string]string{"EAST_CHINA": "east", "NORTH_CHINA": "north", "SOUTH_CHINA": "south", "CENTRAL_CHINA": "central", "SOUTH_WEST": "southwest",
	"NORTH_WEST": "northwest", "NORTH_EAST": "northeast"}

// localPlace is a site's place in IEC's words: English names, and the localized ones of the i18n fields.
type localPlace struct {
	area, province, city, country             string
	i18nArea, i18nProvince, i18nCity, i18nAll string // i18nAll is the country's
}

func placeOf(s *place.Site) localPlace {
	p := localPlace{area: areaWords[s.Area], province: strings.ToLower(s.Province), city: strings.ToLower(s.City), country: title(s.Country),
		i18nArea: textOr(s.AreaName, s.Area), i18nProvince: textOr(s.ProvinceName, s.Province), i18nCity: textOr(s.CityName, s.City), i18nAll: textOr(s.CountryName, s.Country)}
	if p.area == "" {
		p.area = strings.ToLower(s.Area)
		return p
	}
	p.i18nArea += "地区"
	p.i18nCity += "市"
	return p
}

func title(word string) string {
	if word == "" {
		return ""
	}
	return strings.ToUpper(word[:1]) + strings.ToLower(word[1:])
}

func textOr(text, otherwise string) string {
	if text != "" {
		return text
	}
	return otherwise
}

// siteInfo is a site's place in one line, as networking answers have it: 中国/华中地区/湖南/长沙市.
func siteInfo(s *place.Site) string {
	p := placeOf(s)
	return strings.Join([]string{p.i18nAll, p.i18nArea, p.i18nProvince, p.i18nCity}, "/")
}

// shortName is the city's short form in names of instances: HZ.
func shortName(s *place.Site) string {
	if s.ShortName != "" {
		return s.ShortName
	}
	letters := strings.ToUpper(s.City)
	return letters[:min(2, len(letters))]
}

// localOperators are the carriers' localized names and short forms; words of the wire are in operators.
var localOperators = map[place.Carrier]struct{ name, sa string }{
	place.Telecom: {"中国电信", "CTCC"}, place.Unicom: {"中国联通", "CUCC"}, place.Mobile: {"中国移动", "CMCC"}, place.BGP: {"bgp", "BGP"}, place.TripleLine: {"三线", "SBGP"},
}

// operatorOf describes a carrier. All wire packages have the same type, so that it can be converted to theirs.
func operatorOf(c place.Carrier) wire.Operator {
	return wire.Operator{ID: operators[c].id, Name: operators[c].name, I18nName: localOperators[c].name, Sa: localOperators[c].sa}
}

// lineID is what clients call a line (pool_id): "5_mobile_cn-hangzhou-cm".
func lineID(s *place.Site, l *place.Line) string {
	return "5_" + operators[l.Carrier].line + "_" + s.Name
}

// lineNamed finds a line of a site by the text or the UUID that GET /v1/sites shows; nil if there is none.
func lineNamed(s *place.Site, lines []*place.Line, id string) *place.Line {
	for _, l := range lines {
		if l.UID == id || lineID(s, l) == id {
			return l
		}
	}
	return nil
}

// where are the filters by place that sites and flavors share: several values joined by commas, of any case.
type where struct{ area, province, city, operator []string }

func placeFilter(c *dialect.Call) where {
	values := func(name string) (all []string) {
		for _, v := range strings.Split(c.Param(name), ",") {
			if v = strings.TrimSpace(v); v != "" {
				all = append(all, v)
			}
		}
		return all
	}
	return where{values("area"), values("province"), values("city"), values("operator")}
}

// anywhere tells that no filter is set.
func (w where) anywhere() bool { return len(w.area)+len(w.province)+len(w.city)+len(w.operator) == 0 }

// holds tells whether a site is at the place, and has a line of one of the operators.
func (w where) holds(s *place.Site, lines []*place.Line) bool {
	p := placeOf(s)
	if !among(w.area, p.area) || !among(w.province, p.province) || !among(w.city, p.city) {
		return false
	}
	if len(w.operator) == 0 {
		return true
	}
	for _, l := range lines {
		o := operatorOf(l.Carrier)
		if among(w.operator, o.Name) || among(w.operator, o.Sa) || among(w.operator, o.ID) {
			return true
		}
	}
	return false
}

// among tells whether a value is wanted; without any wanted one, all are.
func among(wanted []string, value string) bool {
	for _, w := range wanted {
		if strings.EqualFold(w, value) {
			return true
		}
	}
	return len(wanted) == 0
}

// choose gives the sites at a place. A place where there is none, though it was named, is not found (IEC.011010).
func (w where) choose(sites []*place.Site, lines map[string][]*place.Line) ([]*place.Site, error) {
	var chosen []*place.Site
	for _, s := range sites {
		if w.holds(s, lines[s.UID]) {
			chosen = append(chosen, s)
		}
	}
	if len(chosen) == 0 && !w.anywhere() {
		return nil, fault.New(fault.NotFound, "There is no site at the place (area, province, city or operator) that the query names.").About("location", "")
	}
	return chosen, nil
}

func pools(s *place.Site, lines []*place.Line) scalar.List[wire.IPPool] {
	all := scalar.List[wire.IPPool]{}
	for _, l := range lines {
		o := operatorOf(l.Carrier)
		all = append(all, wire.IPPool{ID: l.UID, SiteID: s.UID, PoolID: lineID(s, l), IPVersion: new("4"), Operator: &o,
			DisplayName: placeOf(s).i18nCity + o.I18nName, AllowShareBandwidthTypes: scalar.List[string]{"share"}})
	}
	return all
}
