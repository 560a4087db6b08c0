/** Takes the names of an erased subject out of the rows that are about it. */
import { type Database, transaction } from '../../../stores/sqlite/driver.ts';
import { stretchLength } from './stretches.ts';

/** `word`: of the subject. */
export function forgetNames(database: Database, word: number): void {
  transaction(database, () => {
    const rows = `records r, occurrences o WHERE o.word = ?1 AND r.seq >= o.stretch * ${stretchLength}
      AND r.seq < (o.stretch + 1) * ${stretchLength}`;
    const names = database
      .prepare(
        `SELECT r.user AS word FROM ${rows} AND r.subject = ?1 UNION SELECT r.agent FROM ${rows} AND r.subject = ?1
         UNION SELECT r.application FROM ${rows} AND r.subject = ?1`,
      )
      .all(word)
      .map(({ word: name }) => name)
      .filter((name) => typeof name === 'number');
    database
      .prepare(
        `UPDATE records SET user = NULL, agent = NULL, application = NULL
         WHERE seq IN (SELECT r.seq FROM ${rows} AND r.subject = ?1)`,
      )
      .run(word);
    for (const name of names) {
      // Where no other row has it any more.
      database
        .prepare(
          `DELETE FROM occurrences WHERE word = ?2 AND stretch IN (SELECT stretch FROM occurrences WHERE word = ?1)
           AND NOT EXISTS (SELECT 1 FROM records r WHERE r.seq >= stretch * ${stretchLength}
             AND r.seq < (stretch + 1) * ${stretchLength} AND (r.user = ?2 OR r.agent = ?2 OR r.application = ?2))`,
        )
        .run(word, name);
      database
        .prepare('DELETE FROM words WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM occurrences WHERE word = ?1)')
        .run(name);
    }
  });
}
