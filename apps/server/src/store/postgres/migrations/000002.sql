-- Old revisions are deleted by when they were replaced, which grows from row to row.
CREATE INDEX superseded_by_until ON candlewire.superseded USING brin (until);
