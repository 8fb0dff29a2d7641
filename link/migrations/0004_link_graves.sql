-- What was destroyed by a tombstone that its host has answered. Should the thing be found again, it is destroyed again.
CREATE TABLE link_graves (
    target TEXT NOT NULL,
    kind   TEXT NOT NULL,
    uid    TEXT NOT NULL,
    at     BIGINT NOT NULL,
    PRIMARY KEY (target, kind, uid)
);
CREATE INDEX link_graves_at ON link_graves (target, at);
