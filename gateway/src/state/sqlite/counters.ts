/** Counters and holds in the embedded database, for what must outlive a process or be shared by several. */
import { type Database, transaction } from '../../stores/sqlite/driver.ts';
import type { Count, CounterBounds, CounterName, Counters, HoldBounds, Holds } from '../contract/counters.ts';
import type { Local } from '../contract/later.ts';

/** `name` tells the counters of one use from those of others. Methods throw what SQLite says. */
export function sqliteCounters(database: Database, name: string, bounds: CounterBounds): Local<Counters> {
  const { maxOfOwner, idleMs } = bounds;
  const find = database.prepare('SELECT value, changed_at FROM counters WHERE name = ? AND owner = ? AND key = ?');
  const remove = database.prepare('DELETE FROM counters WHERE name = ? AND owner = ? AND key = ?');
  const insert = database.prepare('INSERT INTO counters (name, owner, key, value, changed_at) VALUES (?, ?, ?, ?, ?)');
  const ofOwner = database.prepare('SELECT count(*) AS n FROM counters WHERE name = ? AND owner = ?');
  const removeOldest = database.prepare(
    `DELETE FROM counters WHERE place =
       (SELECT place FROM counters WHERE name = ? AND owner = ? ORDER BY place LIMIT 1)`,
  );
  const all = database.prepare('SELECT count(*) AS n FROM counters WHERE name = ?');

  const read = ({ owner, key }: CounterName, now: number): Count | undefined => {
    const row = find.get(name, owner, key);
    if (row === undefined || now - Number(row['changed_at']) > idleMs) return undefined;
    return { value: Number(row['value']), changedAt: Number(row['changed_at']) };
  };
  const add = (counter: CounterName, now: number): Count => {
    const { owner, key } = counter;
    const count = { value: (read(counter, now)?.value ?? 0) + 1, changedAt: now };
    remove.run(name, owner, key);
    if (Number(ofOwner.get(name, owner)?.['n']) >= maxOfOwner) removeOldest.run(name, owner);
    insert.run(name, owner, key, count.value, now);
    return count;
  };
  return {
    add: (counters, now) => transaction(database, () => counters.map((counter) => add(counter, now))),
    read,
    size: () => Number(all.get(name)?.['n']),
  };
}

/** A hold is a row. One that was never given back, since its process was killed, ends with its lifetime. */
export function sqliteHolds(database: Database, name: string, { maxKeys, lifetimeMs }: HoldBounds): Local<Holds> {
  const removeOver = database.prepare('DELETE FROM holds WHERE name = ? AND ends_at <= ?');
  const ofKey = database.prepare('SELECT count(*) AS n FROM holds WHERE name = ? AND key = ? AND ends_at > ?');
  const keys = database.prepare('SELECT count(DISTINCT key) AS n FROM holds WHERE name = ?');
  const insert = database.prepare('INSERT INTO holds (name, key, ends_at) VALUES (?, ?, ?) RETURNING id');
  const remove = database.prepare('DELETE FROM holds WHERE id = ?');
  const held = (key: string, now: number): number => Number(ofKey.get(name, key, now)?.['n']);
  return {
    hold: (key, limit, now) =>
      transaction(database, () => {
        removeOver.run(name, now);
        const own = held(key, now);
        if (own >= limit || (own === 0 && Number(keys.get(name)?.['n']) >= maxKeys)) return undefined;
        const id = Number(insert.get(name, key, now + lifetimeMs)?.['id']);
        return { settle: () => void remove.run(id) };
      }),
    held,
  };
}
