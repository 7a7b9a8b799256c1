-- Everything is UTC; times are ms since 1970 where a column does not say otherwise.

-- exchanges, trading_pairs and historical_data are what a Laravel application reads: models Exchange, TradingPair and
-- HistoricalData. They are also how this program numbers its markets.
CREATE TABLE IF NOT EXISTS exchanges (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name VARCHAR(64) NOT NULL,
  created_at DATETIME NULL,
  updated_at DATETIME NULL,
  UNIQUE KEY exchanges_name_unique (name)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- What an exchange says of a market is NULL until it is known.
CREATE TABLE IF NOT EXISTS trading_pairs (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  exchange_id BIGINT UNSIGNED NOT NULL,
  symbol VARCHAR(64) NOT NULL,
  base_currency VARCHAR(32) NULL,
  quote_currency VARCHAR(32) NULL,
  is_active TINYINT(1) NOT NULL DEFAULT 1,
  price_decimals SMALLINT NULL,
  quantity_decimals SMALLINT NULL,
  min_quantity DECIMAL(36, 18) NULL,
  created_at DATETIME NULL,
  updated_at DATETIME NULL,
  UNIQUE KEY trading_pairs_exchange_id_symbol_unique (exchange_id, symbol),
  KEY trading_pairs_symbol_index (symbol),
  CONSTRAINT trading_pairs_exchange_id_foreign FOREIGN KEY (exchange_id) REFERENCES exchanges (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- A closed candle as it is now known. id is that of its row in candles, so that a series lies in one run.
CREATE TABLE IF NOT EXISTS historical_data (
  id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  trading_pair_id BIGINT UNSIGNED NOT NULL,
  timeframe VARCHAR(16) NOT NULL,
  open_time DATETIME NOT NULL,
  open DECIMAL(36, 18) NULL,
  high DECIMAL(36, 18) NULL,
  low DECIMAL(36, 18) NULL,
  close DECIMAL(36, 18) NULL,
  volume DECIMAL(36, 18) NULL,
  quote_volume DECIMAL(36, 18) NULL,
  trades_count BIGINT NOT NULL,
  created_at DATETIME NULL,
  updated_at DATETIME NULL,
  UNIQUE KEY historical_data_series_open_time_unique (trading_pair_id, timeframe, open_time),
  CONSTRAINT historical_data_trading_pair_id_foreign FOREIGN KEY (trading_pair_id) REFERENCES trading_pairs (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- first_open, last_open: open times in seconds. They and the count follow the candles within the same transaction.
CREATE TABLE IF NOT EXISTS series (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  trading_pair_id BIGINT UNSIGNED NOT NULL,
  timeframe VARCHAR(16) NOT NULL,
  first_open BIGINT NOT NULL DEFAULT 0,
  last_open BIGINT NOT NULL DEFAULT 0,
  candle_count BIGINT NOT NULL DEFAULT 0,
  UNIQUE KEY series_unique (trading_pair_id, timeframe),
  CONSTRAINT series_trading_pair_id_foreign FOREIGN KEY (trading_pair_id) REFERENCES trading_pairs (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- id = series * 2^33 + open time in seconds. known_at: when the row came to say what it says, our clock.
CREATE TABLE IF NOT EXISTS candles (
  id BIGINT NOT NULL PRIMARY KEY,
  open DOUBLE NOT NULL,
  high DOUBLE NOT NULL,
  low DOUBLE NOT NULL,
  close DOUBLE NOT NULL,
  volume DOUBLE NOT NULL,
  volume_rest DOUBLE NOT NULL,
  quote_volume DOUBLE NOT NULL,
  quote_volume_rest DOUBLE NOT NULL,
  trades BIGINT NOT NULL,
  revision BIGINT NOT NULL,
  source TINYINT NOT NULL,
  known_at BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- What a candle said from known_at until (exclusive) it was replaced. For one candle known_at always grows.
CREATE TABLE IF NOT EXISTS superseded_candles (
  id BIGINT NOT NULL,
  known_at BIGINT NOT NULL,
  until BIGINT NOT NULL,
  open DOUBLE NOT NULL,
  high DOUBLE NOT NULL,
  low DOUBLE NOT NULL,
  close DOUBLE NOT NULL,
  volume DOUBLE NOT NULL,
  volume_rest DOUBLE NOT NULL,
  quote_volume DOUBLE NOT NULL,
  quote_volume_rest DOUBLE NOT NULL,
  trades BIGINT NOT NULL,
  revision BIGINT NOT NULL,
  source TINYINT NOT NULL,
  PRIMARY KEY (id, known_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Trades whose ids are counted.
CREATE TABLE IF NOT EXISTS trades (
  trading_pair_id BIGINT UNSIGNED NOT NULL,
  id BIGINT NOT NULL,
  count BIGINT NOT NULL,
  price DOUBLE NOT NULL,
  quantity DOUBLE NOT NULL,
  side TINYINT NOT NULL,
  time BIGINT NOT NULL,
  received DOUBLE NOT NULL,
  PRIMARY KEY (trading_pair_id, id),
  KEY trades_by_time (trading_pair_id, time)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Trades whose ids are only names: sequence keeps the order in which they came.
CREATE TABLE IF NOT EXISTS named_trades (
  sequence BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  trading_pair_id BIGINT UNSIGNED NOT NULL,
  id VARBINARY(255) NOT NULL,
  count BIGINT NOT NULL,
  price DOUBLE NOT NULL,
  quantity DOUBLE NOT NULL,
  side TINYINT NOT NULL,
  time BIGINT NOT NULL,
  received DOUBLE NOT NULL,
  UNIQUE KEY named_trades_id (trading_pair_id, id),
  KEY named_trades_by_time (trading_pair_id, time)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- [start, stop); the intervals of a series never overlap.
CREATE TABLE IF NOT EXISTS coverage (
  trading_pair_id BIGINT UNSIGNED NOT NULL,
  series VARCHAR(64) NOT NULL,
  start BIGINT NOT NULL,
  stop BIGINT NOT NULL,
  state TINYINT NOT NULL,
  PRIMARY KEY (trading_pair_id, series, start)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- day: days since 1970. first_id, last_id: JSON, a number where ids are counted, else a text; null without trades.
CREATE TABLE IF NOT EXISTS ledger (
  trading_pair_id BIGINT UNSIGNED NOT NULL,
  day INT NOT NULL,
  first_id TEXT NOT NULL,
  last_id TEXT NOT NULL,
  trades BIGINT NOT NULL,
  stored_rows BIGINT NOT NULL,
  hash VARCHAR(128) NOT NULL,
  computed_at BIGINT NOT NULL,
  pruned TINYINT(1) NOT NULL,
  PRIMARY KEY (trading_pair_id, day)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Not called jobs: that is the name of Laravel's own queue. errors: a JSON array of sentences.
CREATE TABLE IF NOT EXISTS backfill_jobs (
  id VARCHAR(128) NOT NULL PRIMARY KEY,
  exchange VARCHAR(64) NOT NULL,
  symbol VARCHAR(64) NOT NULL,
  timeframe VARCHAR(16) NOT NULL,
  start BIGINT NOT NULL,
  stop BIGINT NOT NULL,
  state TINYINT NOT NULL,
  progress BIGINT NOT NULL,
  requests_planned BIGINT NOT NULL,
  requests_done BIGINT NOT NULL,
  candles_written BIGINT NOT NULL,
  errors MEDIUMTEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  KEY backfill_jobs_by_age (created_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
