-- Records of other services as they came. time, received: ms. sequence keeps the order in which they were put.
CREATE TABLE messages (
  sequence INTEGER PRIMARY KEY,
  topic TEXT NOT NULL,
  id TEXT NOT NULL,
  key TEXT NOT NULL,
  symbol TEXT NOT NULL,
  time INTEGER NOT NULL,
  received INTEGER NOT NULL,
  payload TEXT NOT NULL,
  UNIQUE (topic, id)
) STRICT;
CREATE INDEX messages_by_time ON messages (topic, time);
