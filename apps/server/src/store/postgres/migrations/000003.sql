-- Records of other services as they came. time, received: ms. digest: of the id, which may be longer than an index takes.
-- sequence keeps the order in which they were put.
CREATE TABLE candlewire.messages (
  sequence bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  topic text NOT NULL,
  digest text NOT NULL,
  id text NOT NULL,
  key text NOT NULL,
  symbol text NOT NULL,
  time bigint NOT NULL,
  received bigint NOT NULL,
  payload text NOT NULL,
  UNIQUE (topic, digest)
);
CREATE INDEX messages_by_time ON candlewire.messages (topic, time, sequence);
