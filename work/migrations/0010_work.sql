-- One row per resource that has something to do or to wait for.
CREATE TABLE work (
    kind       TEXT NOT NULL,
    uid        TEXT NOT NULL,
    due        BIGINT NOT NULL,            -- when to look at it next, microseconds since 1970 as all times
    woken      BIGINT NOT NULL,            -- counts the wake-ups
    lease      BIGINT NOT NULL DEFAULT 0,  -- until when a worker holds it; 0: nobody
    holder     TEXT NOT NULL DEFAULT '',   -- which worker
    attempt    BIGINT NOT NULL DEFAULT 0,  -- runs since the last one that went well
    state      TEXT NOT NULL DEFAULT '',   -- of a machine
    event      TEXT NOT NULL DEFAULT '',   -- what it waits for
    since      BIGINT NOT NULL DEFAULT 0,  -- when it entered the state or began to wait for the event
    deadline   BIGINT NOT NULL DEFAULT 0,  -- when that has lasted too long; 0: never
    last_error TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (kind, uid)
);
CREATE INDEX work_ready ON work (due) WHERE lease = 0;
CREATE INDEX work_leased ON work (lease) WHERE lease > 0;
-- How far the slow full scan of a kind has come.
CREATE TABLE work_scans (
    kind       TEXT NOT NULL PRIMARY KEY,
    after_uid  TEXT NOT NULL,
    started_at BIGINT NOT NULL
);
