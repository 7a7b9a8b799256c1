-- When a row came to say what it says: our clock, ms. 0: before this was kept.
ALTER TABLE candles ADD COLUMN known_at INTEGER NOT NULL DEFAULT 0;

-- What a candle said from known_at until (exclusive) it was replaced. For one candle known_at always grows.
CREATE TABLE superseded (
  id INTEGER NOT NULL,
  known_at INTEGER NOT NULL,
  until INTEGER NOT NULL,
  open REAL NOT NULL,
  high REAL NOT NULL,
  low REAL NOT NULL,
  close REAL NOT NULL,
  volume REAL NOT NULL,
  volume_rest REAL NOT NULL,
  quote_volume REAL NOT NULL,
  quote_volume_rest REAL NOT NULL,
  trades INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  source INTEGER NOT NULL
) STRICT;
CREATE INDEX superseded_by_candle ON superseded (id, known_at);

-- Fires only where an upsert changes a row: candles that are new, or put again as they are, pay nothing.
CREATE TRIGGER keep_superseded AFTER UPDATE ON candles BEGIN
  INSERT INTO superseded VALUES (
    old.id, old.known_at, new.known_at, old.open, old.high, old.low, old.close, old.volume, old.volume_rest,
    old.quote_volume, old.quote_volume_rest, old.trades, old.revision, old.source
  );
END;

-- day: days since 1970. first_id, last_id: JSON, a number where ids are counted, else a text; null without trades.
CREATE TABLE ledger (
  market INTEGER NOT NULL REFERENCES markets,
  day INTEGER NOT NULL,
  first_id TEXT NOT NULL,
  last_id TEXT NOT NULL,
  trades INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  hash TEXT NOT NULL,
  computed_at INTEGER NOT NULL,
  pruned INTEGER NOT NULL,
  PRIMARY KEY (market, day)
) STRICT, WITHOUT ROWID;
