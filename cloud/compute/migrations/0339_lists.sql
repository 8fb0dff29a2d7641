-- Groups are counted as instances are, so that a list's total need not count rows.
INSERT INTO quota_use (account, name, scope, used) SELECT account, 'groups', '', COUNT(*) FROM groups GROUP BY account;
-- Lists by name and by state, and the scan for instances that are on their way.
CREATE INDEX instances_account_name ON instances (account, name, uid);
CREATE INDEX instances_account_state ON instances (account, state, uid);
CREATE INDEX instances_unsettled ON instances (uid) WHERE dirty OR state NOT IN ('running', 'stopped', 'failed');
CREATE INDEX groups_account_name ON groups (account, name, uid);
