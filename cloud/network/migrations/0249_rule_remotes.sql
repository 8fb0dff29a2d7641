-- A group that is to be deleted is looked for among the rules of others.
CREATE INDEX security_rules_remote ON security_rules (remote_group);
