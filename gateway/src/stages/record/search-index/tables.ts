/** The tables of the index. Any other version of them is thrown away and made again from the log. */
export const indexVersion = 5;

/** One row for an exchange, its outcome included, and for every other record. Names stand once, in `words`. */
export const tables = `
  CREATE TABLE words (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE records (
    seq INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    id TEXT,
    subject INTEGER,
    user INTEGER,
    agent INTEGER,
    application INTEGER,
    server INTEGER,
    capability INTEGER,
    method INTEGER,
    effect INTEGER,
    rule INTEGER,
    outcome INTEGER,
    reason INTEGER,
    outcome_seq INTEGER
  ) STRICT;
  -- Stretches of records with the times of their rows, and the words that any of these rows has. An index of each column
  -- took half of the time of a row; a stretch is searched in less than a millisecond.
  CREATE TABLE stretches (stretch INTEGER PRIMARY KEY, earliest INTEGER NOT NULL, latest INTEGER NOT NULL) STRICT;
  CREATE TABLE occurrences (
    word INTEGER NOT NULL,
    stretch INTEGER NOT NULL,
    PRIMARY KEY (word, stretch)
  ) STRICT, WITHOUT ROWID;
  -- Four bytes for each id of a stretch, in any order. Ids are random, so that an index of them changed a page for each row.
  CREATE TABLE stretch_ids (stretch INTEGER PRIMARY KEY, marks BLOB NOT NULL) STRICT;
  CREATE TABLE erased (pseudonym TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  CREATE TABLE progress (
    next INTEGER NOT NULL,
    origin TEXT NOT NULL,
    -- The root of the log over the records that are taken in, and the rows that they made.
    root TEXT NOT NULL,
    rows INTEGER NOT NULL
  ) STRICT;
`;
