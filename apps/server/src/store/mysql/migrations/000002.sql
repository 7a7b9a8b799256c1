-- Old revisions are deleted by when they were replaced.
CREATE INDEX superseded_candles_by_until ON superseded_candles (until);
