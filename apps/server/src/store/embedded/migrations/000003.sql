-- Old revisions are deleted by when they were replaced.
CREATE INDEX superseded_by_until ON superseded (until);
