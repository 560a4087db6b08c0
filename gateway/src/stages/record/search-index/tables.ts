/** The tables of the index. Any other version of them is thrown away and made again from the log. */
export const indexVersion = 3;

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
  CREATE INDEX by_id ON records (id) WHERE id IS NOT NULL;
  CREATE INDEX by_time ON records (time);
  CREATE INDEX by_kind ON records (kind, seq);
  CREATE INDEX by_subject ON records (subject, seq) WHERE subject IS NOT NULL;
  CREATE INDEX by_user ON records (user, seq) WHERE user IS NOT NULL;
  CREATE INDEX by_agent ON records (agent, seq) WHERE agent IS NOT NULL;
  CREATE INDEX by_application ON records (application, seq) WHERE application IS NOT NULL;
  CREATE INDEX by_server ON records (server, seq) WHERE server IS NOT NULL;
  CREATE INDEX by_capability ON records (capability, seq) WHERE capability IS NOT NULL;
  CREATE INDEX by_effect ON records (effect, seq) WHERE effect IS NOT NULL;
  CREATE INDEX by_rule ON records (rule, seq) WHERE rule IS NOT NULL;
  CREATE INDEX by_outcome ON records (outcome, seq) WHERE outcome IS NOT NULL;
  CREATE INDEX by_reason ON records (reason, seq) WHERE reason IS NOT NULL;
  CREATE TABLE erased (pseudonym TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  CREATE TABLE progress (
    next INTEGER NOT NULL,
    origin TEXT NOT NULL,
    -- The root of the log over the records that are taken in, and the rows that they made.
    root TEXT NOT NULL,
    rows INTEGER NOT NULL
  ) STRICT;
`;
