-- Markets and series are named once; rows carry their numbers.
CREATE TABLE markets (
  id INTEGER PRIMARY KEY,
  exchange TEXT NOT NULL,
  symbol TEXT NOT NULL,
  UNIQUE (exchange, symbol)
) STRICT;

-- first, last: open times in seconds. They and count follow the candles within the same transaction.
CREATE TABLE series (
  id INTEGER PRIMARY KEY CHECK (id < 1048576),
  market INTEGER NOT NULL REFERENCES markets,
  timeframe TEXT NOT NULL,
  first INTEGER NOT NULL DEFAULT 0,
  last INTEGER NOT NULL DEFAULT 0,
  count INTEGER NOT NULL DEFAULT 0,
  UNIQUE (market, timeframe)
) STRICT;

-- id = series * 2^33 + open time in seconds: a series is one run of rows.
CREATE TABLE candles (
  id INTEGER PRIMARY KEY,
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

-- Trades whose ids are counted. time: ms.
CREATE TABLE trades (
  market INTEGER NOT NULL REFERENCES markets,
  id INTEGER NOT NULL,
  count INTEGER NOT NULL,
  price REAL NOT NULL,
  quantity REAL NOT NULL,
  side INTEGER NOT NULL,
  time INTEGER NOT NULL,
  received REAL NOT NULL,
  PRIMARY KEY (market, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX trades_by_time ON trades (market, time);

-- Trades whose ids are only names: sequence keeps the order in which they came.
CREATE TABLE named_trades (
  sequence INTEGER PRIMARY KEY,
  market INTEGER NOT NULL REFERENCES markets,
  id TEXT NOT NULL,
  count INTEGER NOT NULL,
  price REAL NOT NULL,
  quantity REAL NOT NULL,
  side INTEGER NOT NULL,
  time INTEGER NOT NULL,
  received REAL NOT NULL,
  UNIQUE (market, id)
) STRICT;
CREATE INDEX named_trades_by_time ON named_trades (market, time);

-- [start, stop) in ms; the intervals of a series never overlap.
CREATE TABLE coverage (
  market INTEGER NOT NULL REFERENCES markets,
  series TEXT NOT NULL,
  start INTEGER NOT NULL,
  stop INTEGER NOT NULL,
  state INTEGER NOT NULL,
  PRIMARY KEY (market, series, start)
) STRICT, WITHOUT ROWID;

-- errors: a JSON array of sentences.
CREATE TABLE jobs (
  id TEXT PRIMARY KEY,
  exchange TEXT NOT NULL,
  symbol TEXT NOT NULL,
  timeframe TEXT NOT NULL,
  start INTEGER NOT NULL,
  stop INTEGER NOT NULL,
  state INTEGER NOT NULL,
  cursor INTEGER NOT NULL,
  requests_planned INTEGER NOT NULL,
  requests_done INTEGER NOT NULL,
  candles_written INTEGER NOT NULL,
  errors TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_by_age ON jobs (created_at);
