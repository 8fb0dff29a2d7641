package bec

import (
	"edgecloud/cloud/network"
	"edgecloud/store"
)

// stamp writes a time as BEC does (conventions, section 4).
func stamp(t store.Time) string { return t.Time().Format("2006-01-02T15:04:05Z") }

// page fits a page number and size into what is served (NOTES, item 16: 1 to 1000 everywhere, 0 as the default).
func page(number, size, otherwise int) store.Page {
	if size <= 0 || size > 1000 {
		size = otherwise
	}
	return store.Page{Number: max(number, 1), Size: size}
}

// marker fits a marker and size into what is served.
func marker(start string, size int) store.Marker {
	if size <= 0 || size > 1000 {
		size = 1000
	}
	return store.Marker{Start: start, Size: size}
}

// isDefault tells whether the system made a network or subnet by itself.
func isDefault(k network.Kind) bool { return k == network.Default }
