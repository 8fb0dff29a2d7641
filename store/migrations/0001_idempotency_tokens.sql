-- The answers of requests that carried an idempotency token, kept for 24 hours after their last use.
CREATE TABLE idempotency_tokens (
    scope       TEXT NOT NULL,
    token       TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    result      {{blob}} NOT NULL,
    used_at     BIGINT NOT NULL,
    PRIMARY KEY (scope, token)
);
CREATE INDEX idempotency_tokens_used ON idempotency_tokens (used_at);
