-- Markets and series are named once; rows carry their numbers.
CREATE TABLE candlewire.markets (
  id integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  exchange text NOT NULL,
  symbol text NOT NULL,
  UNIQUE (exchange, symbol)
);

-- first, last, count follow the candles within the same transaction. Whoever writes candles locks the row first.
CREATE TABLE candlewire.series (
  id integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  market integer NOT NULL REFERENCES candlewire.markets,
  timeframe text NOT NULL,
  first timestamptz,
  last timestamptz,
  count bigint NOT NULL DEFAULT 0,
  UNIQUE (market, timeframe)
) WITH (fillfactor = 50);

-- known_at: our clock, ms. source: a position in the list of sources, see codes.ts.
CREATE TABLE candlewire.candles (
  series integer NOT NULL,
  time timestamptz NOT NULL,
  open double precision NOT NULL,
  high double precision NOT NULL,
  low double precision NOT NULL,
  close double precision NOT NULL,
  volume double precision NOT NULL,
  volume_rest double precision NOT NULL,
  quote_volume double precision NOT NULL,
  quote_volume_rest double precision NOT NULL,
  trades bigint NOT NULL,
  revision bigint NOT NULL,
  source smallint NOT NULL,
  known_at bigint NOT NULL,
  PRIMARY KEY (series, time)
) /* BY TIME */;

-- What a candle said from known_at until (exclusive) it was replaced. For one candle known_at always grows.
CREATE TABLE candlewire.superseded (
  series integer NOT NULL,
  time timestamptz NOT NULL,
  open double precision NOT NULL,
  high double precision NOT NULL,
  low double precision NOT NULL,
  close double precision NOT NULL,
  volume double precision NOT NULL,
  volume_rest double precision NOT NULL,
  quote_volume double precision NOT NULL,
  quote_volume_rest double precision NOT NULL,
  trades bigint NOT NULL,
  revision bigint NOT NULL,
  source smallint NOT NULL,
  known_at bigint NOT NULL,
  until bigint NOT NULL,
  PRIMARY KEY (series, time, known_at)
);

-- Trades whose ids are counted. side: see codes.ts. received: our clock, ms.
CREATE TABLE candlewire.trades (
  market integer NOT NULL,
  id bigint NOT NULL,
  count bigint NOT NULL,
  price double precision NOT NULL,
  quantity double precision NOT NULL,
  side smallint NOT NULL,
  time timestamptz NOT NULL,
  received double precision NOT NULL,
  PRIMARY KEY (market, id, time)
) /* BY TIME */;
CREATE INDEX trades_by_time ON candlewire.trades (market, time, id);

-- Trades whose ids are only names: sequence keeps the order in which they came.
CREATE SEQUENCE candlewire.named_trade_sequence;
CREATE TABLE candlewire.named_trades (
  market integer NOT NULL,
  id text NOT NULL,
  count bigint NOT NULL,
  price double precision NOT NULL,
  quantity double precision NOT NULL,
  side smallint NOT NULL,
  time timestamptz NOT NULL,
  received double precision NOT NULL,
  sequence bigint NOT NULL DEFAULT nextval('candlewire.named_trade_sequence'),
  PRIMARY KEY (market, id, time)
) /* BY TIME */;
CREATE INDEX named_trades_by_time ON candlewire.named_trades (market, time, sequence);

-- [start, stop) in ms; the intervals of a series never overlap.
CREATE TABLE candlewire.coverage (
  market integer NOT NULL REFERENCES candlewire.markets,
  series text NOT NULL,
  start bigint NOT NULL,
  stop bigint NOT NULL,
  state text NOT NULL,
  PRIMARY KEY (market, series, start)
);

-- first_id, last_id: JSON, a number where ids are counted, else a text; null without trades. computed_at: ms.
CREATE TABLE candlewire.ledger (
  market integer NOT NULL REFERENCES candlewire.markets,
  day timestamptz NOT NULL,
  first_id text NOT NULL,
  last_id text NOT NULL,
  trades bigint NOT NULL,
  rows bigint NOT NULL,
  hash text NOT NULL,
  computed_at bigint NOT NULL,
  pruned boolean NOT NULL,
  PRIMARY KEY (market, day)
);

-- All times in ms. errors: a JSON array of sentences.
CREATE TABLE candlewire.jobs (
  id text PRIMARY KEY,
  exchange text NOT NULL,
  symbol text NOT NULL,
  timeframe text NOT NULL,
  start bigint NOT NULL,
  stop bigint NOT NULL,
  state text NOT NULL,
  cursor bigint NOT NULL,
  requests_planned bigint NOT NULL,
  requests_done bigint NOT NULL,
  candles_written bigint NOT NULL,
  errors text NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL
);
CREATE INDEX jobs_by_age ON candlewire.jobs (created_at, id);

-- Upserts candles that name no candle twice. A higher or equal revision replaces, and only where something differs;
-- what is replaced is kept. known_at grows even where the clock does not, so that each version has a time of its own.
CREATE FUNCTION candlewire.put_candles(
  p_series integer[], p_time timestamptz[], p_open double precision[], p_high double precision[],
  p_low double precision[], p_close double precision[], p_volume double precision[],
  p_volume_rest double precision[], p_quote_volume double precision[], p_quote_volume_rest double precision[],
  p_trades bigint[], p_revision bigint[], p_source smallint[], p_known_at bigint[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  -- Only tables of this time are looked into.
  earliest timestamptz := (SELECT min(t) FROM unnest(p_time) t);
  latest timestamptz := (SELECT max(t) FROM unnest(p_time) t);
BEGIN
  -- Writers of one series take turns, so what the next statement sees there stays true until it is committed.
  PERFORM id FROM candlewire.series WHERE id = ANY (p_series) ORDER BY id FOR NO KEY UPDATE;

  WITH merged AS MATERIALIZED (
    SELECT b.*, o.known_at IS NULL AS is_new, o.known_at IS NULL OR b.revision >= o.revision AND (
      b.open, b.high, b.low, b.close, b.volume, b.volume_rest, b.quote_volume, b.quote_volume_rest, b.trades,
      b.revision, b.source
    ) IS DISTINCT FROM (
      o.open, o.high, o.low, o.close, o.volume, o.volume_rest, o.quote_volume, o.quote_volume_rest, o.trades,
      o.revision, o.source
    ) AS is_other,
      o.open AS old_open, o.high AS old_high, o.low AS old_low, o.close AS old_close, o.volume AS old_volume,
      o.volume_rest AS old_volume_rest, o.quote_volume AS old_quote_volume, o.quote_volume_rest AS
      old_quote_volume_rest, o.trades AS old_trades, o.revision AS old_revision, o.source AS old_source, o.known_at AS
      old_known_at
    FROM unnest(
      p_series, p_time, p_open, p_high, p_low, p_close, p_volume, p_volume_rest, p_quote_volume,
      p_quote_volume_rest, p_trades, p_revision, p_source, p_known_at
    ) AS b (
      series, time, open, high, low, close, volume, volume_rest, quote_volume, quote_volume_rest,
      trades, revision, source, known_at
    )
    JOIN candlewire.series s ON s.id = b.series
    -- Only what lies within the known extent can exist. OFFSET keeps it a look into the index for each row.
    LEFT JOIN LATERAL (
      SELECT * FROM candlewire.candles c
      WHERE b.time BETWEEN s.first AND s.last AND c.series = s.id AND c.time = b.time
        AND c.time BETWEEN earliest AND latest OFFSET 0
    ) o ON true
  ), grown AS (
    UPDATE candlewire.series s SET
      first = least(s.first, f.first), last = greatest(s.last, f.last), count = s.count + f.count
    FROM (
      SELECT series, min(time) AS first, max(time) AS last, count(*) AS count FROM merged WHERE is_new GROUP BY series
    ) f WHERE s.id = f.series
  ), kept AS (
    INSERT INTO candlewire.superseded (
      series, time, open, high, low, close, volume, volume_rest, quote_volume, quote_volume_rest, trades, revision,
      source, known_at, until
    ) SELECT
      series, time, old_open, old_high, old_low, old_close, old_volume, old_volume_rest, old_quote_volume,
      old_quote_volume_rest, old_trades, old_revision, old_source, old_known_at, greatest(known_at, old_known_at + 1)
    FROM merged WHERE is_other AND NOT is_new
  )
  INSERT INTO candlewire.candles (
    series, time, open, high, low, close, volume, volume_rest, quote_volume, quote_volume_rest, trades, revision,
    source, known_at
  ) SELECT
    series, time, open, high, low, close, volume, volume_rest, quote_volume, quote_volume_rest, trades, revision,
    source, greatest(known_at, old_known_at + 1)
  FROM merged WHERE is_other
  ON CONFLICT (series, time) DO UPDATE SET
    open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close, volume = excluded.volume,
    volume_rest = excluded.volume_rest, quote_volume = excluded.quote_volume, quote_volume_rest =
    excluded.quote_volume_rest, trades = excluded.trades, revision = excluded.revision, source = excluded.source,
    known_at = excluded.known_at;
END $$;

-- Adds `<parent>_<suffix>` for [starts, ends) where PostgreSQL's own partitions are used. Rows of that time that came
-- before it, into the rest, move over. Attaching a finished table does not make those who read wait.
CREATE FUNCTION candlewire.add_partition(parent text, suffix text, starts timestamptz, ends timestamptz)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  child text := parent || '_' || suffix;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('candlewire.' || child));
  IF to_regclass('candlewire.' || child) IS NOT NULL THEN
    RETURN;
  END IF;
  EXECUTE format('CREATE TABLE candlewire.%I (LIKE candlewire.%I INCLUDING ALL)', child, parent);
  EXECUTE format('LOCK TABLE candlewire.%I IN ACCESS EXCLUSIVE MODE', parent || '_rest');
  EXECUTE format(
    'WITH moved AS (DELETE FROM candlewire.%I WHERE time >= $1 AND time < $2 RETURNING *)
     INSERT INTO candlewire.%I SELECT * FROM moved', parent || '_rest', child
  ) USING starts, ends;
  EXECUTE format(
    'ALTER TABLE candlewire.%I ATTACH PARTITION candlewire.%I FOR VALUES FROM (%L) TO (%L)',
    parent, child, starts, ends
  );
END $$;

-- Deletes trades older than `before`: whole days by dropping their tables, which locks out others only at the very end.
-- Returns how many they were.
CREATE FUNCTION candlewire.prune_trades(parent text, before timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  child text;
  days text[];
  kept_from timestamptz;
  amount bigint;
  deleted bigint := 0;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('candlewire.prune ' || parent));
  SELECT coalesce(array_agg(name), '{}'), coalesce(max(ends), '-infinity') INTO days, kept_from FROM (
    SELECT c.relname AS name, (to_date(right(c.relname, 8), 'YYYYMMDD') + 1)::timestamp AT TIME ZONE 'UTC' AS ends
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = ('candlewire.' || parent)::regclass AND c.relname ~ '_[0-9]{8}$'
  ) parts WHERE ends <= before;
  FOREACH child IN ARRAY days LOOP
    EXECUTE format('SELECT count(*) FROM candlewire.%I', child) INTO amount;
    deleted := deleted + amount;
  END LOOP;
  EXECUTE format('DELETE FROM candlewire.%I WHERE time < $1', parent || '_rest') USING before;
  GET DIAGNOSTICS amount = ROW_COUNT;
  deleted := deleted + amount;
  EXECUTE format('DELETE FROM candlewire.%I WHERE time >= $1 AND time < $2', parent) USING kept_from, before;
  GET DIAGNOSTICS amount = ROW_COUNT;
  deleted := deleted + amount;
  IF cardinality(days) > 0 THEN
    EXECUTE format('LOCK TABLE candlewire.%I IN ACCESS EXCLUSIVE MODE', parent);
    FOREACH child IN ARRAY days LOOP
      EXECUTE format('DROP TABLE candlewire.%I', child);
    END LOOP;
  END IF;
  RETURN deleted;
END $$;

-- Where TimescaleDB is there, it cuts the tables into chunks by time and compresses old candles, which its community
-- licence allows. When trades are deleted is decided by us, who know the ledger, so no policy deletes them.
DO $$
DECLARE
  parent text;
  compressing boolean;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
    FOREACH parent IN ARRAY ARRAY['candles', 'trades', 'named_trades'] LOOP
      EXECUTE format('CREATE TABLE candlewire.%I PARTITION OF candlewire.%I DEFAULT', parent || '_rest', parent);
    END LOOP;
    RETURN;
  END IF;
  PERFORM create_hypertable('candlewire.candles', 'time',
    chunk_time_interval => interval '7 days', create_default_indexes => false);
  PERFORM create_hypertable('candlewire.trades', 'time',
    chunk_time_interval => interval '1 day', create_default_indexes => false);
  PERFORM create_hypertable('candlewire.named_trades', 'time',
    chunk_time_interval => interval '1 day', create_default_indexes => false);
  CREATE OR REPLACE FUNCTION candlewire.prune_trades(parent text, before timestamptz) RETURNS bigint LANGUAGE plpgsql AS
  $prune$
  DECLARE
    deleted bigint;
  BEGIN
    EXECUTE format('SELECT count(*) FROM candlewire.%I WHERE time < $1', parent) INTO deleted USING before;
    PERFORM drop_chunks(format('candlewire.%I', parent)::regclass, older_than => before);
    EXECUTE format('DELETE FROM candlewire.%I WHERE time < $1', parent) USING before;
    RETURN deleted;
  END $prune$;
  SELECT setting = 'timescale' INTO compressing FROM pg_settings WHERE name = 'timescaledb.license';
  IF compressing THEN
    ALTER TABLE candlewire.candles SET (
      timescaledb.compress, timescaledb.compress_segmentby = 'series', timescaledb.compress_orderby = 'time'
    );
    -- Later than repairs and backfills usually reach: writing into compressed rows costs unpacking them.
    PERFORM add_compression_policy('candlewire.candles', interval '90 days');
  END IF;
  -- A batch over many series unpacks a stretch of each, which the default limit refuses.
  BEGIN
    ALTER FUNCTION candlewire.put_candles SET timescaledb.max_tuples_decompressed_per_dml_transaction = 0;
  EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE 'this TimescaleDB has no limit for unpacking';
  END;
END $$;
