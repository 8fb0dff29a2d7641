package iec

import (
	"strconv"

	"github.com/google/uuid"

	"edgecloud/cloud/place"
	"edgecloud/dialect"
	"edgecloud/fault"
	"edgecloud/store"
)

// stamp writes a time as instances, images and bandwidths have it: RFC 3339 in seconds, which clients parse (conventions, section 6).
func stamp(t store.Time) string { return t.Time().UTC().Format("2006-01-02T15:04:05Z") }

// microStamp writes a time with six decimals, as edge clouds have it (conventions, section 6).
func microStamp(t store.Time) string { return t.Time().UTC().Format("2006-01-02T15:04:05.000000Z") }

// operatorWord is a carrier as IEC names it.
type operatorWord struct {
	id   string // of operator objects: a string for both official clients (NOTES-network, item 11)
	name string // of filters and coverage: chinatelecom
	line string // of line IDs: 5_telecom_site1
}

// operators are the documented carriers, and sbgp for lines of all three (conventions, section 6: "5_sbgp_site1").
var operators = map[place.Carrier]operatorWord{
	place.Telecom:    {"1", "chinatelecom", "telecom"},
	place.Unicom:     {"2", "chinaunicom", "unicom"},
	place.Mobile:     {"3", "chinamobile", "mobile"},
	place.BGP:        {"99", "bgp", "bgp"},
	place.TripleLine: {"99", "sbgp", "sbgp"},
}

// window reads limit and offset. Without a limit, or with 0, everything is wanted: the official clients never send one, and expect all.
func window(c *dialect.Call) (store.Window, error) {
	limit, err := natural(c, "limit")
	if err != nil {
		return store.Window{}, err
	}
	offset, err := natural(c, "offset")
	return store.Window{Offset: offset, Limit: limit}, err
}

func natural(c *dialect.Call, name string) (int, error) {
	text := c.Param(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, fault.BadField(name, "must be a number from 0 on")
	}
	return n, nil
}

// isUUID tells whether an ID has the form that some operations demand before they look it up (IEC.020609, IEC.020718, IEC.020804, IEC.020915).
func isUUID(id string) bool {
	_, err := uuid.Parse(id)
	return err == nil && len(id) == 36
}
