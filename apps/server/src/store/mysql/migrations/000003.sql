-- Records of other services as they came. time, received: ms. digest: of the id, which may be longer than an index takes.
-- sequence keeps the order in which they were put. Not called messages: many a Laravel application has its own.
CREATE TABLE IF NOT EXISTS service_messages (
  sequence BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  topic VARCHAR(255) NOT NULL,
  digest CHAR(43) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  id MEDIUMTEXT NOT NULL,
  record_key MEDIUMTEXT NOT NULL,
  symbol MEDIUMTEXT NOT NULL,
  time BIGINT NOT NULL,
  received BIGINT NOT NULL,
  payload MEDIUMTEXT NOT NULL,
  UNIQUE KEY service_messages_id (topic, digest),
  KEY service_messages_by_time (topic, time, sequence)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
