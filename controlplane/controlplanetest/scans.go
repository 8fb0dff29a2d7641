package controlplanetest

// scansAllowed are pieces of statements that may read a whole table, with the reasons.
var scansAllowed = map[string]string{
	`FROM "schema_migrations"`:                          "once at the start, as many rows as the program has migrations",
	`FROM "sites" AS "site"`:                            "a catalogue that operators fill by hand; read at most every 5 s",
	`FROM "flavors" AS`:                                 "a catalogue that operators fill by hand; read at most every 5 s",
	`FROM "hosts" AS "host"`:                            "an operator's list of all hosts, and the places where something can be made now",
	`FROM "lines" AS "line" ORDER BY "site", "carrier"`: "the lines of all sites, of which there are a few each",
	`FROM "accounts" AS "account" ORDER BY "number"`:    "an operator's list of all accounts, which has no pages",
	`SELECT "file"."sha256" FROM "image_files"`:         "once at the start, for files that nothing knows any more; a catalogue filled by hand",
	`SELECT "job"."image" FROM "image_jobs"`:            "once at the start, for files that nothing knows any more; imports under way",
	`INTO "image_files"`:                                "an operator publishes a file that is known: the images that use it are looked for in a catalogue filled by hand",
	`FROM work WHERE lease = 0 AND`:                     "walks the due rows in their order, and stops at the first of a kind that the runner has",
	`FROM "audit_events" AS "event" ORDER BY "uid"`:     "the newest events of all accounts: an index read from its end up to a limit",
	") AS finding":                                      "the checker looks at whole tables",
	"SELECT target, kind, uid, deleted FROM link_specs": "the checker looks at whole tables",
	"SELECT * FROM ":                                    "a test looks at whole tables",
	"FROM sqlite_schema AS m":                           "once after a migration",
	"FROM sqlite_master":                                "a test looks at whole tables",
}
