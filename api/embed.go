// Package api holds the contract of every dialect: one OpenAPI 3.0.3 document per resource, in <dialect>/<version>/<resource>.yaml, with the notes that no
// schema can say beside them. The documents are the source; package contract compiles them, and nothing else reads them at run time except the reference
// pages, which offer them for download.
package api

import "embed"

// FS holds every contract document and the notes beside them.
//
//go:embed all:admin all:bec all:cecstack all:iec all:tcebms
var FS embed.FS
