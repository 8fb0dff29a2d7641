-- The name that a host gets when it joins with the token; empty: its own.
ALTER TABLE link_tokens ADD COLUMN name TEXT NOT NULL DEFAULT '';
